import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Installation, install, secretOf } from '../support/installation.ts'

const POLICY = `version: 1
name: team
default_decision: block
critical_needs: 2
rules:
  - { id: two, tool: shell.make, decision: review, approval: { reviewers: 2, from: [alice, bob, carol] } }
  - { id: owners, tool: github.create_issue, decision: review, approval: { from: owners } }
  - { id: admins, tool: shell.npm, decision: review, approval: { role: admin } }
  - { id: again, tool: shell.pytest, decision: review, approval: { repeat: 10m } }
  - { id: merges, tool: github.merge_pull_request, decision: review, approval: { repeat: 10m } }
  - { id: others, tool: shell.cargo, decision: review, approval: { not_author: true } }
  - { id: plain, tool: [shell.git, shell.rm], decision: review }
  - { id: git, tool: "git.*", decision: review }
`

describe('the terms of an approval', () => {
  let folder: string
  let file: string
  let aegis: Installation

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-terms-'))
    file = join(folder, 'team.yaml')
    writeFileSync(file, POLICY)
    aegis = await install({
      policies: [file],
      keys: {
        ...Object.fromEntries(['alice', 'bob', 'carol', 'dave', 'eve'].map((name) => [name, reviewer(name)])),
        'second-bob': { role: 'reviewer', owner: 'bob' },
        adele: { role: 'admin', owner: 'adele' },
        vera: { role: 'viewer', owner: 'vera' },
        twin: { role: 'reviewer', owner: 'agent:claude' },
      },
    })
  })
  afterAll(async () => {
    await aegis.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const reviewer = (owner: string) => ({ role: 'reviewer', owner }) as const
  const call = async (body: object, key?: string) =>
    (await aegis.post('/admin/v1/test-action', { session: 'terms', ...body }, key)).body
  let made = 0
  const unique = () => {
    made += 1
    return `t${made}`
  }
  const shell = (tool: string, target = unique()) => ({ protocol: 'shell', tool: `shell.${tool}`, target })
  const issue = () => ({
    ...{ protocol: 'git', tool: 'github.create_issue', target: 'acme/app' },
    parameters: { title: unique() },
  })
  const asked = async (body: object): Promise<string> => {
    const answer = await call(body)
    expect(answer.decision).toBe('review')
    return answer.envelope_id
  }
  const approve = async (id: string, name: string, more: object = {}) =>
    aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'seen', ...more }, secretOf(name))
  const statusOf = async (id: string) => (await aegis.get(`/admin/v1/approvals/${id}`, aegis.adminKey)).body.status
  const delegate = (name: string, to: string, until = '2h') =>
    aegis.post('/admin/v1/delegations', { to, until }, secretOf(name))

  describe('that name people', () => {
    it('count the yes of those alone, and let anybody say no', async () => {
      const id = await asked(shell('make'))
      const { status, body } = await approve(id, 'dave')
      expect([status, body.error.advice]).toEqual([
        403,
        'it asks for one of alice, bob, carol, or somebody they delegated to',
      ])
      expect((await approve(id, 'adele')).status).toBe(403)
      expect((await approve(id, 'alice')).body.status).toBe('pending')
      expect((await approve(id, 'bob')).body.status).toBe('approved')
      const other = await asked(shell('make'))
      const denied = await aegis.post(`/admin/v1/approvals/${other}/deny`, { comment: 'no' }, secretOf('dave'))
      expect(denied.status).toBe(200)
    })

    it('ask an administrator where they say so', async () => {
      const id = await asked(shell('npm'))
      expect((await approve(id, 'alice')).status).toBe(403)
      expect((await approve(id, 'adele')).body.status).toBe('approved')
    })

    it('ask an administrator also where a reviewer speaks for one', async () => {
      const id = await asked(shell('npm'))
      const { id: given } = (await delegate('adele', 'bob')).body
      expect((await approve(id, 'bob')).status).toBe(403)
      await fetch(`${aegis.urls.admin}/admin/v1/delegations/${given}`, {
        method: 'DELETE',
        headers: { 'x-api-key': aegis.adminKey },
      })
    })

    it('ask the owners of the room, and nobody where there is none', async () => {
      const id = await asked(issue())
      const refused = await approve(id, 'alice')
      expect([refused.status, refused.body.error.advice]).toEqual([403, expect.stringContaining('no room has owners')])
      const room = { repository: 'ACME/app', owner: 'carol', mode: 'enforce' }
      expect((await aegis.post('/admin/v1/rooms', room, aegis.adminKey)).status).toBe(201)
      expect((await approve(id, 'alice')).status).toBe(403)
      expect((await approve(id, 'carol')).body.status).toBe('approved')
    })
  })

  describe('where one speaks for another', () => {
    beforeEach(async () => {
      const { body } = await aegis.get('/admin/v1/delegations', aegis.adminKey)
      for (const { id } of body.delegations) await end(id, aegis.adminKey)
    })
    const end = async (id: string, key: string) => {
      const answer = await fetch(`${aegis.urls.admin}/admin/v1/delegations/${id}`, {
        method: 'DELETE',
        headers: { 'x-api-key': key },
      })
      return answer.status
    }

    it('fill that one’s place, once, and the evidence says in whose place', async () => {
      expect((await delegate('alice', 'dave')).status).toBe(201)
      const id = await asked(shell('make'))
      expect((await approve(id, 'dave')).body.status).toBe('pending')
      const late = await approve(id, 'alice')
      expect([late.status, late.body.error.message]).toEqual([409, expect.stringContaining('by the word of dave')])
      expect((await approve(id, 'dave')).status).toBe(409)
      expect((await approve(id, 'bob')).body.status).toBe('approved')
      const { body } = await aegis.get(`/admin/v1/actions/${id}/why`, aegis.adminKey)
      const said = body.entries.filter(({ kind }: { kind: string }) => kind === 'approve')
      expect(said.map(({ reviewer: by }: { reviewer: { name: string } }) => by.name)).toEqual([
        'dave (for alice)',
        'bob',
      ])
    })

    it('are two people still where two are asked for', async () => {
      await delegate('alice', 'bob')
      const id = await asked(shell('make'))
      expect((await approve(id, 'bob')).body.status).toBe('pending')
      expect((await approve(id, 'bob')).status).toBe(409)
      expect((await approve(id, 'second-bob')).status).toBe(409)
      expect(await statusOf(id)).toBe('pending')
    })

    it('cannot hand it on', async () => {
      await delegate('alice', 'dave')
      await delegate('dave', 'eve')
      expect((await approve(await asked(shell('make')), 'eve')).status).toBe(403)
    })

    it('cannot be the one who asked', async () => {
      expect((await delegate('alice', 'agent:claude')).status).toBe(201)
      const { status, body } = await approve(await asked(shell('make')), 'twin')
      expect([status, body.error.message]).toEqual([403, expect.stringContaining('their own request')])
    })

    it('end when they are taken back, by the one who gave them or an administrator alone', async () => {
      const { id: given } = (await delegate('alice', 'dave')).body
      expect(await end(given, secretOf('dave'))).toBe(404)
      expect(await end(given, secretOf('vera'))).toBe(403)
      expect(await end(given, secretOf('alice'))).toBe(200)
      expect(await end(given, secretOf('alice'))).toBe(409)
      expect((await approve(await asked(shell('make')), 'dave')).status).toBe(403)
    })

    it('end with the key that gave them', async () => {
      const made = await aegis.post(
        '/admin/v1/keys',
        { name: 'gone', role: 'reviewer', owner: 'carol', share_owner: true },
        aegis.adminKey,
      )
      await aegis.post('/admin/v1/delegations', { to: 'dave', until: '2h' }, made.body.secret)
      const id = await asked(shell('make'))
      await fetch(`${aegis.urls.admin}/admin/v1/keys/${made.body.id ?? made.body.key ?? made.body.principal}`, {
        method: 'DELETE',
        headers: { 'x-api-key': aegis.adminKey },
      })
      expect((await approve(id, 'dave')).status).toBe(403)
    })

    it.each([
      ['oneself', 'alice', { to: 'alice', until: '2h' }, 400],
      ['nobody', 'alice', { to: 'nobody', until: '2h' }, 404],
      ['a viewer', 'alice', { to: 'vera', until: '2h' }, 404],
      ['without an end', 'alice', { to: 'dave' }, 400],
      ['for ever', 'alice', { to: 'dave', until: 'never' }, 400],
      ['for a year', 'alice', { to: 'dave', until: '365d' }, 400],
      ['by a viewer', 'vera', { to: 'dave', until: '2h' }, 403],
    ])('are refused: to %s', async (_, name, body, status) => {
      expect((await aegis.post('/admin/v1/delegations', body, secretOf(name))).status).toBe(status)
    })
  })

  describe('that let it run again', () => {
    it('let the identical action through as often as it is asked, each with an entry that refers to the approval', async () => {
      const action = shell('pytest')
      const id = await asked(action)
      expect((await approve(id, 'alice', { repeat: true })).body.status).toBe('approved')
      for (let turn = 0; turn < 3; turn += 1) {
        expect(await call(action)).toMatchObject({ decision: 'allow', matched_rule: `approved:${id}` })
      }
      expect(await call(shell('pytest', `${action.target}-other`))).toMatchObject({ decision: 'review' })
      const { body } = await aegis.post('/admin/v1/evidence/sessions/terms/verify', {})
      expect(body).toMatchObject({ valid: true })
    })

    it('let it run once where the reviewer did not ask for more', async () => {
      const action = shell('pytest')
      await approve(await asked(action), 'alice')
      expect((await call(action)).decision).toBe('allow')
      expect((await call(action)).decision).toBe('review')
    })

    it('end with the key of whoever gave them, and what was approved with it and has not run does too', async () => {
      const [running, waiting] = [shell('pytest'), shell('pytest')]
      const made = await aegis.post('/admin/v1/keys', { name: 'mole', role: 'reviewer', owner: 'mole' }, aegis.adminKey)
      const { id: mole, secret } = made.body
      const say = async (id: string, more: object) =>
        (await aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'seen', ...more }, secret)).body.status
      expect(await say(await asked(running), { repeat: true })).toBe('approved')
      expect(await say(await asked(waiting), {})).toBe('approved')
      expect((await call(running)).decision).toBe('allow')
      await fetch(`${aegis.urls.admin}/admin/v1/keys/${mole}`, {
        method: 'DELETE',
        headers: { 'x-api-key': aegis.adminKey },
      })
      expect([(await call(running)).decision, (await call(waiting)).decision]).toEqual(['review', 'review'])
    })

    it('are not for the agent to ask', async () => {
      const action = shell('pytest')
      const id = await asked(action)
      expect((await aegis.post('/admin/v1/test-action', { ...action, repeat: true })).status).toBe(400)
      expect((await aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: '', repeat: true })).status).toBe(403)
    })

    it('end as soon as the policy says nothing of them any more', async () => {
      const action = shell('pytest')
      const id = await asked(action)
      await approve(id, 'alice', { repeat: true })
      expect((await call(action)).decision).toBe('allow')
      writeFileSync(
        file,
        POLICY.replace('shell.pytest, decision: review, approval: { repeat: 10m }', 'shell.pytest, decision: review'),
      )
      await expect.poll(async () => (await call(action)).decision, { timeout: 5000 }).toBe('review')
      const inForce = async () => (await aegis.get('/admin/v1/policies', aegis.adminKey)).body.policies[0].sha256
      const changed = await inForce()
      writeFileSync(file, POLICY)
      await expect.poll(inForce, { timeout: 5000 }).not.toBe(changed)
    })

    it.each([
      ['where the rule says nothing', shell('git', 'status'), 'the rule does not say'],
      ['what is critical', merge(), 'critical'],
    ])('are refused: %s', async (_, action, why) => {
      const id = await asked(action)
      const { status, body } = await approve(id, 'alice', { repeat: true })
      expect([status, body.error.message]).toEqual([403, expect.stringContaining(why)])
    })
  })

  function merge() {
    const parameters = { owner: 'a', repo: 'b', pullNumber: 3 }
    return { protocol: 'git', tool: 'github.merge_pull_request', target: 'a/b', parameters }
  }

  describe('of who put the policy into force', () => {
    it('keep them from approving under it, and nobody else', async () => {
      const earlier = (await aegis.get('/admin/v1/policies/versions', aegis.adminKey)).body.versions[0].version
      writeFileSync(
        file,
        POLICY.replace('name: team', 'name: team\ndescription: changed').replace(
          'critical_needs: 2',
          'critical_needs: 3',
        ),
      )
      const current = async () => (await aegis.get('/admin/v1/policies/versions', aegis.adminKey)).body.versions[0]
      await expect.poll(async () => (await current()).version, { timeout: 5000 }).toBe(earlier + 1)
      const before = earlier
      const back = await aegis.post(`/admin/v1/policies/versions/${before}/rollback`, {}, secretOf('adele'))
      expect(back.status).toBe(201)
      const id = await asked(shell('cargo'))
      const { status, body } = await approve(id, 'adele')
      expect([status, body.error.message]).toEqual([403, expect.stringContaining('put the policy into force')])
      expect((await approve(id, 'alice')).body.status).toBe('approved')
      writeFileSync(file, POLICY)
      await expect.poll(async () => (await current()).by?.name ?? null, { timeout: 5000 }).toBe('adele')
    })
  })

  describe('of several at once', () => {
    it('are bundled by session, with what they have in common', async () => {
      for (const target of ['shortlog', 'log']) await asked({ ...shell('git', target), session: 'bundle' })
      const { body } = await aegis.get('/admin/v1/approvals/bundles', secretOf('vera'))
      const mine = body.bundles.find(({ session }: { session: string }) => session.endsWith('/bundle'))
      expect(mine).toMatchObject({ together: true, approvals: [{ status: 'pending' }, { status: 'pending' }] })
      expect((await aegis.get('/admin/v1/approvals/bundles')).status).toBe(403)
    })

    it('are settled each by itself, and one that fails keeps no other back', async () => {
      const ids = [await asked(shell('git', 'fetch')), await asked(shell('git', 'gc'))]
      const gone = '01900000-0000-7000-8000-000000000000'
      const body = { ids: [...ids, gone, ids[0]], comment: 'all seen' }
      const answer = await aegis.post('/admin/v1/approvals/approve', body, secretOf('alice'))
      expect(answer.body.results).toMatchObject([
        { envelope_id: ids[0], status: 'approved', comment: 'all seen', http_status: 200 },
        { envelope_id: ids[1], status: 'approved', http_status: 200 },
        { envelope_id: gone, http_status: 404 },
      ])
      expect(
        new Set(answer.body.results.slice(0, 2).map((one: { evidence_hash: string }) => one.evidence_hash)).size,
      ).toBe(2)
    })

    it.each([
      ['an agent', aegisAgent, { ids: [], comment: '' }, 403],
      ['no list', secretOf('alice'), { comment: '' }, 400],
      ['an empty list', secretOf('alice'), { ids: [], comment: '' }, 400],
      [
        'more than a person can have read',
        secretOf('alice'),
        { ids: Array.from({ length: 101 }, (_, n) => `id${n}`), comment: '' },
        400,
      ],
      ['a word that nobody knows', secretOf('alice'), { ids: [], repeat: true }, 400],
    ])('are refused: %s', async (_, key, body, status) => {
      expect(
        (await aegis.post('/admin/v1/approvals/approve', body, key === aegisAgent ? aegis.agentKey : key)).status,
      ).toBe(status)
    })
  })

  describe('of what is critical', () => {
    const critical = () => {
      made += 1
      const parameters = { owner: 'a', repo: 'b', pullNumber: made }
      return { protocol: 'git', tool: 'github.merge_pull_request', target: 'a/b', parameters }
    }

    it('ask for two different people, whatever the rule says', async () => {
      const id = await asked(critical())
      const { body } = await aegis.get(`/admin/v1/approvals/${id}`, aegis.adminKey)
      expect(body).toMatchObject({ blast_radius: 'critical', reviewers_needed: 2 })
      expect((await approve(id, 'bob')).body.status).toBe('pending')
      expect((await approve(id, 'second-bob')).status).toBe(409)
      expect((await approve(id, 'alice')).body.status).toBe('approved')
    })

    it('approve nothing where it stands among others', async () => {
      const ids = [await asked(shell('git', 'remote')), await asked(critical())]
      const all = await aegis.post('/admin/v1/approvals/approve', { ids, comment: '' }, secretOf('alice'))
      expect(all.status).toBe(403)
      for (const id of ids) expect(await statusOf(id)).toBe('pending')
      const alone = await aegis.post(
        '/admin/v1/approvals/approve',
        { ids: ids.slice(1), comment: '' },
        secretOf('alice'),
      )
      expect(alone.body.results).toMatchObject([{ http_status: 200, status: 'pending' }])
    })
  })
})

const aegisAgent = 'the agent’s'
