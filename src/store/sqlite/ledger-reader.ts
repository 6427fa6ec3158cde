import { setImmediate } from 'node:timers/promises'
import { sessionLabel } from '../../core/ids.ts'
import type {
  EntryFilter,
  EntryWithPayloads,
  LedgerReader,
  LogHead,
  SessionChoice,
  SessionHead,
  SessionSummary,
  StoredEntry,
  StoredPayload,
} from '../../ledger/store.ts'
import { bytesOf } from '../bytes.ts'
import { column, type Handle, prepare, type Statement } from './handle.ts'
import { entryColumns, entryOf, joinedPayload, joinedPayloadOf, latin1, payloadColumns, payloadOf } from './rows.ts'
import { createTreeReader } from './tree.ts'

const PAGE = 200
const MAX_LIST = 1000
const MAX_LEAVES = 10_000

const HEAD = `SELECT CAST(origin AS BLOB) AS origin, size, replay_from, CAST(frontier AS BLOB) AS frontier, min_index
  FROM ledger_log WHERE id = 1`
const SESSION_COLUMNS = `CAST(session AS BLOB) AS session, CAST(tenant AS BLOB) AS tenant, CAST(next_seq AS INTEGER) AS next_seq,
  CAST(head_hash AS BLOB) AS head_hash, CAST(status AS BLOB) AS status, CAST(manifest_n AS INTEGER) AS manifest_n,
  CAST(last_n AS INTEGER) AS last_n`

/** Two questions, each answered from an index alone: asked as one they scan every entry. */
const EXTENT = `SELECT (SELECT count(*) FROM ledger_entry) AS count,
  (SELECT ifnull(max(n), -1) FROM ledger_entry) AS last`

/** Reads the evidence through one handle. No value a tamperer can store makes it throw. */
export function createLedgerReader(handle: Handle): LedgerReader {
  const head = prepare(handle, HEAD)
  const session = prepare(handle, `SELECT ${SESSION_COLUMNS} FROM ledger_session WHERE session = ?`)
  const entry = prepare(handle, `SELECT ${entryColumns('e')} FROM ledger_entry e WHERE n = ?`)
  const byEnvelope = prepare(handle, `SELECT ${entryColumns('e')} FROM ledger_entry e WHERE env = ? ORDER BY n`)
  const payloads = prepare(handle, `SELECT ${payloadColumns('p')} FROM ledger_payload p WHERE n = ? ORDER BY path`)
  const leaves = prepare(
    handle,
    `SELECT ${entryColumns('e')} FROM ledger_entry e WHERE session = ? AND seq IS NULL AND kind = ? ORDER BY n LIMIT ?`,
  )
  const page = prepare(handle, `SELECT ${entryColumns('e')} FROM ledger_entry e WHERE n >= ? ORDER BY n LIMIT ${PAGE}`)
  const ofSession = prepareOfSession(handle, payloads)
  return {
    head: async () => headOf(head.get([])),
    session: async (id) => sessionOf(session.get([id])),
    brokenHeads: async () => brokenHeads(handle),
    entries: (from) => entriesFrom(page, from),
    sessionEntries: (id) => withPayloads(ofSession, id),
    entry: async (n) => {
      const row = entry.get([n])
      return row === undefined ? null : entryOf(row)
    },
    byEnvelope: async (env) => byEnvelope.all([env]).map(entryOf),
    payloads: async (n) => payloads.all([n]).map(payloadOf),
    extent: async () => {
      const row = prepare(handle, EXTENT).get([])
      return { count: Number(column(row, 'count')), last: Number(column(row, 'last')) }
    },
    sessionsNamed: async (label) => named(handle, label),
    sessions: async (limit, principal, choice) =>
      summaries(handle, Math.min(limit, MAX_LIST + 1), principal ?? null, choice ?? {}),
    leaves: async (session, kind) => leaves.all([session, kind, MAX_LEAVES]).map(entryOf),
    list: async (filter) => list(handle, filter),
    ...createTreeReader(handle),
  }
}

