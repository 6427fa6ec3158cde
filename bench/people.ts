/** What people wait for: pages of the audit trail, of the approvals, and the statistics, over a long log on both databases. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '../src/compose/system.ts'
import type { Approval } from '../src/core/approval.ts'
import { DEFAULT_TERMS } from '../src/core/decision.ts'
import { type Principal, type SessionId, type Sha256, uuidv7 } from '../src/core/ids.ts'
import type { Clock } from '../src/core/runtime.ts'
import type { KeyRecord } from '../src/identity/ports.ts'
import type { EntryDraft, EntryKind } from '../src/ledger/draft.ts'
import { type OpenLedger, openLedger } from '../src/ledger/ledger.ts'
import { createTail } from '../src/ledger/tail.ts'
import { createAuditDesk, type SearchFilter } from '../src/oversight/audit.ts'
import { createCursors, createSearch } from '../src/search/index.ts'
import { openSearch, openStores, type Stores } from '../src/store/open.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { quantile, round } from './load.ts'

export interface PeopleRow {
  readonly store: string
  readonly what: string
  readonly p50_ms: number
  readonly p95_ms: number
}

const DAY = 86_400_000
const SPAN = 30 * DAY
const PENDING = 5000
const ROUNDS = 40
const random = systemRandom()

/** Entries by chance in the proportions of a team's month: few agents and tools, thousands of sessions. */
function draftAt(index: number, now: number): EntryDraft {
  const pick = <T>(values: readonly T[], salt: number): T => values[(index * 7919 + salt) % values.length] as T
  const principal = `key_${(Math.floor(index / 50) * 31) % 40}`
  const kind: EntryKind = index % 2 === 1 ? 'result' : pick(KINDS, index >> 4)
  const tool = kind === 'block' ? pick(BLOCKED, index >> 5) : pick(TOOLS, index >> 6)
  const decision = { rule: 'git:github.*', policy: pick(POLICIES, index >> 9), policySha256: HASH }
  return {
    ...{ kind, env: uuidv7(now, random), ref: null, effect: 'none', reviewer: null, outcome: null, changes: [] },
    session: `${principal}/sess-${Math.floor(index / 50)}` as SessionId,
    actor: { agent: pick(AGENTS, index >> 7), subject: principal, tenant: 'default' },
    action: { protocol: 'git', tool, capability: 'read' },
    decision: kind === 'result' ? null : decision,
    findings: [{ name: `room:room_${index % 97}`, verdict: 'allow' }],
    blast: { level: 'low', score: 5 },
    commitments:
      kind === 'result'
        ? []
        : [
            {
              path: 'params',
              salt: random.bytes(32),
              value: { owner: 'acme', repo: `app-${index % 300}`, path: 'a.ts' },
            },
          ],
  }
}

const HASH = '0'.repeat(64) as Sha256
const KINDS: readonly EntryKind[] = ['allow', 'allow', 'allow', 'allow', 'allow', 'allow', 'block', 'review']
const AGENTS = Array.from({ length: 12 }, (_, index) => `agent-${index}`)
const TOOLS = Array.from({ length: 40 }, (_, index) => `${index % 4 === 0 ? 'shell' : 'github'}.tool_${index}`)
const BLOCKED = ['shell.rm', 'github.delete_repository', 'github.merge_pull_request']
const POLICIES = ['pr-writer', 'strict', 'readonly']

function approvalAt(index: number, now: number): Approval {
  const id = uuidv7(now, random)
  return {
    ...{ id, status: 'pending', owner: 'agent:claude', agent: 'agent-1', protocol: 'git', capability: 'write' },
    digest: createHash('sha256').update(id).digest('hex') as Sha256,
    principal: `key_${index % 40}` as Principal,
    session: `key_${index % 40}/sess-p${index % 500}` as SessionId,
    tool: index % 50 === 0 ? 'github.merge_pull_request' : 'github.create_pull_request',
    ...{ target: 'acme/app', upstream: 'github', remoteTool: 'create_pull_request', blast: 'medium', findings: [] },
    parameters: { title: 'a change', head: 'feat/x', base: 'main', body: 'x'.repeat(800) },
    salts: { params: randomBytes(32).toString('hex') },
    ...{ matchedRule: 'git:github.*', policy: 'pr-writer', policySha256: HASH, terms: DEFAULT_TERMS },
    ...{ justification: null, queuedAt: now, expiresAt: now + DAY, votes: [], resolution: null },
  }
}

