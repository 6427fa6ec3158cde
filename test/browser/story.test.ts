import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FIX_BRANCH } from '../../starter-kit/forge/index.ts'
import { hasBrowser, launch, person, picture } from '../support/browser.ts'
import { type Governed, governed } from '../support/governed.ts'
import { secretOf } from '../support/installation.ts'

const POLICY = `
version: 1
name: pr-writer
default_decision: review
rules:
  - { protocol: git, tool: "github.get_*", decision: allow }
  - { protocol: shell, tool: shell.rm, decision: block, reason: destructive shell command, suggested_alternative: use git clean -fdx via shell.git }
  - { protocol: git, tool: github.create_pull_request, decision: review, approval: { ttl: 30m, reviewers: 1 } }
`

describe.skipIf(!hasBrowser())('the story of a reviewed pull request, at a browser', () => {
  let browser: Browser
  let house: Governed

  beforeAll(async () => {
    browser = await launch()
    house = await governed({ policy: POLICY, install: { keys: { alice: { role: 'reviewer', owner: 'alice' } } } })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await house?.close()
  })

  it('goes from -32002 to the pull request and to verified evidence', async () => {
    const alice = await person(browser, house.aegis.urls.admin, secretOf('alice'))
    const { page } = alice
    await page.goto('/approvals')
    await expect.poll(() => page.locator('#stream').innerText()).toBe('live')

    const rm = await house.aegis.post('/admin/v1/test-action', {
      ...{ protocol: 'shell', tool: 'shell.rm', target: '/workspace', session: 'governed' },
    })
    expect(rm.body.error.code).toBe(-32001)
    const wanted = {
      title: 'fix: stabilize flaky TestEvidenceChain_Concurrent',
      ...{ head: FIX_BRANCH, base: 'main', body: 'The map was read without the lock.' },
    }
    const why = 'fixes an intermittent failure caused by unsynchronized map access'
    const parked = await house.call('create_pull_request', wanted, { justification: why })
    expect(parked.body.error.code).toBe(-32002)
    const id = parked.body.envelope_id

    // It comes by itself; nobody loads the page again.
    await page.locator(`.queue a[href="/approvals/${id}"]`).click()
    await expect.poll(() => page.locator('#detail').getAttribute('data-approval')).toBe(id)
    const shown = await page.locator('#detail').innerText()
    for (const text of [wanted.title, FIX_BRANCH, 'The map was read', why, 'Run rm /workspace'])
      expect(shown).toContain(text)
    await picture(page, 'story-approval', false)
    await page.keyboard.press('c')
    await page.keyboard.type('diff looks correct, scoped to the test file')
    await page.keyboard.press('Escape')
    await page.keyboard.press('a')
    const dialog = page.getByRole('dialog')
    if (await page.locator('#decide[data-risky=yes]').count())
      await dialog.getByRole('button', { name: 'Approve' }).click()
    await expect.poll(() => page.locator('#notice').innerText()).toContain('Approved')

    const done = await house.call('create_pull_request', wanted, { approval_ref: id, justification: why })
    expect(done.body).toMatchObject({
      decision: 'allow',
      matched_rule: `approved:${id}`,
      result: { pr_number: expect.any(Number) },
    })
    expect(done.body.credential).toMatchObject({ expires_in: 600 })

    await page.goto('/sessions')
    await page.getByRole('link', { name: 'governed' }).click()
    await page.getByRole('button', { name: 'Verify' }).click()
    const verdict = await page.locator('#verdict').innerText()
    expect(verdict).toContain('Valid: 5 entries')
    const entries = await page.locator('#list').innerText()
    expect(entries).toContain(`pr/${done.body.result.pr_number}`)
    expect(entries).toContain('diff looks correct, scoped to the test file')
    await picture(page, 'story-evidence')
    expect(alice.faults).toEqual([])
  }, 90_000)
})
