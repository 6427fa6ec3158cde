import { sessionLabel } from '../../core/ids.ts'
import type {
  EntryFilter,
  EntryWithPayloads,
  LedgerReader,
  SessionChoice,
  SessionHead,
  SessionSummary,
  StoredEntry,
  StoredPayload,
} from '../../ledger/store.ts'
import type { Query, Row } from './connection.ts'
import { entryColumns, entryOf, HEAD, headOf, payloadOf, SESSION_COLUMNS, sessionOf, textOf } from './rows.ts'
import { createTreeReader } from './tree-reader.ts'

const PAGE = 500
/** Smaller, for payloads may be large. */
const PAYLOAD_PAGE = 100
const MAX_LIST = 1000
const MAX_LEAVES = 10_000
const IN_SESSION = 'e.session = $1 AND e.seq IS NOT NULL'

/** Reads the evidence. Pages are asked for by key, so that no transaction stays open while their reader is slow. */
export function createLedgerReader(query: Query): LedgerReader {
  return {
    head: async () => headOf((await query(HEAD))[0]),
    session: async (id) => {
      const [row] = await query(`SELECT ${SESSION_COLUMNS} FROM aegis.ledger_session WHERE session = $1`, [id])
      return row === undefined ? null : sessionOf(row)
    },
    brokenHeads: () => brokenHeads(query),
    entries: (from) => entriesFrom(query, from),
    sessionEntries: (id) => withPayloads(query, id),
    entry: async (n) => {
      const [row] = await query(`SELECT ${entryColumns('e')} FROM aegis.ledger_entry e WHERE n = $1`, [n])
      return row === undefined ? null : entryOf(row)
    },
    byEnvelope: async (env) => {
      const sql = `SELECT ${entryColumns('e')} FROM aegis.ledger_entry e WHERE env = $1 ORDER BY n`
      return (await query(sql, [env])).map(entryOf)
    },
    payloads: async (n) => {
      const sql = 'SELECT n, path, salt, value FROM aegis.ledger_payload WHERE n = $1 ORDER BY path'
      return (await query(sql, [n])).map(payloadOf)
    },
    extent: async () => {
      const [row] = await query('SELECT count(*) AS count, coalesce(max(n), -1) AS last FROM aegis.ledger_entry')
      return { count: Number(row?.['count']), last: Number(row?.['last']) }
    },
    sessionsNamed: (label) => named(query, label),
    sessions: (limit, principal, choice) =>
      summaries(query, Math.min(limit, MAX_LIST + 1), principal ?? null, choice ?? {}),
    leaves: async (session, kind) => {
      const sql = `SELECT ${entryColumns('e')} FROM aegis.ledger_entry e
        WHERE session = $1 AND seq IS NULL AND kind = $2 ORDER BY n LIMIT ${MAX_LEAVES}`
      return (await query(sql, [session, kind])).map(entryOf)
    },
    list: (filter) => list(query, filter),
    ...createTreeReader(query),
  }
}

async function brokenHeads(query: Query): Promise<string[]> {
  const sql = `SELECT s.session FROM aegis.ledger_session s
    LEFT JOIN aegis.ledger_entry e ON e.n = s.last_n
    WHERE s.last_n >= coalesce((SELECT min_index FROM aegis.ledger_log), 0)
      AND (e.hash IS DISTINCT FROM s.head_hash OR e.session IS DISTINCT FROM s.session
        OR e.seq IS DISTINCT FROM s.next_seq - 1) LIMIT 10`
  return (await query(sql)).map((row) => textOf(row['session']))
}

async function named(query: Query, label: string): Promise<string[]> {
  for (const table of ['ledger_session', 'ledger_entry']) {
    const sql = `SELECT DISTINCT session FROM aegis.${table} WHERE substr(session, strpos(session, '/') + 1) = $1 LIMIT 100`
    const found = await query(sql, [label])
    if (found.length > 0) return found.map((row) => textOf(row['session']))
  }
  return []
}

async function* entriesFrom(query: Query, from: number): AsyncGenerator<readonly StoredEntry[]> {
  const sql = `SELECT ${entryColumns('e')} FROM aegis.ledger_entry e WHERE n >= $1 ORDER BY n LIMIT ${PAGE}`
  for (let next = from; ; ) {
    const page = (await query(sql, [next])).map(entryOf)
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    next = last.n + 1
  }
}

