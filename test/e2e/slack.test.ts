import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import type { NotificationSettings } from '../../src/notifications/index.ts'
import { governed, REPOSITORY } from '../support/governed.ts'
import { type Installation, type InstallOptions, install } from '../support/installation.ts'
import { CHANNEL, type SlackWorkspace, startSlack } from '../support/slack-api.ts'

const PULL_REQUEST = {
  protocol: 'git',
  tool: 'github.create_pull_request',
  target: 'aegisflow/aegisflow',
  capability: 'write',
  parameters: { title: 'fix: stabilize flaky test', head: 'claude/fix', base: 'main' },
  session: 'sess-2026-04-06-1422',
  agent: 'claude-code',
  justification: 'fixes an intermittent failure',
}
const ALICE = 'U0ALICE'
const BOB = 'U0BOB'
const STRANGER = 'U0STRANGER'
const soon = { timeout: 10_000, interval: 20 }
const POLICY = `version: 1
name: story
default_decision: review
rules:
  - { protocol: git, tool: "github.get_*", decision: allow }
`

describe('the story of a pull request', () => {
  it('runs from -32002 over a press in Slack to the pull request', async () => {
    const slack = await startSlack()
    const folder = mkdtempSync(join(tmpdir(), 'aegis-slack-story-'))
    writeFileSync(join(folder, 'token'), slack.token, { mode: 0o600 })
    writeFileSync(join(folder, 'signing'), slack.signingSecret, { mode: 0o600 })
    const places = { tokenFile: join(folder, 'token'), signingSecretFile: join(folder, 'signing') }
    const site = await governed({
      policy: POLICY,
      install: {
        notifications: { slack: { ...places, channel: CHANNEL, apiUrl: slack.url, reviewers: { [ALICE]: 'alice' } } },
        keys: { alice: { role: 'reviewer', owner: 'alice' } },
      },
    })
    const { aegis } = site
    try {
      await vi.waitFor(async () => {
        expect((await aegis.get('/admin/v1/notifications', aegis.adminKey)).body.delivered_by).not.toBe(null)
      }, soon)
      site.commit('claude/fix', 'main', { 'fix.txt': 'stable' })
      const [owner, repo] = REPOSITORY.split('/')
      const parameters = { owner, repo, title: 'fix: stabilize flaky test', head: 'claude/fix', base: 'main' }
      const asked = await site.call('create_pull_request', parameters)
      expect(asked.body.error).toMatchObject({ code: -32002 })
      await vi.waitFor(() => expect(slack.of('chat.postMessage')).toHaveLength(1), soon)
      const press = slack.press('Approve', ALICE, { ts: '1775485320.000001' })
      const pressed = await fetch(`${aegis.urls.admin}/admin/v1/slack/interactions`, {
        method: 'POST',
        ...slack.signed(press),
      })
      expect(pressed.status).toBe(200)
      const done = await site.call('create_pull_request', parameters)
      expect(done.body).toMatchObject({
        decision: 'allow',
        matched_rule: `approved:${asked.body.envelope_id}`,
        credential: { type: 'github_app_installation', scope: 'pull_requests:write,contents:read' },
        result: { pr_number: expect.any(Number) },
      })
      const { body } = await aegis.post('/admin/v1/evidence/sessions/governed/verify', {}, aegis.adminKey)
      expect(body).toMatchObject({ valid: true })
      const why = await aegis.get(`/admin/v1/actions/${asked.body.envelope_id}/why`, aegis.adminKey)
      expect(why.body.entries).toMatchObject([
        { kind: 'review' },
        { kind: 'approve' },
        { kind: 'allow' },
        { kind: 'result', outcome: { status: 'ok' } },
      ])
    } finally {
      await site.close()
      slack.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }, 60_000)
})

describe('reviewing in Slack', () => {
  let folder: string
  let slack: SlackWorkspace
  let aegis: Installation

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-slack-'))
    slack = await startSlack()
    writeFileSync(join(folder, 'token'), `${slack.token}\n`, { mode: 0o600 })
    writeFileSync(join(folder, 'signing'), `${slack.signingSecret}\n`, { mode: 0o600 })
    await start()
  })
  afterEach(async () => {
    slack.close()
    await aegis.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function settings(): NonNullable<NotificationSettings['slack']> {
    return {
      tokenFile: join(folder, 'token'),
      signingSecretFile: join(folder, 'signing'),
      channel: CHANNEL,
      apiUrl: slack.url,
      reviewers: { [ALICE]: 'alice', [BOB]: 'bob', U0AGENT: 'claude-code', U0VIEWER: 'vera', U0GONE: 'nobody' },
    }
  }

  async function start(more: InstallOptions = {}): Promise<void> {
    aegis = await install({
      notifications: { slack: settings() },
      keys: {
        alice: { role: 'reviewer', owner: 'alice' },
        bob: { role: 'reviewer', owner: 'bob' },
        vera: { role: 'viewer', owner: 'vera' },
      },
      ...more,
    })
    await vi.waitFor(async () => expect((await status()).delivered_by).not.toBe(null), soon)
  }

  const status = async () => (await aegis.get('/admin/v1/notifications', aegis.adminKey)).body
  const approvalOf = async (id: string) => (await aegis.get(`/admin/v1/approvals/${id}`, aegis.adminKey)).body

  async function ask(more: object = {}): Promise<{ id: string; ts: string }> {
    const { body } = await aegis.post('/admin/v1/test-action', { ...PULL_REQUEST, ...more })
    expect(body.error.code).toBe(-32002)
    const id: string = body.envelope_id
    const asked = () => slack.of('chat.postMessage').find((call) => JSON.stringify(call.body.blocks).includes(id))
    await vi.waitFor(() => expect(asked()).toBeDefined(), soon)
    const index = slack.of('chat.postMessage').findIndex(({ body }) => JSON.stringify(body.blocks).includes(id))
    return { id, ts: `1775485320.${String(index + 1).padStart(6, '0')}` }
  }

  async function send(payload: JsonObject, at?: number) {
    return raw(slack.signed(payload, at))
  }

  async function raw({ headers, body }: { headers: Record<string, string>; body: string }) {
    const answer = await fetch(`${aegis.urls.admin}/admin/v1/slack/interactions`, { method: 'POST', headers, body })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }

  const whispers = () => slack.of('chat.postEphemeral').map(({ body }) => body)
  const shown = (ts: string) => JSON.stringify(slack.message(ts))

  it('goes from -32002 to the result, with one press', async () => {
    const { id, ts } = await ask()
    const message = slack.message(ts)
    expect(message).toMatchObject({ channel: CHANNEL, text: 'Approval needed: github.create_pull_request' })
    for (const part of [
      'Open the pull request ',
      'claude-code',
      'aegisflow/aegisflow',
      'fixes an intermittent failure',
      `/admin/v1/approvals/${id}`,
    ])
      expect(JSON.stringify(message.blocks)).toContain(part)
    expect(await send(slack.press('Approve', ALICE, { ts }))).toEqual({ status: 200, body: null })
    expect(await approvalOf(id)).toMatchObject({ status: 'approved', reviewer: 'alice' })
    await vi.waitFor(() => expect(slack.message(ts).text).toBe('Approved: github.create_pull_request'), soon)
    expect(shown(ts)).not.toContain('aegis_approve')

    const { body } = await aegis.post('/admin/v1/test-action', { ...PULL_REQUEST, approval_ref: id, execute: false })
    expect(body).toMatchObject({ decision: 'allow', matched_rule: `approved:${id}` })
    const verified = await aegis.post(`/admin/v1/evidence/sessions/${PULL_REQUEST.session}/verify`, {}, aegis.adminKey)
    expect(verified.body.valid).toBe(true)
    const { entries } = (await aegis.get(`/admin/v1/logs?envelope=${id}`, aegis.adminKey)).body
    const approve = entries.find(({ kind }: { kind: string }) => kind === 'approve')
    expect(approve.reviewer).toMatchObject({ name: 'alice', channel: 'slack', separation: 'host' })
  })

  it('asks why in a form before it denies, and tells the agent', async () => {
    const { id, ts } = await ask()
    await send(slack.press('Deny…', ALICE, { ts }))
    expect(slack.of('views.open')).toHaveLength(1)
    expect((await approvalOf(id)).status).toBe('pending')
    expect(await send(slack.submit('not on a Friday', ALICE))).toEqual({ status: 200, body: null })
    expect(await approvalOf(id)).toMatchObject({ status: 'denied', comment: 'not on a Friday' })
    await vi.waitFor(() => expect(shown(ts)).toContain('not on a Friday'), soon)
    const { body } = await aegis.post('/admin/v1/test-action', PULL_REQUEST)
    expect(body.error).toMatchObject({ code: -32001 })
  })

  it('takes a comment with an approval too', async () => {
    const { id, ts } = await ask()
    await send(slack.press('Approve with a comment…', BOB, { ts }))
    await send(slack.submit('diff looks correct', BOB))
    expect(await approvalOf(id)).toMatchObject({ status: 'approved', reviewer: 'bob', comment: 'diff looks correct' })
  })

  it('updates the message where it was settled by another door', async () => {
    const { id, ts } = await ask()
    await aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'from the shell' }, aegis.adminKey)
    await vi.waitFor(() => expect(shown(ts)).toContain('from the shell'), soon)
  })

  it('shows what it is too late for to the one who pressed, and to nobody else', async () => {
    const { id, ts } = await ask()
    const [press, late, form] = [
      slack.press('Approve', ALICE, { ts }),
      slack.press('Approve', BOB, { ts }),
      slack.press('Deny…', BOB, { ts }),
    ]
    await send(press)
    await send(late)
    await send(form)
    expect(whispers()).toMatchObject([
      { user: BOB, channel: CHANNEL, text: expect.stringContaining(`approval ${id} is already approved`) },
      { user: BOB, text: 'this is already approved' },
    ])
    expect(slack.of('views.open')).toEqual([])
  })

  it('lets one of two who press at once settle it, and tells the other', async () => {
    const { id, ts } = await ask()
    await Promise.all([ALICE, BOB].map((user) => send(slack.press('Approve', user, { ts }))))
    expect((await approvalOf(id)).status).toBe('approved')
    await vi.waitFor(() => expect(whispers()).toHaveLength(1), soon)
    const { entries } = (await aegis.get(`/admin/v1/logs?envelope=${id}&kind=approve`, aegis.adminKey)).body
    expect(entries).toHaveLength(1)
  })

  it('says in the open form that it is too late', async () => {
    const { id, ts } = await ask()
    await send(slack.press('Deny…', ALICE, { ts }))
    await aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: '' }, aegis.adminKey)
    const { body } = await send(slack.submit('no', ALICE))
    expect(body).toMatchObject({
      response_action: 'errors',
      errors: { comment: expect.stringContaining('already approved') },
    })
    expect((await approvalOf(id)).status).toBe('approved')
  })

  it.each([
    ['who is no reviewer here', STRANGER, /not among the reviewers/],
    ['whose key is an agent’s', 'U0AGENT', /no key here that may settle/],
    ['who may only look', 'U0VIEWER', /no key here that may settle/],
    ['whose key is gone', 'U0GONE', /no key here that may settle/],
    ['by a name of the language', '__proto__', /not among the reviewers/],
  ])('refuses a user %s', async (_, user, why) => {
    const { id, ts } = await ask()
    expect((await send(slack.press('Approve', user, { ts }))).status).toBe(200)
    expect((await approvalOf(id)).status).toBe('pending')
    expect(whispers().at(-1)).toMatchObject({ user, text: expect.stringMatching(why) })
    await send(slack.press('Deny…', user, { ts }))
    expect(slack.of('views.open')).toEqual([])
  })

  it('refuses a user whose key was revoked, from that moment on', async () => {
    const { id, ts } = await ask()
    const { keys } = (await aegis.get('/admin/v1/keys', aegis.adminKey)).body
    const key = keys.find(({ name }: { name: string }) => name === 'alice')
    const revoked = await fetch(`${aegis.urls.admin}/admin/v1/keys/${key.id}`, {
      method: 'DELETE',
      headers: { 'x-api-key': aegis.adminKey },
    })
    expect(revoked.status).toBe(200)
    await send(slack.press('Approve', ALICE, { ts }))
    expect((await approvalOf(id)).status).toBe('pending')
  })

  it('takes nothing that Slack did not sign, and nothing twice', async () => {
    const { id, ts } = await ask()
    const press = slack.press('Approve', ALICE, { ts })
    const good = slack.signed(press)
    const forged = [
      { ...good, headers: { ...good.headers, 'x-slack-signature': `v0=${'0'.repeat(64)}` } },
      { ...good, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      { ...good, body: good.body.replace('U0ALICE', 'U0BOB') },
      slack.signed(press, Date.now() - 301_000),
      slack.signed(press, Date.now() + 301_000),
    ]
    for (const request of forged) expect((await raw(request)).status).toBe(401)
    expect((await approvalOf(id)).status).toBe('pending')
    expect((await raw(good)).status).toBe(200)
    expect((await raw(good)).status).toBe(401)
  })

  it('takes no button that is not under the message it asked with', async () => {
    const { id, ts } = await ask()
    const other = await ask({ parameters: { ...PULL_REQUEST.parameters, title: 'another' } })
    const press = slack.press('Approve', ALICE, { ts })
    const container = { type: 'message', message_ts: other.ts, channel_id: CHANNEL }
    await send({ ...press, container })
    await send({ ...press, channel: { id: 'C0OTHER' } })
    await send({ ...press, container: {} })
    expect((await approvalOf(id)).status).toBe('pending')
    expect(whispers().map(({ text }) => text)).toEqual(
      Array.from({ length: 3 }, () => 'this is not the message that Aegis asked with: settle it on its page'),
    )
  })

  it('takes no form that it did not open itself, for this user and this verb', async () => {
    const { id, ts } = await ask()
    await send(slack.press('Deny…', ALICE, { ts }))
    const opened = slack.of('views.open').at(-1)?.body.view
    const told = JSON.parse(opened.private_metadata)
    const form = slack.submit('lunch at noon', ALICE)
    const forms = [
      // Who else has the bot's token shows a form of their own, whose answer comes here.
      { ...told, seal: undefined },
      { ...told, seal: 'x'.repeat(43) },
      { ...told, verb: 'approve' },
    ].map((metadata) => ({
      ...form,
      view: { ...(form['view'] as object), private_metadata: JSON.stringify(metadata) },
    }))
    for (const one of [...forms, slack.submit('lunch at noon', BOB)]) expect((await send(one)).body).toBe(null)
    expect((await approvalOf(id)).status).toBe('pending')
    await send(form)
    expect((await approvalOf(id)).status).toBe('denied')
  })

  it('says that the form could not be opened where Slack refuses to', async () => {
    const { id, ts } = await ask()
    const press = slack.press('Deny…', ALICE, { ts })
    slack.refuse = 'trigger_expired'
    expect((await send(press)).status).toBe(200)
    expect(whispers()).toMatchObject([{ user: ALICE, text: 'the form could not be opened: press again' }])
    slack.refuse = null
    expect((await approvalOf(id)).status).toBe('pending')
  })

  it.each<[string, JsonObject]>([
    ['of another kind', { type: 'shortcut', user: { id: ALICE } }],
    ['without anything', {}],
    ['without actions', { type: 'block_actions', user: { id: ALICE } }],
    [
      'about no approval',
      { type: 'block_actions', user: { id: ALICE }, actions: [{ action_id: 'aegis_approve', value: 'x' }] },
    ],
    ['of another form', { type: 'view_submission', user: { id: ALICE }, view: { callback_id: 'other' } }],
    [
      'of a broken form',
      {
        type: 'view_submission',
        user: { id: ALICE },
        view: { callback_id: 'aegis_resolution', private_metadata: '{' },
      },
    ],
  ])('answers a signed payload %s and does nothing', async (_, payload) => {
    expect(await send(payload)).toEqual({ status: 200, body: null })
    expect(slack.calls).toEqual([])
  })

  it('shows what agents write as text that is looked into for nothing', async () => {
    const hostile = '<!channel> <https://evil.example|click> *bold* `code` :tada: @here \u202egnp.exe\u200b'
    const { ts } = await ask({
      agent: 'claude <!here>',
      parameters: { ...PULL_REQUEST.parameters, title: hostile },
      justification: hostile,
    })
    const message = slack.message(ts)
    expect(message.text).toBe('Approval needed: github.create_pull_request')
    expect(message).toMatchObject({ mrkdwn: false, link_names: false, parse: 'none', unfurl_links: false })
    const texts: { type: string; text: string; style?: { code?: boolean } }[] = []
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      if ('text' in value && typeof value.text === 'string') texts.push(value as (typeof texts)[number])
      for (const inner of Object.values(value)) walk(inner)
    }
    walk(message.blocks)
    expect(texts.some(({ type }) => type === 'mrkdwn' || type === 'markdown')).toBe(false)
    const theirs = texts.filter(({ text }) => /evil|channel|here/.test(text))
    expect(theirs.length).toBeGreaterThan(0)
    for (const text of theirs) expect(text).toMatchObject({ type: 'text', style: { code: true } })
    expect(JSON.stringify(message)).toContain('<U+202E>gnp.exe<U+200B>')
    expect(JSON.stringify(message)).not.toMatch(/[\u202e\u200b]/)
  })

  it('posts later where Slack is down, and once it is settled there is nothing to ask', async () => {
    slack.refuse = 'internal_error'
    const { body } = await aegis.post('/admin/v1/test-action', PULL_REQUEST)
    await vi.waitFor(() => expect(slack.of('chat.postMessage').length).toBeGreaterThan(0), soon)
    slack.refuse = null
    await vi.waitFor(() => expect(slack.message('1775485320.000001')).toBeDefined(), soon)
    expect(shown('1775485320.000001')).toContain(body.envelope_id)
  })

  it('reminds in the thread before the time is over, and says there that it is', async () => {
    const file = join(folder, 'hasty.yaml')
    writeFileSync(
      file,
      'version: 1\nname: hasty\ndefault_decision: review\nrules:\n  - { protocol: git, tool: "github.*", decision: review, approval: { ttl: 3s } }\n',
    )
    await aegis.close()
    await start({ policies: [file] })
    const { ts } = await ask()
    const replies = () => slack.of('chat.postMessage').filter(({ body }) => body.thread_ts === ts)
    await vi.waitFor(() => expect(replies()).toHaveLength(2), { ...soon, timeout: 20_000 })
    expect(replies().map(({ body }) => body.text)).toEqual([
      'Reminder: github.create_pull_request',
      'Expired: github.create_pull_request',
    ])
    expect(slack.message(ts).text).toBe('Expired: github.create_pull_request')
  }, 30_000)

  it('never shows its token or its secret', async () => {
    slack.refuse = 'invalid_auth'
    await aegis.post('/admin/v1/test-action', PULL_REQUEST)
    await vi.waitFor(async () => expect((await status()).endpoints[0].last_error).not.toBe(null), soon)
    const told = JSON.stringify(await status())
    expect(told).toContain('Slack refused chat.postMessage: invalid_auth')
    expect(told).not.toMatch(/xoxb|8f742231/)
    slack.refuse = null
  })
})