async function seed(ledger: OpenLedger, clock: Moving, entries: number, say: (line: string) => void): Promise<void> {
  const start = performance.now()
  let next = 0
  const step = SPAN / entries
  await Promise.all(
    Array.from({ length: 512 }, async () => {
      while (next < entries) {
        const index = next++
        clock.advance(step)
        await ledger.append(draftAt(index, clock.now()))
        if (index > 0 && index % 200_000 === 0) say(`${index} entries after ${since(start)} s`)
      }
    }),
  )
  for (let index = 0; index < PENDING; index += 250) {
    await Promise.all(
      Array.from({ length: 250 }, (_, more) => {
        const approval = approvalAt(index + more, clock.now())
        const { id: env, session } = approval
        const changes = [{ kind: 'park', approval }] as const
        return ledger.append({ ...draftAt(0, clock.now()), kind: 'review', session, env, changes })
      }),
    )
    clock.advance(1000)
  }
  say(`${entries} entries, ${PENDING} of them pending approvals more, appended in ${since(start)} s`)
}

const since = (start: number) => Math.round((performance.now() - start) / 1000)

type Moving = Clock & { advance(by: number): void }

function moving(start: number): Moving {
  let now = start
  return {
    now: () => Math.floor(now),
    elapsed: () => performance.now(),
    advance(by) {
      now += by
    },
  }
}

/** @param only `sqlite` or `postgres`, else both */
export async function peopleFigures(entries: number, only: string | null, say: (line: string) => void) {
  const rows: PeopleRow[] = []
  if (only !== 'postgres') {
    const folder = mkdtempSync(join(tmpdir(), 'aegis-bench-'))
    rows.push(...(await figures('SQLite', join(folder, 'ledger.db'), entries, say)))
    rmSync(folder, { recursive: true, force: true })
  }
  const server = only === 'sqlite' ? null : await startPostgres()
  if (server !== null) {
    const database = await server.database()
    const analyze = () => database.run('VACUUM ANALYZE').then(() => undefined)
    rows.push(...(await figures('PostgreSQL', database.as('app'), entries, say, analyze)))
    await server.close()
  }
  return rows
}

