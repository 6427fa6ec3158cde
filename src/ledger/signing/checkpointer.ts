import { AegisError } from '../../core/errors.ts'
import { leafHashOfBytes } from '../format/chain.ts'
import { completedTiles, createTileReader } from '../merkle/tiles.ts'
import { appendLeaves, type Frontier, type Hash, packRoots, rootOf } from '../merkle/tree.ts'
import { checkpointText } from '../notes/checkpoint.ts'
import { type Signer, signNote } from '../notes/sign.ts'
import { parseVkey } from '../notes/vkey.ts'
import { isLasting, type LedgerReader, type LedgerStore, type StoredCheckpoint, StoreError } from '../store.ts'
import { peerCheckpoint } from './peer-checkpoint.ts'
import { type SignedStore, startingPoint, unfaithful } from './starting-point.ts'

export interface CheckpointerParts extends SignedStore {
  readonly signer: Signer
  /** The store is not what was signed: nothing may be appended or signed any more. */
  readonly halt: (why: string) => void
  /** A new checkpoint is durable. */
  readonly signed: (checkpoint: StoredCheckpoint) => void
}

/** Signs what the store holds, and witnesses that it only ever grows. */
export interface Checkpointer {
  /** A checkpoint of everything that is durable now. @throws AegisError `evidence_unavailable` where the store is not what was signed */
  sign(): Promise<StoredCheckpoint>
  /** Signs soon: at most one second after the append that asks for it. */
  soon(): void
  latest(): StoredCheckpoint | null
  /**
   * Hands over to another key: `announce` records it, the checkpoint that covers the record is signed by both, later ones by
   * the new key alone. Returns that checkpoint.
   */
  rotate(next: Signer, announce: () => Promise<unknown>): Promise<StoredCheckpoint>
  /** Signs what is no checkpoint, and says so by its own first bytes, with the key in force. */
  attest(bytes: Uint8Array): Promise<{ readonly keyid: string; readonly signature: Uint8Array }>
  /** Ends the timer; what is appended later is signed at the next start. */
  stop(): void
}

/** Milliseconds between an append and the signature that covers it. */
const SOON_MS = 500

/**
 * Proves the store consistent with what was signed before, then signs.
 * @throws AegisError `evidence_unavailable` where the store has lost or rewritten what a checkpoint covers
 */
