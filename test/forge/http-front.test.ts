import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { type Front, startFront } from '../../starter-kit/forge/index.ts'
import { ask, REPO, type TestForge, testForge } from './harness.ts'

let forge: TestForge
let front: Front
beforeAll(async () => {
  forge = await testForge({ otherRepositories: ['other'] })
  front = await startFront({ forgeUrl: forge.url })
})
afterAll(async () => {
  await front.close()
  await forge.stop()
})

const JSON_TYPE = { 'content-type': 'application/json' }

async function post(body: object, token: string | null, signal?: AbortSignal): Promise<JsonObject> {
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
  const init = { method: 'POST', headers: { ...JSON_TYPE, ...authorization }, body: JSON.stringify(body) }
  const response = await fetch(front.url, signal === undefined ? init : { ...init, signal })
  const answer: JsonObject = JSON.parse(await response.text())
  return answer
}

const read = (repo: string, id: number | string = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'get_file_contents', arguments: { owner: 'aegisflow', repo, path: 'go.mod' } },
})

describe('the HTTP front', () => {
  it('gives each call the token of its own caller, also when many come at once', async () => {
    const tokens = await Promise.all(['aegisflow', 'other'].map((repo) => forge.token({ contents: 'read' }, [repo])))
    const [main = '', other = ''] = tokens
    const answers = await Promise.all([
      post(read('aegisflow', 'a'), main),
      post(read('other', 'b'), main),
      post(read('aegisflow', 'c'), other),
      post(read('other', 'd'), other),
      post(read('other', 'e'), null),
    ])
    expect(answers.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(answers.map(({ result }) => result !== undefined)).toEqual([true, false, false, true, false])
  })

  it('holds a revoked token no longer', async () => {
    const token = await forge.token({ contents: 'read' }, ['aegisflow'])
    expect(await post(read('aegisflow'), token)).toHaveProperty('result')
    await ask(forge, 'DELETE /installation/token', token)
    expect(JSON.stringify(await post(read('aegisflow'), token))).toContain('Bad credentials')
    expect((await ask(forge, `GET ${REPO}`, token)).status).toBe(401)
  })

  it('answers with an error where the server takes too long', async () => {
    const hasty = await startFront({ forgeUrl: forge.url, timeout: 1 })
    const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/list' })
    const response = await fetch(hasty.url, { method: 'POST', headers: JSON_TYPE, body })
    expect(await response.json()).toMatchObject({
      id: 7,
      error: { code: -32000, message: expect.stringMatching(/in time/) },
    })
    await hasty.close()
  })

  it('outlives callers that go away', async () => {
    await expect(post(read('aegisflow'), null, AbortSignal.timeout(20))).rejects.toThrow()
    expect(await post({ jsonrpc: '2.0', id: 1, method: 'ping' }, null)).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  })

  it('takes JSON-RPC requests by POST, from programs only', async () => {
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
    const status = async (init: RequestInit): Promise<number> => (await fetch(front.url, init)).status
    const say = (text: string, headers: Record<string, string> = JSON_TYPE) =>
      status({ method: 'POST', body: text, headers })
    expect(await status({ method: 'GET' })).toBe(405)
    expect(await say(body, { 'content-type': 'text/plain' })).toBe(415)
    expect(await say(body, { ...JSON_TYPE, origin: 'https://evil.example' })).toBe(403)
    expect(await say('[')).toBe(400)
    expect(await say(`[${body}]`)).toBe(400)
    expect(await say('{"jsonrpc":"2.0","id":{},"method":"x"}')).toBe(400)
    expect(await say('{"jsonrpc":"2.0","method":"x"}')).toBe(202)
    expect(await say(`"${'x'.repeat(5 * 1024 * 1024)}"`)).toBe(413)
  })
})
