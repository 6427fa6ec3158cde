import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Installation, install, secretOf } from '../support/installation.ts'

const policy = (pytest: string) => `version: 1
name: team
default_decision: review
rules:
  - id: tests
    protocol: shell
    tool: shell.pytest
    decision: ${pytest}
  - { id: reads, tool: "github.get_*", decision: allow }
  - { id: removal, tool: shell.rm, decision: block, reason: "we never do that" }


`

describe('the policies of a running installation', () => {
  let aegis: Installation
  let folder: string
  let file: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-policy-e2e-'))
    file = join(folder, 'team.yaml')
    writeFileSync(file, policy('allow'))
    aegis = await install({
      policies: [file],
      keys: {
        other: { role: 'agent', owner: 'agent:other' },
        vera: { role: 'viewer', owner: 'vera' },
        bob: { role: 'reviewer', owner: 'bob' },
      },
    })
  })
  afterAll(async () => {
    await aegis.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const act = async (tool: string, target: string, key?: string) => {
    const { body } = await aegis.post('/admin/v1/test-action', { protocol: 'shell', tool, target, session: 's' }, key)
    return body
  }
  const versions = async () => (await aegis.get('/admin/v1/policies/versions', secretOf('vera'))).body
  const inForce = async () => (await versions()).versions[0].version
  const until = (version: number) => expect.poll(inForce, { timeout: 5000 }).toBe(version)
  const replay = async (policyText: object, key = secretOf('vera')) =>
    aegis.post('/admin/v1/policies/replay', { policy: policyText }, key)

  it('are told from the first on, and a new one as soon as the file changes', async () => {
    expect(await act('shell.pytest', 'tests')).toMatchObject({ decision: 'allow' })
    expect(await act('shell.rm', '-rf /srv')).toMatchObject({ decision: 'block' })
    writeFileSync(file, policy('block'))
    await until(2)
    expect(await act('shell.pytest', 'tests')).toMatchObject({ decision: 'block' })
    const { versions: all, refused } = await versions()
    expect(all).toMatchObject([
      { version: 2, cause: 'reload', in_force: true, names: ['team'] },
      { version: 1, cause: 'start', in_force: false },
    ])
    expect(refused).toBe(null)
  })

  it('go back for an administrator alone, who is named', async () => {
    const back = (key: string, body: object = {}) => aegis.post('/admin/v1/policies/versions/1/rollback', body, key)
    for (const key of [aegis.agentKey, secretOf('vera'), secretOf('bob')]) expect((await back(key)).status).toBe(403)
    expect((await back(aegis.adminKey, { expected: 1 })).status).toBe(409)
    const { status, body } = await back(aegis.adminKey, { expected: 2 })
    expect([status, body]).toMatchObject([201, { version: 3, cause: 'rollback', of: 1, by: { name: 'admin' } }])
    expect(await act('shell.pytest', 'tests')).toMatchObject({ decision: 'allow' })
    await aegis.restart()
    expect(await inForce()).toBe(3)
    expect(await act('shell.pytest', 'tests')).toMatchObject({ decision: 'allow' })
  })

  it('stay where they are when the file breaks, and say why', async () => {
    writeFileSync(file, policy('alow'))
    await expect
      .poll(async () => (await versions()).refused, { timeout: 5000 })
      .toMatchObject({
        message: expect.stringContaining('unknown decision `alow`'),
      })
    expect(await inForce()).toBe(3)
    writeFileSync(file, policy('block'))
  })

  it('differ by rules, which are shown as they are written', async () => {
    const { body } = await aegis.get('/admin/v1/policies/diff?from=1&to=2', secretOf('vera'))
    expect(body.documents).toMatchObject([{ name: 'team', kind: 'changed', default_decision: null }])
    expect(body.documents[0].rules).toMatchObject([
      { kind: 'changed', was: { line: 5, text: expect.stringContaining('decision: allow') }, is: { line: 5 } },
    ])
    expect(body.text).toContain('-    decision: allow\n+    decision: block\n')
  })

  it('say what they would have decided of what is recorded', async () => {
    const own = await replay({ version: 1 })
    expect(own.body).toMatchObject({ undecidable: 0, matrix: { 'allow>allow': 3, 'block>block': 1, 'block>allow': 1 } })
    const strict = await replay({ sources: [{ file: 'x.yaml', text: policy('block') }] })
    expect(strict.body).toMatchObject({ changed: 3, matrix: { 'allow>block': 3, 'block>block': 2 } })
    expect(strict.body.examples[0]).toMatchObject({ tool: 'shell.pytest', was: 'allow', would: 'block' })
    expect((await replay({ sources: [{ file: 'x.yaml', text: policy('block') }] })).body.next).toBe(null)
  })

  it.each([
    ['no policy', {}],
    ['both a version and texts', { policy: { version: 1, sources: [] } }],
    ['no texts', { policy: { sources: [] } }],
    ['texts that do not compile', { policy: { sources: [{ file: 'x.yaml', text: 'version: 1' }] } }],
    ['a path for a name', { policy: { sources: [{ file: '../x', text: '' }] } }],
    ['a place that is none', { policy: { version: 1 }, from: -1 }],
    ['a member that nobody knows', { policy: { version: 1 }, limit: 5 }],
  ])('refuse a replay of %s', async (_, body) => {
    expect((await aegis.post('/admin/v1/policies/replay', body, secretOf('vera'))).status).toBe(400)
  })

  it('are nothing for an agent to read', async () => {
    for (const path of ['versions', 'versions/1', 'diff?from=1&to=2']) {
      expect((await aegis.get(`/admin/v1/policies/${path}`)).status).toBe(403)
    }
    expect((await replay({ version: 1 }, aegis.agentKey)).status).toBe(403)
  })

  it('are named by why: the rule as it was then, with its line, and the trace as it would be now', async () => {
    const { envelope_id: id } = await act('shell.rm', '-rf /srv')
    const { body } = await aegis.get(`/admin/v1/actions/${id}/why`)
    expect(body.decisions).toMatchObject([
      {
        policy_version: 3,
        rule: { policy: 'team', file: 'team.yaml', line: 10, text: expect.stringContaining('we never do that') },
        recomputed: { possible: true, decision: 'block' },
      },
    ])
    expect(body.entries).toMatchObject([{ kind: 'block' }])
  })

  it('explain to an agent its own actions alone', async () => {
    const { envelope_id: id } = await act('shell.rm', '-rf /srv')
    expect((await aegis.get(`/admin/v1/actions/${id}/why`, secretOf('other'))).status).toBe(404)
    expect((await aegis.get(`/admin/v1/actions/${id}/why`, secretOf('vera'))).status).toBe(200)
    expect((await aegis.get('/admin/v1/actions/none/why', aegis.adminKey)).status).toBe(404)
  })

  it('explain a review with who settled it, and what they said', async () => {
    const { envelope_id: id } = await act('shell.make', 'all')
    await aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'go on' }, aegis.adminKey)
    const { body } = await aegis.get(`/admin/v1/actions/${id}/why`)
    expect(body.entries).toMatchObject([{ kind: 'review' }, { kind: 'approve', comment: 'go on' }])
    expect(body.decisions).toMatchObject([{ rule: null, policy_version: 3 }])
    expect(body.approval).toMatchObject({ status: 'approved' })

    const again = { protocol: 'shell', tool: 'shell.make', target: 'all', session: 's', approval_ref: id }
    await aegis.post('/admin/v1/test-action', again)
    const { entries } = (await aegis.get(`/admin/v1/actions/${id}/why`)).body
    expect(entries.map(({ kind }: { kind: string }) => kind)).toEqual(['review', 'approve', 'allow'])
    expect(entries[2]).toMatchObject({ decision: { rule: `approved:${id}` } })
  })
})
