import { afterEach, describe, expect, it, vi } from 'vitest'
import type { GithubMode } from '../../src/notifications/settings.ts'
import { openStores } from '../../src/store/open.ts'
import { type Governed, governed, REPOSITORY } from '../support/governed.ts'

const soon = { timeout: 15_000, interval: 50 }
const [owner, repo] = REPOSITORY.split('/')
const MERGE_REVIEWED = `version: 1
name: told
default_decision: review
rules:
  - { protocol: git, tool: "github.get_*", decision: allow }
  - { protocol: git, tool: github.create_pull_request, decision: allow }
  - { protocol: git, tool: github.push_files, decision: allow }
`

describe('a pull request is told of the approvals that concern it', () => {
  let site: Governed
  afterEach(() => site.close())

  async function start(github: GithubMode, policy = MERGE_REVIEWED, grants: Record<string, 'read' | 'write'> = {}) {
    const all = {
      checks: 'read',
      contents: 'write',
      issues: 'write',
      metadata: 'read',
      pull_requests: 'write',
      statuses: 'write',
    } as const
    site = await governed({
      policy,
      grants: { ...all, ...grants },
      install: { notifications: { github }, keys: { alice: { role: 'reviewer', owner: 'alice' } } },
    })
    await vi.waitFor(async () => expect((await status()).delivered_by).not.toBe(null), soon)
  }

  const status = async () => (await site.aegis.get('/admin/v1/notifications', site.aegis.adminKey)).body

  async function openPull(): Promise<number> {
    site.commit('feat/told', 'main', { 'told.txt': 'once' })
    const { body } = await site.call('create_pull_request', {
      owner,
      repo,
      title: 'told',
      head: 'feat/told',
      base: 'main',
    })
    expect(body.decision).toBe('allow')
    return body.result.pr_number
  }

  const merge = async (pull: number): Promise<string> => {
    const { body } = await site.call('merge_pull_request', { owner, repo, pull_number: pull })
    expect(body.decision).toBe('review')
    return body.envelope_id
  }

  const comments = async (pull: number): Promise<{ id: number; body: string; user: { login: string } }[]> =>
    (await site.rest('GET', `/repos/${REPOSITORY}/issues/${pull}/comments`)).body

  const settled = () =>
    vi.waitFor(async () => expect((await status()).endpoints[0]).toMatchObject({ waiting: 0 }), soon)

  it('by one comment of the App, edited in place', async () => {
    await start('comment')
    const pull = await openPull()
    const first = await merge(pull)
    await vi.waitFor(async () => expect(await comments(pull)).toHaveLength(1), soon)
    const [asked] = await comments(pull)
    expect(asked?.body).toContain('asks for `github.merge_pull_request`: **waits for a reviewer**')
    expect(asked?.user.login).toMatch(/\[bot\]$/)
    await site.aegis.post(`/admin/v1/approvals/${first}/deny`, { comment: 'a secret reason' }, site.aegis.adminKey)
    await vi.waitFor(async () => expect((await comments(pull))[0]?.body).toContain('**denied** by `admin`'), soon)
    const after = await comments(pull)
    expect(after).toHaveLength(1)
    expect(after[0]).toMatchObject({ id: asked?.id })
    expect(after[0]?.body).not.toContain('secret')
  }, 60_000)

  it('and is told anew where somebody has deleted the comment', async () => {
    await start('comment')
    const pull = await openPull()
    const id = await merge(pull)
    await vi.waitFor(async () => expect(await comments(pull)).toHaveLength(1), soon)
    const [first] = await comments(pull)
    await site.rest('DELETE', `/repos/${REPOSITORY}/issues/comments/${first?.id}`)
    await site.approve(id)
    await vi.waitFor(async () => expect((await comments(pull))[0]?.body).toContain('**approved** by `admin`'), soon)
  }, 60_000)

  /** As if the gateway had died between writing the comment and keeping its number. */
  async function forgetComment(pull: number, approval: string): Promise<void> {
    await site.aegis.stop()
    const stores = await openStores(site.aegis.config.store)
    const record = JSON.stringify({ approvals: [approval], upstream: 'github' })
    await stores.notifications.refer('github', `${REPOSITORY}#${pull}`, record, Date.now())
    await stores.close()
    await site.aegis.restart()
  }

  it('by the comment that is there already, where its number was lost', async () => {
    await start('comment')
    const pull = await openPull()
    const id = await merge(pull)
    await vi.waitFor(async () => expect(await comments(pull)).toHaveLength(1), soon)
    await settled()
    await forgetComment(pull, id)
    await site.approve(id)
    await vi.waitFor(async () => expect((await comments(pull))[0]?.body).toContain('**approved** by `admin`'), soon)
    expect(await comments(pull)).toHaveLength(1)
  }, 60_000)

  it('never by editing a comment that only looks like ours', async () => {
    await start('comment')
    const pull = await openPull()
    const id = await merge(pull)
    await vi.waitFor(async () => expect(await comments(pull)).toHaveLength(1), soon)
    const [ours] = await comments(pull)
    const copied = await site.rest('POST', `/repos/${REPOSITORY}/issues/${pull}/comments`, { body: ours?.body })
    await site.rest('DELETE', `/repos/${REPOSITORY}/issues/comments/${ours?.id}`)
    await forgetComment(pull, id)
    await site.approve(id)
    await vi.waitFor(async () => expect(await comments(pull)).toHaveLength(2), soon)
    const left = await comments(pull)
    expect(left.find((one) => one.id === copied.body.id)?.body).toBe(ours?.body)
  }, 60_000)

  it('by a check of the commit that is to be merged', async () => {
    await start('check', MERGE_REVIEWED, { checks: 'write' })
    const pull = await openPull()
    const id = await merge(pull)
    const head = site.git('rev-parse', 'refs/heads/feat/told').trim()
    const runs = async () => (await site.rest('GET', `/repos/${REPOSITORY}/commits/${head}/check-runs`)).body.check_runs
    await vi.waitFor(async () => {
      expect(await runs()).toMatchObject([{ name: 'aegis: github.merge_pull_request', status: 'queued' }])
    }, soon)
    await site.approve(id)
    await vi.waitFor(async () => {
      expect(await runs()).toMatchObject([{ status: 'completed', conclusion: 'success' }])
    }, soon)
  }, 60_000)

  it('and shows what is missing where the App may not write', async () => {
    await start('check')
    const pull = await openPull()
    await merge(pull)
    await vi.waitFor(async () => expect((await status()).endpoints[0].last_error).not.toBe(null), soon)
    expect((await status()).endpoints[0]).toMatchObject({ name: 'github', waiting: 1 })
  }, 60_000)

  it('that it stands for a direct write', async () => {
    await start(
      'comment',
      `version: 1\nname: open\ndefault_decision: allow\nrules:\n  - { protocol: git, tool: "github.get_*", decision: allow }\nguards:\n  protected_branches: { branches: [main], decision: rewrite }\n`,
    )
    const { body } = await site.call('push_files', {
      ...{ owner, repo, branch: 'main', message: 'straight to main' },
      files: [{ path: 'direct.txt', content: 'x' }],
    })
    expect(body.decision).toBe('rewrite')
    const pull: number = body.result.pull_request.number
    await vi.waitFor(async () => expect(await comments(pull)).toHaveLength(1), soon)
    expect((await comments(pull))[0]?.body).toContain(
      'asked for `github.push_files`; policy had it become this pull request',
    )
  }, 60_000)
})
