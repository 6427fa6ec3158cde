import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import type { UpstreamSettings } from '../../src/config.ts'
import { openReader } from '../../src/store/open.ts'
import { startFuzzUpstream } from './fuzz-upstream.ts'
import { AGENT_KEY, type Installation, install } from './installation.ts'
import { type Case, type Chance, chance, type Known, makeCase, nextLeg } from './mcp-cases.ts'

const POLICY = `version: 1
name: fuzz
default_decision: allow
rules:
  - { protocol: mcp, tool: "modern.blocked_tool", decision: block }
  - { protocol: mcp, tool: "legacy.blocked_tool", decision: block }
  - { protocol: mcp, tool: "modern.review_tool", decision: review }
  - { protocol: mcp, tool: "legacy.review_tool", decision: review }
`
/** Requests under way at once. */
const AT_ONCE = 24
/** Milliseconds after which a request counts as never answered. */
const PATIENCE_MS = 60_000
/** Every marker is one of these numbers of ten digits: none can be mistaken for another one, or for anything else. */
const FIRST = 1_000_000_001
const MARKER = /(?<![\w.])1\d{9}(?![\w.])/g

export interface FuzzReport {
  /** What must never be, each with the case that brought it about. */
  readonly faults: readonly string[]
  /** Actions that the upstreams received, by name. */
  readonly reached: Readonly<Record<string, number>>
  /** Actions that the ledger says were forwarded and left us, by name. */
  readonly recorded: Readonly<Record<string, number>>
  /** Suspended calls that went on. */
  readonly resumed: number
  readonly statuses: Readonly<Record<string, number>>
}

/** Sends right and broken messages of both eras to a whole installation, and compares what went through with what was recorded. */
export async function fuzzMcp({ messages, seed }: { messages: number; seed: number }): Promise<FuzzReport> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-fuzz-'))
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  const upstream = await startFuzzUpstream()
  const settings = (path: string): UpstreamSettings => ({
    catalog: 'none',
    route: { kind: 'http', url: `${upstream.url}/${path}`, headers: {} },
    credential: null,
    onReview: 'refuse',
    timeout: null,
  })
  const aegis = await install({
    policies: [join(folder, 'policy.yaml')],
    upstreams: { modern: settings('modern'), legacy: settings('legacy') },
    limits: { rate: 1e9, burst: 1e9 },
  })
  try {
    const run = await drive(aegis, chance(seed), messages)
    await aegis.stop()
    const recorded = await forwards(aegis.config.store)
    const reached: Record<string, number> = {}
    // A later round of an asking call is the client's, with an intent of its own, or ours within one: only first ones can be compared.
    for (const { method, name, retry } of upstream.reached) {
      if (!(retry && name === 'ask')) count(reached, method === 'tools/call' ? name : method)
    }
    return { ...run, recorded, reached }
  } finally {
    await aegis.close()
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function drive(aegis: Installation, random: Chance, messages: number) {
  const pool = new Pool(aegis.urls.mcp, { connections: 2 * AT_ONCE })
  const known: Known = { sessions: await openSessions(pool), suspended: [] }
  const faults: string[] = []
  const statuses: Record<string, number> = {}
  let sent = 0
  let resumed = 0
  const worker = async (): Promise<void> => {
    while (sent < messages && faults.length < 20) {
      const n = FIRST + sent++
      const waiting = random() < 0.3 ? known.suspended.shift() : undefined
      const one = waiting === undefined ? makeCase(random, n, known) : nextLeg(random, waiting)
      const { status, text } = await send(pool, one).catch((error: Error) => ({ status: 500, text: error.message }))
      count(statuses, String(status))
      faults.push(...faultsOf(one, status, text))
      if (waiting !== undefined && text.includes('"resultType":"complete"')) resumed += 1
      remember(one, text, known)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const alive = await send(pool, { ...makePing(), n: 0 })
  if (alive.status !== 200) faults.push(`after all that, a ping is answered with ${alive.status}`)
  await pool.close()
  return { faults, statuses, resumed }
}

function faultsOf({ n, ids, body, headers, path }: Case, status: number, text: string): string[] {
  const faults: string[] = []
  const say = (problem: string): void => {
    faults.push(
      `${problem}: ${path} ${JSON.stringify(headers)} ${Buffer.from(body).toString('latin1').slice(0, 600)} -> ${status} ${text.slice(0, 400)}`,
    )
  }
  if (status === 500 || text.includes('"code":-32603')) say('it broke')
  const strangers = [...text.matchAll(MARKER)].filter(([marker]) => Number(marker) !== n)
  if (strangers.length > 0) say('the answer of another request')
  for (const answer of answers(text)) {
    if (answer === null) say('no JSON')
    else if (
      ids !== null &&
      answer['id'] !== undefined &&
      'result' in answer &&
      !ids.includes(JSON.stringify(answer['id']))
    ) {
      say('an answer under another id')
    }
  }
  return faults
}

/** The messages of an answer, whichever of its forms it has; null for what cannot be read. */
function answers(text: string): (Record<string, unknown> | null)[] {
  if (text === '') return []
  const parts =
    text.startsWith('event:') || text.startsWith(':')
      ? [...text.matchAll(/^data: (.*)$/gm)].map((found) => found[1] ?? '')
      : [text]
  return parts
    .filter((part) => part !== '')
    .flatMap((part): (Record<string, unknown> | null)[] => {
      try {
        const value: Record<string, unknown> | Record<string, unknown>[] = JSON.parse(part)
        return Array.isArray(value) ? value : [value]
      } catch {
        return [null]
      }
    })
}

function remember({ path, body }: Case, text: string, known: Known): void {
  const state = /"requestState":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1]
  if (state === undefined || known.suspended.length > 100) return
  try {
    const { params } = JSON.parse(Buffer.from(body).toString())
    if (typeof params?.arguments?.n !== 'number' || typeof params.name !== 'string') return
    known.suspended.push({
      path,
      params: { name: params.name, arguments: params.arguments },
      state: JSON.parse(`"${state}"`),
    })
  } catch {
    // What was broken on purpose is not continued.
  }
}

async function send(pool: Pool, one: Case): Promise<{ status: number; text: string }> {
  const { method, path, headers } = one
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const response = await pool.request({ method: method as 'POST', path, headers, body: Buffer.from(one.body), signal })
  const decoder = new TextDecoder()
  const answered = new Set<string>()
  let text = ''
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true })
    // A client with a session is asked on the stream of any call of it, and answers with a POST.
    for (const [, question = ''] of text.matchAll(/"id":"(aegis-\d+)","method":"elicitation\/create"/g)) {
      if (!answered.has(question)) void reply(pool, path, headers['mcp-session-id'] ?? '', question)
      answered.add(question)
    }
  }
  return { status: response.statusCode, text }
}

