import { createHash } from 'node:crypto'
import type { EntryDraft } from '../../src/ledger/draft.ts'
import { logLeaf } from '../../src/ledger/log-leaves.ts'
import { EMPTY_ROOT, packRoots, rootOf, unpackFrontier } from '../../src/ledger/merkle/tree.ts'
import { checkpointText } from '../../src/ledger/notes/checkpoint.ts'
import { createSigner, privateKeyPem, type Signer, signNote } from '../../src/ledger/notes/sign.ts'
import { entryWork, type Leaf, sealBatch, type Work } from '../../src/ledger/seal.ts'
import { sessionManifest } from '../../src/ledger/session-manifest.ts'
import type {
  EntryWithPayloads,
  LedgerReader,
  LogHead,
  SessionHead,
  StoredCheckpoint,
  StoredEntry,
  StoredPayload,
  StoredReceipt,
  StoredTile,
} from '../../src/ledger/store.ts'
import { frozenClock, random } from '../support/drafts.ts'
import { ORIGIN } from '../support/evidence-store.ts'

/** A whole log as a store would hold it, in memory. Its parts may be tampered with. */
export interface LogState {
  log: LogHead
  entries: StoredEntry[]
  payloads: StoredPayload[]
  sessions: Map<string, SessionHead>
  tiles: StoredTile[]
  checkpoints: StoredCheckpoint[]
  receipts: StoredReceipt[]
}

export const SIGNER: Signer = createSigner(ORIGIN, privateKeyPem(Buffer.alloc(32, 7)))
/** Of the same name, in somebody else's hand. */
export const STRANGER: Signer = createSigner(ORIGIN, privateKeyPem(Buffer.alloc(32, 9)))

/** What an attack may edit without touching the case before it: rows themselves are never changed in place. */
export function copyOf(state: LogState): LogState {
  const { log, entries, payloads, sessions, tiles, checkpoints, receipts } = state
  return {
    ...{ log, entries: [...entries], payloads: [...payloads], sessions: new Map(sessions), tiles: [...tiles] },
    ...{ checkpoints: [...checkpoints], receipts: [...receipts] },
  }
}

/** Writes an honest log by the real sealing, signing and manifest code, without a store. */
export interface LogWriter {
  /** One batch. */
  append(...drafts: EntryDraft[]): void
  leaf(kind: Leaf['leaf'], what: Parameters<typeof logLeaf>[2], more?: Partial<Leaf>): void
  manifest(session: string, final?: boolean): Promise<void>
  sign(...signers: Signer[]): Promise<StoredCheckpoint>
  /** RFC 3339: the time of what is written next. */
  at(time: string): void
  by(gateway: string): void
  state(): LogState
}

const nothing = () => {}

export function createLogWriter(origin = ORIGIN): LogWriter {
  const scribe = { origin, gateway: 'gw-1', clock: frozenClock(), random }
  const state: LogState = {
    log: { origin, size: 0, replayFrom: 0, frontier: new Uint8Array(), minIndex: 0 },
    ...{ entries: [], payloads: [], sessions: new Map(), tiles: [], checkpoints: [], receipts: [] },
  }
  let open: ReadonlyMap<string, number> = new Map()
  let time = '2026-04-06T14:22:00.000Z'

  function write(works: readonly Work[]): void {
    const held = works.map(() => true)
    const sealed = sealBatch(works, { log: state.log, sessions: state.sessions, held }, open, time, nothing)
    const { log, sessions, entries, payloads, erased } = sealed.batch
    open = sealed.open
    state.log = log
    state.entries.push(...entries)
    state.payloads.push(...payloads)
    state.payloads = state.payloads.filter(({ n, path }) => !erased.some((gone) => gone.n === n && gone.path === path))
    for (const head of sessions) state.sessions.set(head.session, head)
  }

  function leaf(work: Leaf): void {
    const whole = { session: null, entries: 0, final: false, erased: [], changes: [], ...work }
    write([{ kind: 'leaf', ...whole, bytes: 1024, done: nothing, fail: nothing }])
  }

  return {
    append: (...drafts) => write(drafts.map((draft) => entryWork(draft, scribe, nothing, nothing))),
    leaf: (kind, what, more = {}) => leaf({ ...logLeaf(scribe, kind, what), ...more }),
    async manifest(session, final = false) {
      const made = await sessionManifest(memoryReader(state), session, final)
      if (made === null) throw new Error('no session')
      leaf({ leaf: 'manifest', session, entries: made.entries, final, text: made.text })
    },
    async sign(...signers) {
      const checkpoint = await checkpointOf(state, signers.length === 0 ? [SIGNER] : signers)
      state.tiles = tilesOf(state)
      state.checkpoints.push(checkpoint)
      return checkpoint
    },
    at: (next) => {
      time = next
    },
    by: (gateway) => {
      scribe.gateway = gateway
    },
    state: () => copyOf(state),
  }
}

