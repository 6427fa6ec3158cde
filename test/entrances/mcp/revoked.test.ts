import { expect, it } from 'vitest'
import { KEY, openDoor } from '../../support/mcp-door.ts'

/** A busy machine may take its time. */
const PATIENT = { timeout: 20_000 }

const HEADERS = {
  authorization: `Bearer ${KEY}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}
const FILES = { onReview: 'hold', tools: { review_write: () => ({ content: [] }) } } as const

async function open() {
  const revoked = new Set<string>()
  const door = openDoor({ files: FILES }, { revoked, watchMs: 20 })
  const served = await door.listen()
  const post = (message: object, more: Record<string, string> = {}) =>
    fetch(`${served.url}/files`, { method: 'POST', headers: { ...HEADERS, ...more }, body: JSON.stringify(message) })
  return { door, served, post, revoke: () => revoked.add('key_one') }
}

type Opened = Awaited<ReturnType<typeof open>>

async function standing({ served, post }: Opened): Promise<Response> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const session = (await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })).headers.get('mcp-session-id')
  return fetch(`${served.url}/files`, { headers: { ...HEADERS, 'mcp-session-id': session ?? '' } })
}

const oldTransport = ({ served }: Opened) => fetch(served.url.replace(/mcp$/, 'sse'), { headers: HEADERS })

function subscription({ post }: Opened): Promise<Response> {
  const method = 'subscriptions/listen'
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { notifications: { toolsListChanged: true }, _meta }
  return post({ jsonrpc: '2.0', id: 1, method, params }, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method })
}

it.each([
  ['a GET stream', standing],
  ['a stream of HTTP+SSE', oldTransport],
  ['a subscription of the stateless era', subscription],
])('%s goes on as long as its key is in force, and is broken off when it is revoked', async (_, listen) => {
  const opened = await open()
  const response = await listen(opened)
  expect(response.status).toBe(200)
  const state = { over: false }
  const read = response
    .text()
    .catch(() => '')
    .finally(() => {
      state.over = true
    })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(state.over).toBe(false)
  opened.revoke()
  await read
  await opened.served.close()
})

it('a call that waited for a person does not run once its key is revoked', async () => {
  const { door, served, post, revoke } = await open()
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'review_write', arguments: {} } }
  const answer = post(call)
  await expect.poll(() => door.held(), PATIENT).toBe(1)
  revoke()
  door.approve()
  expect(await (await answer).json()).toMatchObject({ error: { message: expect.stringContaining('was revoked') } })
  expect(door.calls).toHaveLength(1)
  await served.close()
})