async function reply(pool: Pool, path: string, session: string, id: string): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id, result: { action: 'decline' } })
  const headers = {
    authorization: `Bearer ${AGENT_KEY}`,
    'content-type': 'application/json',
    'mcp-session-id': session,
  }
  await (await pool.request({ method: 'POST', path, headers, body })).body.dump()
}

function makePing(): Omit<Case, 'n'> {
  const headers = { authorization: `Bearer ${AGENT_KEY}`, 'content-type': 'application/json' }
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }))
  return { method: 'POST', path: '/mcp', headers, body, ids: ['1'] }
}

async function openSessions(pool: Pool): Promise<string[]> {
  const sessions: string[] = ['unknown']
  for (const path of ['/mcp', '/mcp/modern', '/mcp/legacy', '/mcp/legacy']) {
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'f', version: '1' },
    }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
    const headers = { authorization: `Bearer ${AGENT_KEY}`, 'content-type': 'application/json' }
    const response = await pool.request({ method: 'POST', path, headers, body })
    await response.body.dump()
    sessions.push(String(response.headers['mcp-session-id']))
  }
  return sessions
}

/** What the ledger says was sent: every intent to forward, less those whose result says that nothing left us. */
async function forwards(store: string): Promise<Record<string, number>> {
  const reader = await openReader(store)
  const tools = new Map<string, string>()
  const counts: Record<string, number> = {}
  for await (const page of reader.ledger.entries(0)) {
    for (const { body } of page) {
      const entry = JSON.parse(Buffer.from(body).toString())
      if (entry.effect === 'forward') tools.set(entry.env, entry.action.tool)
      if (entry.kind === 'result' && entry.outcome.status === 'unsent') tools.delete(entry.env)
    }
  }
  await reader.close()
  for (const tool of tools.values()) count(counts, nameOf(tool))
  return counts
}

/** As the upstream knows it. */
function nameOf(tool: string): string {
  const name = tool.slice(tool.indexOf('.') + 1)
  return name === 'resources.read' || name === 'prompts.get' ? name.replace('.', '/') : name
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}
