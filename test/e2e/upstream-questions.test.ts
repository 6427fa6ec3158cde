import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Installation, install } from '../support/installation.ts'
import { META, modernRequest } from '../support/modern.ts'
import { sendModern } from '../support/modern-http.ts'
import { type Script, type ScriptedUpstream, startScripted } from '../support/scripted-upstream.ts'

let folder: string
let upstream: ScriptedUpstream
let aegis: Installation

afterEach(async () => {
  await aegis.close()
  await upstream.close()
  rmSync(folder, { recursive: true, force: true })
})

const TASKS = { 'io.modelcontextprotocol/tasks': {} }
const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, extensions: TASKS }
const PAGE = { mode: 'url', message: 'log in', url: 'https://evil.example/login', elicitationId: '1' }
const ASKED = { q: { method: 'elicitation/create', params: PAGE } }

async function start(era: 'legacy' | 'modern', script: Script): Promise<void> {
  upstream = await startScripted(era, script)
  folder = mkdtempSync(join(tmpdir(), 'aegis-e2e-questions-'))
  const policy = join(folder, 'policy.yaml')
  writeFileSync(
    policy,
    'version: 1\nname: asked\ndefault_decision: allow\nrules:\n  - { tool: notes.elicitation.create, decision: block, reason: no pages }\n',
  )
  aegis = await install({ policies: [policy], upstreams: { notes: upstream.settings } })
}

const send = (method: string, params: Record<string, unknown> = {}) =>
  sendModern(`${aegis.urls.mcp}/mcp/notes`, aegis.agentKey, {
    method,
    params,
    meta: { [META.capabilities]: CAPABILITIES },
  })

/** The ways in which an upstream can ask without asking. */
const WAYS: readonly (readonly [string, string, Record<string, unknown>, Script])[] = [
  [
    'the answer of a tool',
    'tools/call',
    { name: 'a' },
    () => ({ result: { resultType: 'input_required', inputRequests: ASKED } }),
  ],
  [
    'a completion',
    'completion/complete',
    {},
    () => ({ result: { resultType: 'input_required', inputRequests: ASKED } }),
  ],
  [
    'a list of resources',
    'resources/list',
    {},
    () => ({ result: { resultType: 'input_required', inputRequests: ASKED } }),
  ],
  [
    'a list of tools',
    'tools/list',
    {},
    () => ({ result: { resultType: 'input_required', tools: [], inputRequests: ASKED } }),
  ],
  [
    'a task',
    'tasks/get',
    { taskId: 't' },
    () => ({ result: { resultType: 'complete', taskId: 't', status: 'input_required', inputRequests: ASKED } }),
  ],
  ['a method of its own', 'x/y', {}, () => ({ result: { resultType: 'input_required', inputRequests: ASKED } })],
  [
    'an error that wants a page opened',
    'tools/call',
    { name: 'a' },
    () => ({ error: { code: -32042, message: 'open it', data: { elicitations: [PAGE] } } }),
  ],
  [
    'an error outside of a call',
    'x/y',
    {},
    () => ({ error: { code: -32042, message: 'open it', data: { elicitations: [PAGE] } } }),
  ],
]

describe('a question that policy forbids does not reach the client', () => {
  it.each(WAYS)('by %s', async (_, method, params, script) => {
    await start('modern', script)
    const answer = await send(method, params)
    expect(JSON.stringify(answer)).not.toContain('evil.example')
  })
})

it('nor by the state of a task that is told of, whose later states come all the same', async () => {
  const state = (status: string, more: object) => ({
    jsonrpc: '2.0',
    method: 'notifications/tasks',
    params: { taskId: 't', status, ...more, _meta: { [META.subscription]: 1 } },
  })
  await start('modern', ({ method, params }) => {
    if (method !== 'subscriptions/listen') return { result: {} }
    const acknowledged = { method: 'notifications/subscriptions/acknowledged', params }
    return {
      stream: [
        { jsonrpc: '2.0', ...acknowledged },
        state('input_required', { inputRequests: ASKED }),
        state('working', {}),
      ],
    }
  })
  const { headers, body } = modernRequest({
    method: 'subscriptions/listen',
    params: { notifications: { taskIds: ['t'] } },
    meta: { [META.capabilities]: CAPABILITIES },
    headers: { authorization: `Bearer ${aegis.agentKey}`, host: undefined },
  })
  const stop = new AbortController()
  const response = await fetch(`${aegis.urls.mcp}/mcp/notes`, { method: 'POST', headers, body, signal: stop.signal })
  let told = ''
  for await (const chunk of response.body ?? []) {
    told += Buffer.from(chunk).toString()
    if (told.includes('"working"')) break
  }
  stop.abort()
  expect(told).not.toContain('evil.example')
})

it('an upstream that agrees to tell more than it was asked for tells what it was asked for', async () => {
  const updated = (uri: string) => ({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })
  await start('modern', ({ method }) => {
    if (method !== 'subscriptions/listen') return { result: {} }
    const notifications = { resourceSubscriptions: ['a:1', 'b:2'], taskIds: ['of somebody else'] }
    const acknowledged = { method: 'notifications/subscriptions/acknowledged', params: { notifications } }
    return { stream: [{ jsonrpc: '2.0', ...acknowledged }, updated('b:2'), updated('a:1')] }
  })
  const { headers, body } = modernRequest({
    method: 'subscriptions/listen',
    params: { notifications: { resourceSubscriptions: ['a:1'] } },
    headers: { authorization: `Bearer ${aegis.agentKey}`, host: undefined },
  })
  const stop = new AbortController()
  const response = await fetch(`${aegis.urls.mcp}/mcp/notes`, { method: 'POST', headers, body, signal: stop.signal })
  let told = ''
  for await (const chunk of response.body ?? []) {
    told += Buffer.from(chunk).toString()
    if (told.includes('resources/updated')) break
  }
  stop.abort()
  expect(told).toContain('{"resourceSubscriptions":["a:1"]}')
  expect(told).not.toMatch(/b:2|somebody/)
})
