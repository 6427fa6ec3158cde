import { AegisError } from '../../core/errors.ts'
import { frontierAt, inclusionProof, type SubtreeSource } from '../merkle/proofs.ts'
import { createTileReader, type TileStore } from '../merkle/tiles.ts'
import { appendLeaves, EMPTY, HASH_BYTES, type Hash, nodeHash, rootOf } from '../merkle/tree.ts'
import { verifyInclusion } from '../merkle/verify-proof.ts'
import type { LedgerReader, LogHead, StoredCheckpoint } from '../store.ts'
import { type LogFault, type Pins, type Vouched, vouch } from '../verify/trust.ts'

/** Leaves that are looked at together: those of one tile. */
const BLOCK = 256

/** The tree that the newest checkpoint of a stored log stands for, and what the store holds instead. */
export interface SignedTree {
  /** Entries that the checkpoint covers; 0 where there is none that counts. */
  readonly size: number
  /** Null where the log was never signed. */
  readonly vouched: Vouched | null
  readonly faults: readonly LogFault[]
  /** Those of them that no look at the store alone would show. */
  readonly remembered: readonly LogFault[]
  /** For places below it `holds` has an answer: fewer where the newest checkpoint is not that of the rows, and an older one is. */
  readonly proven: number
  /** Compares an entry's stored hash with the tree. Ascending `n` cost least: a block of leaves is proved at a time. */
  holds(n: number, hash: string): boolean | Promise<boolean>
  /** The root over the first `size` entries as stored; null where rows are missing. */
  rootAt(size: number): Promise<Hash | null>
}

/**
 * Opens the tree of a stored log.
 * @param remembered the checkpoint that the gateway remembers apart from the store, which may have lost its own; null where unknown
 */
export async function openSignedTree(
  reader: LedgerReader,
  log: LogHead,
  pins: Pins | null,
  remembered: string | null,
): Promise<SignedTree> {
  const faults: LogFault[] = []
  const told: LogFault[] = []
  const stored = await reader.latestCheckpoint()
  const known = rememberedOf(log.origin, pins, remembered)
  const vouched = newestOf(log.origin, pins, stored, known, faults)
  const none: SignedTree = {
    ...{ size: 0, proven: 0, vouched, faults, remembered: told, holds: () => true },
    rootAt: (size) => sourceRoot(plain(reader, log, size), size),
  }
  const recall = (fault: LogFault) => {
    faults.push(fault)
    told.push(fault)
  }
  if (vouched === null || vouched.by === 'fault') return none
  const { size, root } = vouched.checkpoint
  if (log.size < size) {
    faults.push({ kind: 'ROLLBACK', detail: `a log of ${size} entries was signed, the store holds ${log.size}` })
    return none
  }
  const tiles = watchTiles(reader, size, faults)
  const source = await faithfulSource(reader, log, vouched.checkpoint, tiles, faults)
  if (source === null) {
    const { fault, good } = await rewrittenFrom(reader, log, pins, size)
    faults.push(fault)
    if (good === null) return none
    const rows = plain(reader, log, good.size)
    return { ...none, proven: good.size, holds: createBlocks(reader, good.size, good.root, rows, tiles) }
  }
  if (known !== null && !same(await sourceRoot(source, known.checkpoint.size), known.checkpoint.root)) {
    recall(contradicts(known.checkpoint.size, size))
    return none
  }
  // Its own memory comes after the store's: what it remembers was stored.
  if (known === vouched && stored?.size !== size) recall(forgotten(size))
  return {
    ...{ size, proven: size, vouched, faults, remembered: told },
    holds: createBlocks(reader, size, root, source, tiles),
    rootAt: (at) => (at <= size ? sourceRoot(source, at) : grownRoot(reader, source, size, at)),
  }
}