/** The signed checkpoint over all there is. */
export async function checkpointOf({ log }: LogState, signers: readonly Signer[]): Promise<StoredCheckpoint> {
  const { origin, size } = log
  const frontier = unpackFrontier(size, log.frontier)
  const root = frontier === null ? EMPTY_ROOT : rootOf(frontier)
  return { size, root, note: await signNote(checkpointText({ origin, size, root }), signers) }
}

export function tilesOf({ entries }: LogState): StoredTile[] {
  const leaves = entries.map(({ hash }) => Buffer.from(hash, 'hex'))
  const full = Math.floor(leaves.length / 256)
  return Array.from({ length: full }, (_, index) => {
    const hashes = packRoots(leaves.slice(index * 256, (index + 1) * 256))
    return { level: 0, index, hashes }
  })
}

export function leafHashOf(body: Uint8Array | string): string {
  return createHash('sha256').update(Uint8Array.of(0)).update(body).digest('hex')
}

/** Reads the log as the stores do: sessions by their `seq` column, everything else by `n`. */
export function memoryReader(state: LogState): LedgerReader {
  const { log, payloads, sessions, tiles, checkpoints, receipts } = state
  const entries = state.entries.toSorted((one, other) => one.n - other.n)
  const values = new Map<number, StoredPayload[]>()
  for (const payload of payloads) values.set(payload.n, [...(values.get(payload.n) ?? []), payload])
  const of = (n: number) => values.get(n) ?? []
  const signed = checkpoints.toSorted((one, other) => one.size - other.size)
  return {
    head: async () => log,
    session: async (id) => sessions.get(id) ?? null,
    brokenHeads: async () => brokenHeads(state),
    entries: (from) => pages(entries.filter(({ n }) => n >= from)),
    sessionEntries: (id) =>
      pages(chainOf(entries, id).map((entry): EntryWithPayloads => ({ entry, payloads: of(entry.n) }))),
    entry: async (n) => entries.find((entry) => entry.n === n) ?? null,
    byEnvelope: async (env) => entries.filter((entry) => entry.env === env),
    payloads: async (n) => of(n),
    extent: async () => ({ count: entries.length, last: entries.at(-1)?.n ?? -1 }),
    sessionsNamed: async (label) => [...sessions.keys()].filter((id) => id.endsWith(`/${label}`)),
    sessions: async () => [],
    leaves: async (id, kind) =>
      entries.filter((leaf) => leaf.session === id && leaf.seq === null && leaf.kind === kind),
    list: async ({ kind, limit }) =>
      entries
        .filter((entry) => kind === undefined || entry.kind === kind)
        .toReversed()
        .slice(0, limit),
    tile: async (level, index) => tiles.find((tile) => tile.level === level && tile.index === index)?.hashes ?? null,
    leafHashes: async (from, to) =>
      entries
        .filter(({ n, hash }) => n >= from && n < to && /^[0-9a-f]{64}$/.test(hash))
        .map(({ hash }) => Buffer.from(hash, 'hex')),
    latestCheckpoint: async () => signed.at(-1) ?? null,
    checkpoints: async (from, limit) => signed.filter(({ size }) => size >= from).slice(0, limit),
    receipts: async (from, limit) => receipts.filter(({ size }) => size >= from).slice(0, limit),
    holds: async () => [],
  }
}

function brokenHeads({ sessions, entries, log }: LogState): string[] {
  return [...sessions.values()].flatMap(({ session, nextSeq, headHash, lastN }) => {
    if (lastN < log.minIndex) return []
    const last = entries.find((entry) => entry.session === session && entry.seq === nextSeq - 1)
    return last?.hash === headHash && last.n === lastN ? [] : [session]
  })
}

async function* pages<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
  if (rows.length > 0) yield rows
}

function chainOf(entries: readonly StoredEntry[], id: string): StoredEntry[] {
  const own = entries.filter(({ session, seq }) => session === id && seq !== null)
  return own.sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0) || one.n - other.n)
}