export function headOf(row: unknown): LogHead | null {
  if (row === undefined) return null
  const size = Number(column(row, 'size'))
  return {
    ...{ origin: latin1(column(row, 'origin')), size },
    replayFrom: Number(column(row, 'replay_from')),
    frontier: bytesOf(column(row, 'frontier')),
    minIndex: Number(column(row, 'min_index')),
  }
}

export function sessionOf(row: unknown): SessionHead | null {
  if (row === undefined) return null
  const manifestN = column(row, 'manifest_n')
  return {
    session: latin1(column(row, 'session')),
    tenant: latin1(column(row, 'tenant')),
    nextSeq: Number(column(row, 'next_seq')),
    headHash: latin1(column(row, 'head_hash')),
    status: latin1(column(row, 'status')) === 'closed' ? 'closed' : 'open',
    manifestN: manifestN === null ? null : Number(manifestN),
    lastN: Number(column(row, 'last_n')),
  }
}

export function prepareHead(handle: Handle): Statement {
  return prepare(handle, HEAD)
}

/** Heads of the sessions that a JSON array names. */
export function prepareSessions(handle: Handle): Statement {
  const wanted = 'SELECT value FROM json_each(?)'
  return prepare(handle, `SELECT ${SESSION_COLUMNS} FROM ledger_session WHERE session IN (${wanted})`)
}

function brokenHeads(handle: Handle): string[] {
  const sql = `SELECT CAST(s.session AS BLOB) AS session FROM ledger_session s
    LEFT JOIN ledger_entry e ON e.session = s.session AND e.seq = s.next_seq - 1
    WHERE s.last_n >= ifnull((SELECT min_index FROM ledger_log), 0)
      AND (e.hash IS NOT s.head_hash OR e.n IS NOT s.last_n) LIMIT 10`
  return prepare(handle, sql)
    .all([])
    .map((row) => latin1(column(row, 'session')))
}

function named(handle: Handle, label: string): string[] {
  const tables = ['ledger_session', 'ledger_entry']
  for (const table of tables) {
    const sql = `SELECT DISTINCT CAST(session AS BLOB) AS session FROM ${table}
      WHERE substr(session, instr(session, '/') + 1) = ? LIMIT 100`
    const found = prepare(handle, sql).all([label])
    if (found.length > 0) return found.map((row) => latin1(column(row, 'session')))
  }
  return []
}

/**
 * Each page is a statement read to its end: one left half read holds its snapshot open, for all that read after it. Before each the
 * event loop turns once: only then Node runs the finalizers that free what the driver held for the page before (Node-API,
 * `napi_finalize`), and a chain of settled promises never lets it.
 */
async function* entriesFrom(page: Statement, from: number): AsyncGenerator<readonly StoredEntry[]> {
  for (let next = from; ; ) {
    await setImmediate()
    const entries = page.all([next]).map(entryOf)
    if (entries.length > 0) yield entries
    if (entries.length < PAGE) return
    next = (entries.at(-1)?.n ?? next) + 1
  }
}

const IN_SESSION = 'e.session = ? AND e.seq IS NOT NULL'

interface OfSession {
  readonly first: Statement
  readonly further: Statement
  readonly payloads: Statement
}

/** Once for all sessions: what a statement holds is freed with the garbage, and the collector does not see how much that is. */
function prepareOfSession(handle: Handle, payloads: Statement): OfSession {
  // Entries and values by one statement: by two they took twice the time.
  const select = `SELECT ${entryColumns('e')}, ${joinedPayload('p')}
    FROM ledger_entry e LEFT JOIN ledger_payload p ON p.n = e.n WHERE ${IN_SESSION}`
  const order = `ORDER BY e.seq, e.n, p.path LIMIT ${PAGE}`
  const first = prepare(handle, `${select} ${order}`)
  // Compared by SQLite, since a tamperer may have stored a position of any type.
  const further = prepare(
    handle,
    `${select} AND (e.seq, e.n) > (SELECT l.seq, l.n FROM ledger_entry l WHERE l.n = ?) ${order}`,
  )
  return { first, further, payloads }
}