/** Reads tiles, and tells of the first one that must be there and is not. */
function watchTiles(reader: LedgerReader, size: number, faults: LogFault[]): TileStore {
  let complete = true
  return {
    leafHashes: reader.leafHashes,
    async tile(level, index) {
      const tile = await reader.tile(level, index)
      if (tile === null && complete && (index + 1) * BLOCK ** (level + 1) <= size) {
        complete = false
        faults.push({ kind: 'PROJECTION_MISMATCH', detail: `tile ${level}/${index} of the signed tree is missing` })
      }
      return tile
    },
  }
}

function forgotten(size: number): LogFault {
  return { kind: 'PROJECTION_MISMATCH', detail: `the checkpoint of ${size} entries is not in the store any more` }
}

/** Leaves read at a time. */
const CHUNK = 16 * BLOCK

/** The root over the signed tree and what was appended since; null where rows are missing. */
async function grownRoot(
  reader: LedgerReader,
  source: SubtreeSource,
  signed: number,
  size: number,
): Promise<Hash | null> {
  let frontier = await frontierAt(signed, source)
  while (frontier.size < size) {
    const to = Math.min(size, frontier.size + CHUNK)
    const leaves = await reader.leafHashes(frontier.size, to)
    if (leaves.length !== to - frontier.size) return null
    frontier = appendLeaves(frontier, leaves)
  }
  return rootOf(frontier)
}

type Pinned = Extract<Vouched, { by: 'pinned' }>

/** A memory of another log, or one that is damaged, says nothing of this store. */
function rememberedOf(origin: string, pins: Pins | null, remembered: string | null): Pinned | null {
  const own = remembered === null ? null : vouch(remembered, origin, pins)
  return own?.by === 'pinned' ? own : null
}

/** The store's checkpoints fit its rows, and yet something else was signed before: the key signed two histories. */
function contradicts(remembered: number, size: number): LogFault {
  const detail = `the gateway signed another history of its first ${remembered} entries`
  return { kind: remembered === size ? 'FORK' : 'REWRITTEN', detail }
}

/** The larger of the two checkpoints, and what is wrong with them. */
function newestOf(
  origin: string,
  pins: Pins | null,
  stored: StoredCheckpoint | null,
  known: Pinned | null,
  faults: LogFault[],
): Vouched | null {
  if (stored === null) return known
  const vouched = vouch(stored.note, origin, pins)
  if (vouched.by === 'fault') faults.push(vouched.fault)
  else if (!projects(stored, vouched)) {
    faults.push({
      kind: 'PROJECTION_MISMATCH',
      detail: 'the columns of the newest checkpoint do not say what its note says',
    })
  }
  const size = vouched.by === 'fault' ? -1 : vouched.checkpoint.size
  return known !== null && known.checkpoint.size > size ? known : vouched
}

function projects(stored: StoredCheckpoint, { checkpoint }: Exclude<Vouched, { by: 'fault' }>): boolean {
  return stored.size === checkpoint.size && Buffer.from(stored.root).equals(checkpoint.root)
}

/** The tree without its tiles, from the hashes of the rows; below what was pruned the tiles are all there is. */
function plain(reader: LedgerReader, { minIndex }: LogHead, size: number): SubtreeSource {
  const store: TileStore = {
    tile: async (level, index) => (level === 0 && (index + 1) * BLOCK <= minIndex ? reader.tile(level, index) : null),
    leafHashes: reader.leafHashes,
  }
  return createTileReader(store, size).subtree
}

async function sourceRoot(source: SubtreeSource, size: number): Promise<Hash | null> {
  try {
    return rootOf(await frontierAt(size, source))
  } catch (error) {
    if (error instanceof AegisError && error.code === 'evidence_unavailable') return null
    throw error
  }
}

/** Where the tree can be read from so that its root is the one that was signed; null where nowhere. */
async function faithfulSource(
  reader: LedgerReader,
  log: LogHead,
  { size, root }: { readonly size: number; readonly root: Hash },
  tiles: TileStore,
  faults: LogFault[],
): Promise<SubtreeSource | null> {
  const tiled = createTileReader(tiles, size).subtree
  if (same(await sourceRoot(tiled, size), root)) return tiled
  const rows = plain(reader, log, size)
  if (!same(await sourceRoot(rows, size), root)) return null
  faults.push({ kind: 'PROJECTION_MISMATCH', detail: 'the stored tiles are not those of the signed tree' })
  return rows
}

