import { leafHashOfBytes } from '../format/chain.ts'
import { HASH_BYTES } from '../merkle/tree.ts'
import type { LedgerReader, LedgerStore } from '../store.ts'

/** Entries looked at together: those of one tile. */
const BLOCK = 256
const DAY_MS = 86_400_000
/** Milliseconds between two looks. */
const EVERY_MS = 5000
/** Milliseconds of work a look at most: two of a hundred. */
const BUDGET_MS = EVERY_MS / 50

export interface ScrubberParts {
  readonly store: LedgerStore
  /** Entries that a checkpoint covers: only these have a tree to be compared with. */
  readonly signed: () => number
  readonly elapsed: () => number
  /** What was found does not go away by itself: nothing may be appended any more. */
  readonly halt: (why: string) => void
}

/** Old bodies are hashed again, at a low rate, the whole log at least once a day: damage far behind the head is found too. */
export interface Scrubber {
  /** One look: as many blocks as keep the day's pace, within the budget. */
  look(): Promise<void>
  start(): void
  stop(): void
  readonly state: ScrubState
}

export interface ScrubState {
  /** The next `n` to be looked at. */
  readonly position: number
  /** Whole rounds since the start. */
  readonly rounds: number
  readonly damage: string | null
}

export function createScrubber({ store, signed, elapsed, halt }: ScrubberParts): Scrubber {
  let position = 0
  let rounds = 0
  let damage: string | null = null
  let timer: NodeJS.Timeout | null = null

  async function look(): Promise<void> {
    const until = elapsed() + BUDGET_MS
    const size = signed()
    const pace = Math.max(1, Math.ceil((size / BLOCK) * (EVERY_MS / DAY_MS)))
    for (let block = 0; block < pace && damage === null && elapsed() < until; block += 1) {
      if (position >= size) {
        position = 0
        rounds += 1
        return
      }
      await lookAt(size)
    }
  }

  async function lookAt(size: number): Promise<void> {
    const snapshot = await store.snapshot()
    try {
      const head = await snapshot.head()
      position = Math.max(position, head?.minIndex ?? 0)
      const to = Math.min(size, (Math.floor(position / BLOCK) + 1) * BLOCK)
      damage = await blockDamage(snapshot, position, to)
      if (damage !== null) halt(damage)
      else position = to
    } finally {
      snapshot.close()
    }
  }

  return {
    look,
    start() {
      timer ??= setInterval(() => {
        // A store that cannot be read now is told of by who writes to it.
        look().catch(() => {})
      }, EVERY_MS).unref()
    },
    stop() {
      if (timer !== null) clearInterval(timer)
      timer = null
    },
    get state() {
      return { position, rounds, damage }
    },
  }
}

/** What is wrong with the entries `from` to `to` (exclusive), which lie in one tile; null where nothing is. */
async function blockDamage(reader: LedgerReader, from: number, to: number): Promise<string | null> {
  const tile = await reader.tile(0, Math.floor(from / BLOCK))
  let next = from
  for await (const page of reader.entries(from)) {
    for (const { n, hash, body } of page) {
      if (n >= to) break
      if (n !== next) return `DELETED: entry ${next} is missing`
      const leaf = leafHashOfBytes(body)
      if (leaf !== hash) return `ALTERED_BODY: entry ${n} does not have its hash`
      if (tile !== null && !Buffer.from(leaf, 'hex').equals(hashIn(tile, n))) {
        return `REWRITTEN: entry ${n} is not the one that was signed`
      }
      next += 1
    }
    if (next >= to || page.some(({ n }) => n >= to)) break
  }
  return next === to ? null : `DELETED: entry ${next} is missing`
}

function hashIn(tile: Uint8Array, n: number): Uint8Array {
  const at = (n % BLOCK) * HASH_BYTES
  return tile.subarray(at, at + HASH_BYTES)
}