export async function openCheckpointer(parts: CheckpointerParts): Promise<Checkpointer> {
  const { store, origin, known, memory, halt } = parts
  let signers: readonly Signer[] = [parts.signer]
  let { frontier, checkpoint } = await startingPoint(parts)
  let timer: NodeJS.Timeout | null = null
  let running: Promise<StoredCheckpoint> | null = null
  let fault: string | null = null
  /** The store takes nothing any more before a restart. */
  let lasting = false
  let stopped = false

  async function signNow(): Promise<StoredCheckpoint> {
    if (fault !== null) throw unfaithful(fault)
    try {
      await goOnFromPeers()
      const grown = await growth(store, origin, frontier)
      if (checkpoint !== null && grown.frontier.size === checkpoint.size) return checkpoint
      checkpoint = await publish(parts, signers, frontier, grown)
      frontier = grown.frontier
      parts.signed(checkpoint)
      return checkpoint
    } catch (error) {
      if (error instanceof Damage || (error instanceof StoreError && error.failure === 'conflict')) {
        fault = error.message
        halt(fault)
        throw unfaithful(fault)
      }
      if (!(error instanceof StoreError)) throw error
      lasting = isLasting(error.failure)
      throw unsigned(error)
    }
  }

  /** What another gateway has hashed and signed is not hashed here once more. While keys change, each signs for itself. */
  async function goOnFromPeers(): Promise<void> {
    if (store.fleet === null || signers.length > 1) return
    const found = await peerCheckpoint(store, origin, known, frontier)
    if (found === null) return
    await memory.save(found.checkpoint.note)
    frontier = found.frontier
    checkpoint = found.checkpoint
    parts.signed(checkpoint)
  }

  /** One at a time; who asks meanwhile gets one that covers what was durable when it asked. */
  async function sign(): Promise<StoredCheckpoint> {
    while (running !== null) await running.catch(() => {})
    running = signNow().finally(() => {
      running = null
    })
    return running
  }

  function soon(): void {
    if (stopped) return
    timer ??= setTimeout(() => {
      timer = null
      // A failure that passes is tried again, whether or not more is appended; after one that does not, a restart signs.
      sign().catch(() => (fault === null && !lasting ? soon() : undefined))
    }, SOON_MS).unref()
  }

  async function rotate(next: Signer, announce: () => Promise<unknown>): Promise<StoredCheckpoint> {
    await announce()
    const before = signers
    signers = [...before, next]
    try {
      const overlap = await sign()
      signers = [next]
      return overlap
    } catch (error) {
      signers = before
      throw error
    }
  }

  return {
    sign,
    soon,
    rotate,
    async attest(bytes) {
      const signer = signers.at(-1) ?? parts.signer
      const key = parseVkey(signer.vkey)
      return { keyid: key === null ? '' : `${key.name}+${key.id}`, signature: await signer.sign(bytes) }
    },
    latest: () => checkpoint,
    stop() {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}

/** The store contradicts what was signed. */
class Damage extends Error {
  override readonly name = 'Damage'
}

interface Growth {
  readonly frontier: Frontier
  /** Leaf hashes of the stored bytes since the last checkpoint. */
  readonly leaves: readonly Hash[]
}

/**
 * Reads again, from the store and not from memory, what was appended since the last checkpoint, and hashes it.
 * @throws Damage where it is not what the head row's tree says
 */
async function growth(store: LedgerStore, origin: string, last: Frontier): Promise<Growth> {
  const snapshot = await store.snapshot()
  try {
    const head = await snapshot.head()
    if (head === null || head.origin !== origin) throw new Damage('ROLLBACK: the head row of the log is missing')
    if (head.size < last.size) {
      throw new Damage(`ROLLBACK: a log of ${last.size} entries was signed, the store holds ${head.size}`)
    }
    const leaves = await storedLeaves(snapshot, last.size, head.size)
    const frontier = appendLeaves(last, leaves)
    if (!Buffer.from(packRoots(frontier.roots)).equals(head.frontier)) {
      throw new Damage(`REWRITTEN: entries ${last.size} to ${head.size - 1} are not those that were appended`)
    }
    return { frontier, leaves }
  } finally {
    snapshot.close()
  }
}

async function storedLeaves(reader: LedgerReader, from: number, to: number): Promise<readonly Hash[]> {
  const leaves: Hash[] = []
  if (from === to) return leaves
  for await (const page of reader.entries(from)) {
    for (const { n, hash, body } of page) {
      if (n >= to) break
      if (n !== from + leaves.length) throw new Damage(`DELETED: entry ${from + leaves.length} is missing`)
      const leaf = leafHashOfBytes(body)
      if (leaf !== hash) throw new Damage(`ALTERED_BODY: entry ${n} does not have its hash`)
      leaves.push(Buffer.from(leaf, 'hex'))
    }
    // The driver answers at once, page after page: others get their turn in between.
    await new Promise(setImmediate)
  }
  if (leaves.length !== to - from) throw new Damage(`DELETED: entry ${from + leaves.length} is missing`)
  return leaves
}

async function publish(
  { store, origin, memory }: CheckpointerParts,
  signers: readonly Signer[],
  last: Frontier,
  grown: Growth,
): Promise<StoredCheckpoint> {
  const { frontier, leaves } = grown
  const root = rootOf(frontier)
  const note = await signNote(checkpointText({ origin, size: frontier.size, root }), signers)
  const snapshot = await store.snapshot()
  const tiles = await completedTiles(last, leaves, createTileReader(snapshot, last.size)).finally(snapshot.close)
  const checkpoint = { size: frontier.size, root, note }
  await store.putCheckpoint(checkpoint, tiles)
  await memory.save(note)
  return checkpoint
}

function unsigned(cause: StoreError): AegisError {
  return new AegisError('evidence_unavailable', `the log cannot be signed now: ${cause.message}`, {
    advice: 'See to the store; it is signed by itself once it takes what is written, or at the next start.',
    cause,
  })
}
