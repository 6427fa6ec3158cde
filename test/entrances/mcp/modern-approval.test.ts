import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FuzzUpstream, startFuzzUpstream } from '../../support/fuzz-upstream.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install } from '../../support/installation.ts'
import { META, type ModernAnswer, modernRequest, readAnswer } from '../../support/modern.ts'

const folder = mkdtempSync(join(tmpdir(), 'aegis-rounds-'))
let upstream: FuzzUpstream
let aegis: Installation
beforeAll(async () => {
  writeFileSync(
    join(folder, 'policy.yaml'),
    'version: 1\nname: rounds\ndefault_decision: allow\nrules:\n  - { protocol: mcp, tool: modern.ask, decision: review }\n',
  )
  upstream = await startFuzzUpstream()
  const route = { kind: 'http', url: `${upstream.url}/modern`, headers: {} } as const
  aegis = await install({
    policies: [join(folder, 'policy.yaml')],
    upstreams: { modern: { catalog: 'none', route, credential: null, onReview: 'refuse', timeout: null } },
  })
})
afterAll(async () => {
  await aegis.close()
  await upstream.close()
  rmSync(folder, { recursive: true })
})

async function call(params: object): Promise<ModernAnswer> {
  const { headers, body } = modernRequest({
    method: 'tools/call',
    params: { name: 'ask', ...params },
    meta: { [META.capabilities]: {} },
  })
  const { host: _host, ...sent } = headers
  const response = await fetch(`${aegis.urls.mcp}/mcp/modern`, {
    method: 'POST',
    headers: { ...sent, authorization: `Bearer ${AGENT_KEY}` },
    body,
  })
  return readAnswer(response)
}

it('one approval covers one completed call, whatever rounds of asking it takes', async () => {
  const first = { arguments: { n: 1 } }
  expect((await call(first)).result).toMatchObject({ isError: true })
  const { body } = await aegis.get('/admin/v1/approvals', ADMIN_KEY)
  const { envelope_id: id } = body.pending.at(-1)
  expect((await aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'fine' }, ADMIN_KEY)).status).toBe(200)

  const asked = await call(first)
  expect(asked.result).toMatchObject({ resultType: 'input_required' })
  const { requestState } = asked.result ?? {}
  expect(requestState).toMatch(/^theirs-/)
  const done = await call({ ...first, inputResponses: {}, requestState })
  expect(done.result).toMatchObject({ resultType: 'complete', content: [{ text: '{"n":1}' }] })
  expect(upstream.reached.length).toBe(2)

  expect((await call(first)).result).toMatchObject({ isError: true, structuredContent: { retry: 'unchanged' } })
  expect(upstream.reached.length).toBe(2)

  const { body: listed } = await aegis.get('/admin/v1/evidence/sessions', ADMIN_KEY)
  for (const { session } of listed.sessions) {
    const verified = await aegis.post(`/admin/v1/evidence/sessions/${session}/verify`, {}, ADMIN_KEY)
    expect(verified.body).toMatchObject({ valid: true })
  }
})

it('an upstream that asks on and on uses an approval up', async () => {
  const again = { arguments: { n: 2 } }
  await call(again)
  const { body } = await aegis.get('/admin/v1/approvals', ADMIN_KEY)
  const { envelope_id: id } = body.pending.at(-1)
  await aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'fine' }, ADMIN_KEY)
  const before = upstream.reached.length
  let answer = await call(again)
  for (let round = 1; round < 20 && answer.result?.['resultType'] === 'input_required'; round++)
    answer = await call(again)
  expect(answer.result).toMatchObject({ isError: true })
  expect(upstream.reached.length - before).toBe(10)
})
