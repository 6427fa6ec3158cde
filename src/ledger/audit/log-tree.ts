import { appendLeaves, EMPTY, type Frontier, HASH_BYTES, type Hash, rootOf } from '../merkle/tree.ts'
import type { LedgerReader, LogHead, StoredCheckpoint } from '../store.ts'
import type { Findings } from '../verify/damage.ts'
import { type Pins, vouch } from '../verify/trust.ts'

const WIDTH = 256
const PAGE = 1000

/** The tree of a log as its rows make it, compared on the way with every tile and every checkpoint that is stored. */
export interface LogTree {
  readonly frontier: Frontier
  readonly checkpoints: number
  /** Does it contradict a checkpoint? */
  readonly rewritten: boolean
  /** The next leaf, 64 hex digits. To be awaited where it answers a promise. */
  add(hash: string): Promise<void> | undefined
  finish(): Promise<void>
}

/** Starts after what was pruned, of which the tiles are all that is left. */
export async function createLogTree(
  reader: LedgerReader,
  log: LogHead,
  pins: Pins | null,
  findings: Findings,
): Promise<LogTree> {
  const tiles = createTileCheck(reader, await signedSize(reader), findings)
  const checkpoints = createCheckpointCheck(reader, log, pins, findings)
  let frontier = EMPTY
  let pending: Hash[] = []
  let boundary = Math.min(WIDTH, await checkpoints.next())

  async function flush(): Promise<void> {
    frontier = appendLeaves(frontier, pending)
    tiles.feed(pending)
    pending = []
    await tiles.check()
    await checkpoints.check(frontier)
    boundary = Math.min((Math.floor(frontier.size / WIDTH) + 1) * WIDTH, await checkpoints.next())
  }

  function push(leaf: Hash): Promise<void> | undefined {
    pending.push(leaf)
    return frontier.size + pending.length >= boundary ? flush() : undefined
  }

  for (let index = 0; index < log.minIndex / WIDTH; index += 1) {
    for (const leaf of split((await reader.tile(0, index)) ?? new Uint8Array())) await push(leaf)
  }
  return {
    get frontier() {
      return frontier
    },
    get checkpoints() {
      return checkpoints.seen
    },
    get rewritten() {
      return checkpoints.broken
    },
    add: (hash) => push(Buffer.from(hash, 'hex')),
    finish: flush,
  }
}

/** Up to the newest checkpoint all full tiles must be stored. */
async function signedSize(reader: LedgerReader): Promise<number> {
  return (await reader.latestCheckpoint())?.size ?? 0
}

function createTileCheck(reader: LedgerReader, signed: number, findings: Findings) {
  /** Of each level the hashes since its last full tile, and how many tiles were full before. */
  const rows: Hash[][] = []
  const counts: number[] = []
  const full: { level: number; index: number; hashes: readonly Hash[] }[] = []

  function feed(hashes: readonly Hash[], level = 0): void {
    for (const hash of hashes) {
      const row = rows[level] ?? []
      rows[level] = row
      row.push(hash)
      if (row.length < WIDTH) continue
      const index = counts[level] ?? 0
      full.push({ level, index, hashes: row })
      rows[level] = []
      counts[level] = index + 1
      feed([rootOf(appendLeaves(EMPTY, row))], level + 1)
    }
  }

  async function check(): Promise<void> {
    for (const { level, index, hashes } of full.splice(0)) {
      const stored = await reader.tile(level, index)
      const needed = (index + 1) * WIDTH ** (level + 1) <= signed
      if (stored === null ? !needed : Buffer.concat(hashes).equals(stored)) continue
      const what = stored === null ? 'is missing' : 'is not what the entries give'
      findings.add('PROJECTION_MISMATCH', null, null, `tile ${level}/${index} ${what}`)
    }
  }

  return { feed, check }
}

function createCheckpointCheck(reader: LedgerReader, { origin }: LogHead, pins: Pins | null, findings: Findings) {
  let page: StoredCheckpoint[] = []
  // Whatever somebody may have stored: of sizes below zero too.
  let from = Number.MIN_SAFE_INTEGER
  let seen = 0
  let good = 0
  let broken = false

  async function ahead(): Promise<StoredCheckpoint | undefined> {
    if (page.length === 0) {
      page = [...(await reader.checkpoints(from, PAGE))]
      from = (page.at(-1)?.size ?? from) + 1
    }
    return page[0]
  }

  async function check(frontier: Frontier): Promise<void> {
    for (let one = await ahead(); one !== undefined && one.size <= frontier.size; one = await ahead()) {
      page.shift()
      seen += 1
      if (one.size === frontier.size) compare(one, rootOf(frontier))
      else findings.add('PROJECTION_MISMATCH', null, null, `a checkpoint is stored for the impossible size ${one.size}`)
    }
  }

  function compare(stored: StoredCheckpoint, root: Hash): void {
    const vouched = vouch(stored.note, origin, pins)
    if (vouched.by === 'fault') {
      findings.add(vouched.fault.kind, null, null, `checkpoint of size ${stored.size}: ${vouched.fault.detail}`)
      return
    }
    const { size, root: signed } = vouched.checkpoint
    if (size !== stored.size || !Buffer.from(stored.root).equals(signed)) {
      findings.add(
        'PROJECTION_MISMATCH',
        null,
        null,
        `the columns of the checkpoint of size ${stored.size} differ from its note`,
      )
    } else if (Buffer.from(root).equals(signed)) {
      good = size
    } else if (!broken) {
      broken = true
      findings.add('REWRITTEN', null, good, `an entry from ${good} to ${size - 1} is not the one that was signed`)
    }
  }

  return {
    get seen() {
      return seen
    },
    get broken() {
      return broken
    },
    check,
    next: async () => (await ahead())?.size ?? Number.POSITIVE_INFINITY,
  }
}

function split(tile: Uint8Array): Hash[] {
  return Array.from({ length: tile.length / HASH_BYTES }, (_, i) => tile.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES))
}
