import { describe, expect, it } from 'vitest'
import type { ListedUpstream } from '../../support/list-gateway.ts'
import { headers, openDoor } from '../../support/mcp-door.ts'

/** A door with one call under way that asks its client something before it ends. */
async function setUp() {
  let ask: () => void = () => undefined
  const files: ListedUpstream = {
    tools: {
      async slow(call, signal) {
        call.onNotification?.({ method: 'notifications/message', params: { data: 'begun' } })
        await new Promise<void>((resolve) => {
          ask = resolve
        })
        const answer = await call.channel?.request('files', { method: 'roots/list' }, signal)
        return { content: [], structuredContent: { answer: JSON.parse(JSON.stringify(answer)) } }
      },
    },
  }
  const door = openDoor({ files })
  const post = (message: object, session: Record<string, string> = {}) =>
    door.app.request('/mcp/files', { method: 'POST', headers: headers(session), body: JSON.stringify(message) })
  const params = { protocolVersion: '2025-06-18', capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } }
  const welcome = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const session = { 'mcp-session-id': welcome.headers.get('mcp-session-id') ?? '' }
  const get = (path = '/mcp/files') => door.app.request(path, { headers: headers(session) })
  const call = (id: number) =>
    post({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'slow', arguments: {} } }, session)
  return { door, post, get, session, call, ask: () => ask() }
}

describe('a server that stops', () => {
  it('finishes the calls under way, questions to their clients included, and closes every stream', async () => {
    const { door, post, get, session, call, ask } = await setUp()
    const listening = await get()
    const running = await call(1)
    const closed = door.entrance.close()
    expect(await listening.text()).not.toContain('data: {')
    ask()
    const reader = running.body?.pipeThrough(new TextDecoderStream()).getReader()
    let heard = ''
    while (!heard.includes('roots/list')) heard += (await reader?.read())?.value ?? ''
    const id = /"id":"([^"]+)"/.exec(heard)?.[1]
    const answered = await post({ jsonrpc: '2.0', id, result: { roots: [] } }, session)
    expect(answered.status).toBe(202)
    for (;;) {
      const next = await reader?.read()
      if (next === undefined || next.done) break
      heard += next.value
    }
    expect(heard).toContain('"roots":[]')
    await closed
    expect(door.released).toHaveLength(1)
  })

  it('refuses what would begin now, in words that say to come again, and opens no stream', async () => {
    const { door, post, get, call, ask } = await setUp()
    const running = await call(1)
    const closed = door.entrance.close()
    const refused = [
      await call(2),
      await post({ jsonrpc: '2.0', id: 3, method: 'initialize', params: {} }),
      await get(),
      await get('/sse/files'),
    ]
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503])
    expect(refused[0]?.headers.get('retry-after')).toBe('2')
    expect(await refused[0]?.json()).toMatchObject({
      id: 2,
      error: { code: -32000, message: expect.stringMatching(/is stopping.*make the same call again/i) },
    })
    expect(door.calls).toHaveLength(1)
    ask()
    await running.body?.cancel()
    await closed
  })
})
