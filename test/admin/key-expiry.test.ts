import { afterAll, beforeAll, expect, it } from 'vitest'
import { ADMIN_KEY, type Installation, install } from '../support/installation.ts'

/** A busy machine may take its time. */
const PATIENT = { timeout: 20_000 }

let aegis: Installation
beforeAll(async () => {
  aegis = await install()
})
afterAll(() => aegis.close())

it(
  'an open MCP stream is broken off soon after its key has expired, and its session takes no more calls',
  PATIENT,
  async () => {
    const expires = new Date(Date.now() + 3_000).toISOString()
    const made = await aegis.post('/admin/v1/keys', { role: 'agent', name: 'brief', expires }, ADMIN_KEY)
    const headers = {
      'x-agent-key': made.body.secret,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    }
    const post = (message: object, more: Record<string, string> = {}) =>
      fetch(`${aegis.urls.mcp}/mcp`, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: JSON.stringify(message),
      })
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    const first = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
    const session = { 'mcp-session-id': first.headers.get('mcp-session-id') ?? '' }
    const stream = await fetch(`${aegis.urls.mcp}/mcp`, { headers: { ...headers, ...session } })
    expect(stream.status).toBe(200)
    await stream.text().catch(() => '')
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires))
    const late = await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, session)
    expect(late.status).toBe(401)
    expect(late.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(await late.text()).toContain('has expired')
  },
)