function same(one: Hash | null, other: Hash): boolean {
  return one !== null && Buffer.from(one).equals(other)
}

interface Rewritten {
  readonly fault: LogFault
  /** The largest signed size that still holds; null where none does. */
  readonly good: { readonly size: number; readonly root: Hash } | null
}

/** Narrowed to between the largest signed size that still holds and the smallest that does not. */
async function rewrittenFrom(
  reader: LedgerReader,
  log: LogHead,
  pins: Pins | null,
  signed: number,
): Promise<Rewritten> {
  let good: Rewritten['good'] = null
  let bad = signed
  for (let limit = signed; limit - (good?.size ?? 0) > 1; ) {
    const middle = Math.floor(((good?.size ?? 0) + limit) / 2)
    const [checkpoint] = await reader.checkpoints(middle, 1)
    const vouched = checkpoint === undefined ? null : vouch(checkpoint.note, log.origin, pins)
    if (vouched?.by !== 'pinned' || vouched.checkpoint.size >= bad || vouched.checkpoint.size < middle) {
      limit = middle
      continue
    }
    const { size, root } = vouched.checkpoint
    if (same(await sourceRoot(plain(reader, log, size), size), root)) good = { size, root }
    else {
      bad = size
      limit = middle
    }
  }
  const n = good?.size ?? 0
  return {
    good,
    fault: { kind: 'REWRITTEN', n, detail: `an entry from ${n} to ${bad - 1} is not the one that was signed` },
  }
}

/** Proves the leaves of one block at a time against the root. */
function createBlocks(
  reader: LedgerReader,
  size: number,
  root: Hash,
  source: SubtreeSource,
  tiles: TileStore,
): (n: number, hash: string) => boolean | Promise<boolean> {
  const blocks = Math.ceil(size / BLOCK)
  let ragged: Hash | null = null
  let at = -1
  let leaves: readonly string[] = []

  async function load(index: number): Promise<void> {
    // One row holds the hashes of a full block. Where it is missing or another, those of the entries may be the signed ones.
    const tile = await tiles.tile(0, index)
    const found = (tile === null ? null : await proved(index, split(tile))) ?? (await proved(index, await rows(index)))
    at = index
    leaves = (found ?? []).map((leaf) => Buffer.from(leaf).toString('hex'))
  }

  function rows(index: number): Promise<readonly Hash[]> {
    return reader.leafHashes(index * BLOCK, Math.min(size, (index + 1) * BLOCK))
  }

  async function proved(index: number, hashes: readonly Hash[]): Promise<readonly Hash[] | null> {
    if (hashes.length !== Math.min(BLOCK, size - index * BLOCK)) return null
    // 256 divides every split of RFC 6962 but those within a block: the tree over the blocks is a tree of that kind too.
    const path = await inclusionProof(index, blocks, above)
    return verifyInclusion(rootOf(appendLeaves(EMPTY, hashes)), index, blocks, path, root) ? hashes : null
  }

  /** Root of `2^level` blocks; the last of the log need not be full. */
  async function above(level: number, index: number): Promise<Hash> {
    if ((index + 1) * 2 ** level * BLOCK <= size) return source(level + 8, index)
    if (level > 0) return nodeHash(await above(level - 1, 2 * index), await above(level - 1, 2 * index + 1))
    ragged ??= rootOf(appendLeaves(EMPTY, await rows(index)))
    return ragged
  }

  return (n, hash) => {
    const index = Math.floor(n / BLOCK)
    if (index === at) return leaves[n % BLOCK] === hash
    return load(index).then(() => leaves[n % BLOCK] === hash)
  }
}

function split(tile: Uint8Array): Hash[] {
  return Array.from({ length: tile.length / HASH_BYTES }, (_, i) => tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))
}
