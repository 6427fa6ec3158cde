import { AegisError } from '../../core/errors.ts'
import type { SubtreeSource } from './proofs.ts'
import { appendLeaves, EMPTY, type Frontier, HASH_BYTES, type Hash, hashPairs, packRoots } from './tree.ts'

/** Hashes in a full tile (C2SP tlog-tiles): eight levels of the tree. */
const WIDTH = 256
const HEIGHT = 8
const TILE_BYTES = WIDTH * HASH_BYTES

/** Tiles (8 KiB) and roots of tiles (32 bytes) kept at most: half a MiB together. */
const MAX_BLOCKS = 48
const MAX_ROOTS = 4096
/** Tiles hashed in one turn of the event loop: about four milliseconds. */
const YIELD = 16

export interface TileReader {
  readonly subtree: SubtreeSource
}

/** What is stored of the tree. None of it is believed: who builds on it compares the root with a signed one. */
export interface TileStore {
  /** A full tile, or null where it was not stored (yet). */
  tile(level: number, index: number): Promise<Uint8Array | null>
  /** The hashes stored with the entries `from` to `to` (exclusive, at most 65,536), in order; fewer where entries are missing or hold none. */
  leafHashes(from: number, to: number): Promise<readonly Hash[]>
}

/** A full tile (C2SP tlog-tiles): 256 hashes of one level of the tree, 8,192 bytes. The ragged right edge is never stored. */
export interface StoredTile {
  /** 0 for leaf hashes; the hashes of level `l` are the roots of 256^l leaves. */
  readonly level: number
  readonly index: number
  readonly hashes: Uint8Array
}

/**
 * Reads the tree of the first `size` leaves: of full tiles the highest one stored, at the ragged right edge the leaf hashes.
 * Meant for one task: it remembers what it read. Reading rejects with AegisError `evidence_unavailable` where a tile has the
 * wrong length or leaves are missing, and with RangeError beyond `size`.
 */
export function createTileReader(store: TileStore, size: number): TileReader {
  const blocks = bounded<Uint8Array | null>(MAX_BLOCKS)
  const roots = bounded<Hash>(MAX_ROOTS)

  /** The hashes of one tile, end to end; null where it must be computed from the level below. */
  async function block(level: number, index: number): Promise<Uint8Array | null> {
    const key = `${level}/${index}`
    const known = blocks.get(key)
    return known === undefined ? blocks.put(key, await readBlock(level, index)) : known
  }

  async function readBlock(level: number, index: number): Promise<Uint8Array | null> {
    const full = (index + 1) * WIDTH ** (level + 1) <= size
    const tile = full ? await store.tile(level, index) : null
    if (tile !== null && tile.length !== TILE_BYTES) throw damaged(`tile ${level}/${index} is damaged`)
    if (tile !== null || level > 0) return tile
    const from = index * WIDTH
    const to = Math.min(size, from + WIDTH)
    const leaves = await store.leafHashes(from, to)
    if (leaves.length !== to - from) throw damaged(`hashes of entries ${from} to ${to - 1} are missing`)
    return Buffer.concat(leaves)
  }

  /** The `count` hashes of a level from `first` on, end to end; a power of two, so that they lie in one tile. */
  async function hashes(level: number, first: number, count: number): Promise<Uint8Array> {
    const stored = await block(level, Math.floor(first / WIDTH))
    if (stored !== null) return part(stored, first % WIDTH, count)
    const made: Hash[] = []
    for (let index = first; index < first + count; index++) made.push(await tileRoot(level - 1, index))
    return Buffer.concat(made)
  }

  async function tileRoot(level: number, index: number): Promise<Hash> {
    const key = `${level}/${index}`
    return roots.get(key) ?? roots.put(key, fold(await hashes(level, index * WIDTH, WIDTH)))
  }

  return {
    subtree: async (level, index) => {
      if ((index + 1) * 2 ** level > size)
        throw new RangeError(`subtree ${level}/${index} is not within ${size} leaves`)
      const count = 2 ** (level % HEIGHT)
      return fold(await hashes(Math.floor(level / HEIGHT), index * count, count))
    },
  }
}

/**
 * The tiles of all levels that are full once `leaves` are appended to a log with this frontier, and were not before. `reader`
 * gives what stands left of them in their tiles; it is compared with the frontier, so no tile is made of hashes that were changed
 * since. @throws AegisError `evidence_unavailable` where it does not agree
 */
export async function completedTiles(
  before: Frontier,
  leaves: readonly Hash[],
  reader: TileReader,
): Promise<StoredTile[]> {
  const tiles: StoredTile[] = []
  let arriving = leaves
  let known = before.roots.length
  let place = before.size
  for (let level = 0; (place % WIDTH) + arriving.length >= WIDTH; level++) {
    const count = place % WIDTH
    const earlier: Hash[] = []
    for (let index = place - count; index < place; index++) {
      // Each is the root of a stored tile, or of 256: hashing them all at once would stop the gateway for as long.
      if (level > 0 && index % YIELD === 0) await new Promise(setImmediate)
      earlier.push(await reader.subtree(level * HEIGHT, index))
    }
    const { roots } = appendLeaves(EMPTY, earlier)
    if (!sameRoots(roots, before.roots.slice(known - roots.length, known))) {
      throw damaged(`what is stored before entry ${before.size} is not the tree that was signed`)
    }
    known -= roots.length
    place = Math.floor(place / WIDTH)
    const full = fullTiles([...earlier, ...arriving])
    arriving = full.map(fold)
    tiles.push(...full.map((hashes, at) => ({ level, index: place + at, hashes })))
  }
  return tiles
}

function sameRoots(made: readonly Hash[], known: readonly Hash[]): boolean {
  return Buffer.compare(packRoots(made), packRoots(known)) === 0
}

/** What does not fill a tile stays out. */
function fullTiles(hashes: readonly Hash[]): Uint8Array[] {
  const count = Math.floor(hashes.length / WIDTH)
  return Array.from({ length: count }, (_, at) => Buffer.concat(hashes.slice(at * WIDTH, (at + 1) * WIDTH)))
}

function part(hashes: Uint8Array, first: number, count: number): Uint8Array {
  return hashes.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES)
}

/** Root over a power of two of hashes, end to end. */
function fold(hashes: Uint8Array): Hash {
  let row = hashes
  while (row.length > HASH_BYTES) row = hashPairs(row)
  return row
}

interface Bounded<T> {
  get(key: string): T | undefined
  put(key: string, value: T): T
}

/** Forgets the oldest. */
function bounded<T>(limit: number): Bounded<T> {
  const map = new Map<string, T>()
  return {
    get: (key) => map.get(key),
    put(key, value) {
      const [oldest] = map.size < limit ? [] : map.keys()
      if (oldest !== undefined) map.delete(oldest)
      map.set(key, value)
      return value
    },
  }
}

function damaged(message: string): AegisError {
  return new AegisError('evidence_unavailable', message, {
    advice: 'The stored tree is damaged; see `aegisctl evidence verify --all`.',
  })
}