/** By `seq`, then `n`: a tamperer may have given one `seq` to two rows of different partitions. */
async function* withPayloads(query: Query, id: string): AsyncGenerator<readonly EntryWithPayloads[]> {
  const sql = `SELECT ${entryColumns('e')} FROM aegis.ledger_entry e
    WHERE ${IN_SESSION} AND (e.seq, e.n) > ($2::bigint, $3::bigint) ORDER BY e.seq, e.n LIMIT ${PAYLOAD_PAGE}`
  for (let after: readonly [number | null, number] = [-1, -1]; ; ) {
    const page = (await query(sql, [id, ...after])).map(entryOf)
    const last = page.at(-1)
    if (last === undefined) return
    const payloads = await payloadsOf(query, page)
    yield page.map((entry) => ({ entry, payloads: payloads.get(entry.n) ?? [] }))
    after = [last.seq, last.n]
  }
}

async function payloadsOf(query: Query, page: readonly StoredEntry[]): Promise<Map<number, StoredPayload[]>> {
  const sql = 'SELECT n, path, salt, value FROM aegis.ledger_payload WHERE n = ANY($1::bigint[]) ORDER BY n, path'
  const found = new Map<number, StoredPayload[]>()
  for (const payload of (await query(sql, [page.map(({ n }) => n)])).map(payloadOf)) {
    const own = found.get(payload.n)
    if (own === undefined) found.set(payload.n, [payload])
    else own.push(payload)
  }
  return found
}

async function summaries(
  query: Query,
  limit: number,
  principal: string | null,
  { before, session }: SessionChoice,
): Promise<SessionSummary[]> {
  const sql = `SELECT ${SESSION_COLUMNS},
      (SELECT ts FROM aegis.ledger_entry f WHERE f.session = s.session AND f.seq = 0 LIMIT 1) AS first,
      (SELECT ts FROM aegis.ledger_entry l WHERE l.n = s.last_n) AS last
    FROM aegis.ledger_session s
    WHERE ($2::text IS NULL OR split_part(s.session, '/', 1) = $2) AND ($3::bigint IS NULL OR s.last_n < $3)
      AND ($4::text IS NULL OR s.session = $4)
    ORDER BY s.last_n DESC LIMIT $1`
  const heads = await query(sql, [limit, principal, before ?? null, session ?? null])
  const tally = `SELECT session, kind, count(*) AS count FROM aegis.ledger_entry e
    WHERE session = ANY($1::text[]) AND seq IS NOT NULL GROUP BY session, kind ORDER BY kind`
  const counts = await query(tally, [heads.map((row) => textOf(row['session']))])
  return heads.map((row) => summaryOf(sessionOf(row), row, counts))
}

function summaryOf(head: SessionHead, row: Row, counts: readonly Row[]): SessionSummary {
  const { session, nextSeq, status, lastN } = head
  const own = counts.filter((line) => line['session'] === session)
  return {
    ...{ session, label: sessionLabel(session), principal: session.slice(0, Math.max(0, session.indexOf('/'))) },
    ...{ entries: nextSeq, status, lastN },
    counts: Object.fromEntries(own.map((line) => [textOf(line['kind']), Number(line['count'])])),
    first: textOf(row['first']),
    last: textOf(row['last']),
  }
}

async function list(query: Query, filter: EntryFilter): Promise<StoredEntry[]> {
  const terms: [(place: string) => string, string | number | undefined][] = [
    [(place) => `e.session = ${place} AND e.seq IS NOT NULL`, filter.session],
    [(place) => `e.env = ${place}`, filter.env],
    [(place) => `e.kind = ${place}`, filter.kind],
    [(place) => `e.n < ${place}`, filter.before],
  ]
  const used = terms.flatMap(([term, value]) => (value === undefined ? [] : [{ term, value }]))
  const where = used.map(({ term }, index) => term(`$${index + 1}`)).join(' AND ')
  const order = filter.session === undefined ? 'e.n' : 'e.seq'
  const sql = `SELECT ${entryColumns('e')} FROM aegis.ledger_entry e ${where === '' ? '' : `WHERE ${where}`}
    ORDER BY ${order} DESC LIMIT $${used.length + 1}`
  const values = [...used.map(({ value }) => value), Math.min(filter.limit, MAX_LIST)]
  return (await query(sql, values)).map(entryOf)
}