async function figures(
  store: string,
  setting: string,
  entries: number,
  say: (line: string) => void,
  settle: () => Promise<void> = async () => {},
): Promise<PeopleRow[]> {
  const clock = moving(Date.now() - SPAN)
  const stores = await openStores(setting)
  const ledger = await openLedger({ store: stores.ledger, clock, random, gateway: 'bench', minFreeBytes: 0 })
  await seed(ledger, clock, entries, say)
  const { source, index, close } = await openSearch(setting)
  const key = randomBytes(32)
  const log = { info() {}, warn: (_: unknown, message: string) => say(message), error() {} }
  const indexed = performance.now()
  const parts = { reader: source, tail: createTail(source), store: index, key, holder: 'bench', clock, log }
  const search = createSearch({ ...parts, rest: 0 })
  for (;;) {
    const { known } = await search.page({}, null, 1)
    if (known.upTo === known.size) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  say(`${store}: indexed in ${since(indexed)} s`)
  await settle()
  const rows = await asked(store, stores, { search, ledger, clock, key })
  await search.close()
  parts.tail.close()
  await close()
  await ledger.close()
  await stores.close()
  return rows
}

const ADMIN: KeyRecord = {
  ...{
    id: 'key_admin' as Principal,
    name: 'admin',
    owner: 'alice',
    sponsor: '',
    role: 'admin',
    hash: HASH,
    prefix: '',
  },
  ...{ createdAt: 0, expiresAt: null, revokedAt: null, room: null, lastUsedAt: null },
}

async function asked(
  store: string,
  stores: Stores,
  parts: {
    readonly search: ReturnType<typeof createSearch>
    readonly ledger: OpenLedger
    readonly clock: Moving
    readonly key: Uint8Array
  },
): Promise<PeopleRow[]> {
  const { key, clock } = parts
  const approvals = { store: stores.approvals }
  const audit = createAuditDesk({ ...parts, reader: stores.ledger, approvals, cursors: createCursors(key) })
  const page = (filter: SearchFilter, after: string | null = null) => audit.page(ADMIN, filter, { first: 50, after })
  const now = clock.now()
  const envelope = (await page({ kinds: ['block'] })).entries[0]?.env ?? ''
  const deep = await deepCursor(page, { tool: 'github.*' }, 200)
  const questions = [
    ...Object.entries(auditQuestions(now, envelope)).map(([what, filter]) => [what, () => page(filter)] as const),
    ['audit: tool github.*, 200 pages deep', () => page({ tool: 'github.*' }, deep)],
    ...(await approvalQuestions(stores)),
    ['sessions: newest 50', () => stores.ledger.sessions(50)],
    ['statistics: a day', () => audit.stats(ADMIN, now - DAY)],
    ['statistics: a month', () => audit.stats(ADMIN, 0)],
  ] satisfies readonly Question[]
  const rows: PeopleRow[] = []
  for (const [what, ask] of questions) rows.push({ store, what, ...(await timed(ask)) })
  return rows
}

type Question = readonly [string, () => Promise<unknown>]

function auditQuestions(now: number, envelope: string): Readonly<Record<string, SearchFilter>> {
  return {
    'audit: no filter': {},
    'audit: kind block': { kinds: ['block'] },
    'audit: tool, exact': { tool: 'github.tool_3' },
    'audit: tool github.*': { tool: 'github.*' },
    'audit: agent': { agent: 'agent-3' },
    'audit: principal': { principal: 'key_7' },
    'audit: session': { session: `key_${(31 * 900) % 40}/sess-900` },
    'audit: room': { room: 'room_42' },
    'audit: policy': { policy: 'strict' },
    'audit: target': { target: 'acme/app-77' },
    'audit: a week, three weeks ago': { since: now - 28 * DAY, until: now - 21 * DAY },
    'audit: envelope': { envelope },
    'audit: nothing, for one of them is unknown': { tool: 'shell.*', agent: 'nobody' },
    'audit: nothing, for frequent ones never meet': { kinds: ['block'], tool: 'github.tool_*' },
    'audit: five filters': {
      ...{ kinds: ['allow'], tool: 'github.*', agent: 'agent-3', principal: 'key_7', policy: 'strict' },
    },
  }
}

async function approvalQuestions(stores: Stores): Promise<readonly Question[]> {
  const list = (more: object) => stores.approvals.page({ order: 'oldest', limit: 50, status: 'pending', ...more })
  const after = (await list({ limit: 1000 })).at(-1)
  return [
    ['approvals: the riskiest 30', () => stores.approvals.riskiest(30)],
    ['approvals: pending', () => list({})],
    ['approvals: pending, 1,000 deep', () => list({ after })],
    ['approvals: pending, one tool', () => list({ tool: 'github.merge_pull_request' })],
    ['approvals: pending, no such tool', () => list({ tool: 'no.such_tool' })],
    ['approvals: pending, one session', () => list({ session: 'key_7/sess-p7' })],
    ['approvals: of every status', () => list({ status: 'all' })],
  ]
}

async function deepCursor(
  page: (filter: SearchFilter, after: string | null) => Promise<{ readonly next: string | null }>,
  filter: SearchFilter,
  pages: number,
): Promise<string | null> {
  let after: string | null = null
  for (let index = 0; index < pages; index += 1) after = (await page(filter, after)).next
  return after
}

async function timed(ask: () => Promise<unknown>): Promise<{ p50_ms: number; p95_ms: number }> {
  const times: number[] = []
  for (let index = 0; index < ROUNDS; index += 1) {
    const start = performance.now()
    await ask()
    times.push(performance.now() - start)
  }
  times.sort((one, two) => one - two)
  return { p50_ms: round(quantile(times, 0.5), 1), p95_ms: round(quantile(times, 0.95), 1) }
}
