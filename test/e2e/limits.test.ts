import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install } from '../support/installation.ts'

const ACTION = { protocol: 'git', tool: 'github.get_file_contents', target: 'acme/app', parameters: { path: 'a' } }
const BURST = 20

let upstream: CountingUpstream
let aegis: Installation
beforeAll(async () => {
  upstream = await startCountingUpstream()
  const route = { kind: 'http' as const, url: upstream.url, headers: {} }
  aegis = await install({
    upstreams: { github: { catalog: 'github', route, credential: null, onReview: 'refuse', timeout: null } },
    // So slow that no token comes back while the test runs, however busy the machine is.
    limits: { rate: 0.01, burst: BURST },
  })
})
afterAll(async () => {
  await aegis.close()
  await upstream.close()
})

function act(key: string): Promise<Response> {
  return fetch(`${aegis.urls.admin}/admin/v1/test-action`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(ACTION),
  })
}

describe('an agent that runs wild', () => {
  it('is answered 429 with the time to come back, in words it can read', async () => {
    const answers = await Promise.all(Array.from({ length: BURST * 3 }, () => act(AGENT_KEY)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(answers.length - refused.length).toBe(BURST)
    const [first] = refused
    expect(first?.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(await first?.json()).toEqual({
      error: {
        code: 429,
        type: 'too_many',
        message: 'this key makes calls faster than 0.01 a second',
        advice: expect.stringMatching(/^wait \d+ s, then make the call again$/),
      },
    })
  })

  it('shares its limit among all doors', async () => {
    const mcp = async () => {
      const answer = await fetch(`${aegis.urls.mcp}/mcp/github`, {
        method: 'POST',
        headers: { authorization: `Bearer ${AGENT_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
      })
      return (await answer.json()) as { error?: { data?: unknown } }
    }
    const answers = await Promise.all(Array.from({ length: BURST + 5 }, mcp))
    expect(answers.some(({ error }) => error !== undefined)).toBe(true)
  })

  it('does not keep people from their work, nor look like an action in the evidence', async () => {
    const { status, body } = await aegis.get('/admin/v1/logs?limit=1000', ADMIN_KEY)
    expect(status).toBe(200)
    const kinds = new Set(body.entries.map(({ kind }: { kind: string }) => kind))
    expect([...kinds]).toEqual(['allow'])
    expect((await act(ADMIN_KEY)).status).toBe(200)
  })

  it('is counted in the metrics', async () => {
    const text = String((await aegis.get('/metrics')).body)
    expect(text).toMatch(/^aegis_limited_total\{limit="rate"\} [1-9]\d*$/m)
  })
})