interface Opened {
  readonly entry: StoredEntry
  payloads: StoredPayload[]
}

async function* withPayloads(
  { first, further, payloads }: OfSession,
  id: string,
): AsyncGenerator<readonly EntryWithPayloads[]> {
  for (let last: number | null = null; ; ) {
    await setImmediate()
    const rows: readonly unknown[] = last === null ? first.all([id]) : further.all([id, last])
    const page: Opened[] = []
    for (const row of rows) note(page, row)
    const end = page.at(-1)
    // The page may have ended in the middle of its values.
    if (end !== undefined && rows.length === PAGE) end.payloads = payloads.all([end.entry.n]).map(payloadOf)
    if (end !== undefined) yield page
    if (rows.length < PAGE) return
    last = end?.entry.n ?? null
  }
}

function note(page: Opened[], row: unknown): void {
  const payload = joinedPayloadOf(row)
  const same = page.at(-1)
  if (same !== undefined && same.entry.n === column(row, 'n')) {
    if (payload !== null) same.payloads.push(payload)
  } else page.push({ entry: entryOf(row), payloads: payload === null ? [] : [payload] })
}

function summaries(
  handle: Handle,
  limit: number,
  principal: string | null,
  { before, session }: SessionChoice,
): SessionSummary[] {
  const sql = `SELECT ${SESSION_COLUMNS},
      (SELECT CAST(ts AS BLOB) FROM ledger_entry f WHERE f.session = s.session AND f.seq = 0) AS first,
      (SELECT CAST(ts AS BLOB) FROM ledger_entry l WHERE l.session = s.session AND l.seq = s.next_seq - 1) AS last
    FROM ledger_session s
    WHERE (?1 IS NULL OR substr(s.session, 1, instr(s.session, '/') - 1) = ?1)
      AND (?3 IS NULL OR s.last_n < ?3) AND (?4 IS NULL OR s.session = ?4)
    ORDER BY s.last_n DESC LIMIT ?2`
  const tally = prepare(
    handle,
    `SELECT CAST(kind AS BLOB) AS kind, count(*) AS count FROM ledger_entry e WHERE ${IN_SESSION} GROUP BY kind ORDER BY kind`,
  )
  return prepare(handle, sql)
    .all([principal, limit, before ?? null, session ?? null])
    .flatMap((row) => {
      const head = sessionOf(row)
      return head === null ? [] : [summaryOf(head, row, tally.all([head.session]))]
    })
}

function summaryOf(head: SessionHead, row: unknown, tally: unknown[]): SessionSummary {
  const { session, nextSeq, status, lastN } = head
  const counts = tally.map((line) => [latin1(column(line, 'kind')), Number(column(line, 'count'))] as const)
  return {
    ...{ session, label: sessionLabel(session), principal: session.slice(0, Math.max(0, session.indexOf('/'))) },
    ...{ entries: nextSeq, status, lastN, counts: Object.fromEntries(counts) },
    first: latin1(column(row, 'first')),
    last: latin1(column(row, 'last')),
  }
}

function list(handle: Handle, filter: EntryFilter): StoredEntry[] {
  const terms: [string, string | number | undefined][] = [
    ['e.session = ? AND e.seq IS NOT NULL', filter.session],
    ['e.env = ?', filter.env],
    ['e.kind = ?', filter.kind],
    ['e.n < ?', filter.before],
  ]
  const used = terms.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]))
  const where = used.length === 0 ? '' : `WHERE ${used.map(({ sql }) => sql).join(' AND ')}`
  // Within a session `seq` runs as `n` does, and its index needs no sorting.
  const order = filter.session === undefined ? 'e.n' : 'e.seq'
  const sql = `SELECT ${entryColumns('e')} FROM ledger_entry e ${where} ORDER BY ${order} DESC LIMIT ?`
  const values = [...used.map(({ value }) => value), Math.min(filter.limit, MAX_LIST)]
  return prepare(handle, sql).all(values).map(entryOf)
}
