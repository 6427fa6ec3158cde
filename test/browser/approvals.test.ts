import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasBrowser, launch, type Person, person } from '../support/browser.ts'
import { type Installation, install, secretOf } from '../support/installation.ts'

describe.skipIf(!hasBrowser())('a reviewer at a browser', () => {
  let browser: Browser
  let aegis: Installation
  const people: Person[] = []

  beforeAll(async () => {
    browser = await launch()
    aegis = await install({
      keys: {
        bob: { role: 'reviewer', owner: 'bob' },
        carol: { role: 'reviewer', owner: 'carol' },
        vera: { role: 'viewer', owner: 'vera' },
        twin: { role: 'reviewer', owner: 'agent:claude' },
        leaver: { role: 'reviewer', owner: 'leaver' },
      },
    })
  })
  afterAll(async () => {
    await browser?.close()
    await aegis?.close()
  })
  beforeEach(async () => {
    for (const one of people.splice(0)) await one.close()
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    for (const { envelope_id } of body.pending) await settle(envelope_id, 'deny', aegis.adminKey)
  })

  const come = async (name: string, options: BrowserContextOptions = {}) => {
    const one = await person(browser, aegis.urls.admin, secretOf(name), options)
    people.push(one)
    return one
  }
  const settle = (id: string, verb: string, key: string) =>
    aegis.post(`/admin/v1/approvals/${id}/${verb}`, { comment: 'from elsewhere' }, key)
  const status = async (id: string) => (await aegis.get(`/admin/v1/approvals/${id}`, aegis.adminKey)).body

  /** A harmless act that waits, and one that could do much harm. */
  const askHarmless = async (target: string) => askFor({ protocol: 'mcp', tool: 'wiki.edit', target })
  const askRisky = async (pull: number) =>
    askFor({
      ...{ protocol: 'git', tool: 'github.merge_pull_request', target: 'aegisflow/aegisflow' },
      parameters: { pull_number: pull },
    })
  async function askFor(action: object): Promise<string> {
    const { body } = await aegis.post('/admin/v1/test-action', { ...action, session: 'browser' })
    expect(body.decision).toBe('review')
    return body.envelope_id
  }
  const said = (page: Page) => page.locator('#notice').innerText()

  it('approves with one press what is harmless, and goes on to the next', async () => {
    const first = await askHarmless('page-1')
    const second = await askHarmless('page-2')
    const { page, faults } = await come('bob')
    await page.goto('/approvals')
    await expect.poll(() => page.locator('#detail').getAttribute('data-approval')).toBe(first)
    await page.keyboard.press('a')
    await expect.poll(() => said(page)).toContain('Approved: Call wiki.edit on page-1')
    await expect.poll(() => page.locator('#detail').getAttribute('data-approval')).toBe(second)
    expect(await status(first)).toMatchObject({ status: 'approved', reviewer: 'bob' })
    expect(await status(second)).toMatchObject({ status: 'pending' })
    expect(faults).toEqual([])
  })

  it('takes no second press for a word about the next one, which nobody can have seen', async () => {
    const first = await askHarmless('page-twice-1')
    const second = await askHarmless('page-twice-2')
    const { page } = await come('bob')
    await page.goto('/approvals')
    await page.keyboard.press('a')
    await expect.poll(() => page.locator('#detail').getAttribute('data-approval'), { interval: 5 }).toBe(second)
    await page.keyboard.press('a')
    await page.locator('#decide button.approve').click()
    await expect.poll(() => page.locator('#news').innerText()).toContain('just come up')
    expect([(await status(first)).status, (await status(second)).status]).toEqual(['approved', 'pending'])
    await page.waitForTimeout(800)
    await page.keyboard.press('a')
    await expect.poll(async () => (await status(second)).status).toBe('approved')
  })

  it('records that it came by the dashboard', async () => {
    const id = await askHarmless('page-by-dashboard')
    const { page } = await come('bob')
    await page.goto(`/approvals/${id}`)
    await page.keyboard.press('a')
    await expect.poll(async () => (await status(id)).status).toBe('approved')
    const { body } = await aegis.get(`/admin/v1/audit?envelope=${id}&kind=approve`, aegis.adminKey)
    expect(body.entries[0].reviewer).toMatchObject({ channel: 'dashboard', separation: 'none', name: 'bob' })
  })

  it('asks once more before what could do much harm', async () => {
    const id = await askRisky(7)
    const { page, faults } = await come('bob')
    await page.goto('/approvals')
    await page.keyboard.press('a')
    const dialog = page.getByRole('dialog')
    await expect.poll(() => dialog.innerText()).toContain('Merge pull request #7')
    await page.keyboard.press('Escape')
    expect((await status(id)).status).toBe('pending')
    await page.keyboard.press('a')
    await dialog.waitFor()
    await page.keyboard.press('Enter')
    await expect.poll(async () => (await status(id)).status).toBe('approved')
    expect(faults).toEqual([])
  })

  it('denies with a comment that the agent is told', async () => {
    const id = await askHarmless('page-3')
    const { page } = await come('bob')
    await page.goto('/approvals')
    await page.keyboard.press('c')
    await page.keyboard.type('not like this: add a test')
    await page.keyboard.press('Escape')
    await page.keyboard.press('d')
    await expect.poll(() => said(page)).toContain('Denied')
    expect(await status(id)).toMatchObject({ status: 'denied', comment: 'not like this: add a test', reviewer: 'bob' })
  })

  it('says by whom the last one was denied, and makes up nothing where the arguments are gone', async () => {
    const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'aegisflow/aegisflow' }
    const id = await askFor({ ...action, parameters: { title: 'fix', head: 'claude/fix', base: 'main' } })
    const { page } = await come('bob')
    await page.goto('/approvals')
    await page.fill('#comment', 'not on this branch')
    await page.locator('#decide button.deny').click()
    await expect.poll(() => page.locator('#votes').innerText()).toMatch(/bob denied it.*not on this branch/s)
    expect((await status(id)).parameters).toBe(null)
    expect(await page.locator('#what').innerText()).toBe('Call github.create_pull_request on aegisflow/aegisflow')
    expect(await page.locator('#detail').innerText()).toMatch(
      /What was asked\s+The arguments are not kept here any more/,
    )
    await page.getByRole('link', { name: 'the evidence', exact: true }).click()
    await expect.poll(() => page.locator('main').innerText()).toContain('claude/fix')
  })

  it('moves with j and k, and never acts on letters that are typed into a field', async () => {
    const ids = [await askHarmless('page-4'), await askHarmless('page-5')]
    const { page } = await come('bob')
    await page.goto('/approvals')
    const opened = () => page.locator('#detail').getAttribute('data-approval')
    await page.keyboard.press('j')
    await expect.poll(opened).toBe(ids[1])
    await page.keyboard.press('k')
    await expect.poll(opened).toBe(ids[0])
    await page.fill('#comment', '')
    await page.keyboard.type('add jkd?')
    expect(await page.inputValue('#comment')).toBe('add jkd?')
    expect(await Promise.all(ids.map(async (id) => (await status(id)).status))).toEqual(['pending', 'pending'])
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    expect(await page.getByRole('dialog').innerText()).toContain('approve the one that is open')
  })

  it('decides about nothing that is not on the screen', async () => {
    const id = await askHarmless('page-narrow')
    const { page, faults } = await come('bob', { viewport: { width: 500, height: 800 } })
    await page.goto('/approvals')
    await page.keyboard.press('a')
    await page.keyboard.press('d')
    await page.keyboard.press('c')
    await page.keyboard.press('j')
    await page.waitForURL(`**/approvals/${id}`)
    expect((await status(id)).status).toBe('pending')
    await page.keyboard.press('a')
    await expect.poll(async () => (await status(id)).status).toBe('approved')
    expect(faults).toEqual([])
  })

  it('shows a new approval by itself, and what was settled elsewhere goes', async () => {
    const { page, faults } = await come('vera')
    await page.goto('/approvals')
    await expect.poll(() => page.locator('#stream').innerText()).toBe('live')
    await page.evaluate(`void (window.arrived = new Promise((resolve) => new MutationObserver((_, all) => {
      if (document.querySelector('#queue').textContent.includes('page-6')) resolve(Date.now())
    }).observe(document.body, { subtree: true, childList: true })))`)
    const before = Date.now()
    const id = await askHarmless('page-6')
    const answered = Date.now()
    const arrived = Number(await page.evaluate('window.arrived'))
    console.log(
      `an approval is on an open page ${arrived - before} ms after the agent asked, ${arrived - answered} ms after it was told to wait`,
    )
    expect(await page.locator('#news').innerText()).toContain('New approval')
    expect(await page.locator('#pending').innerText()).toContain('1')
    await settle(id, 'approve', aegis.adminKey)
    await expect.poll(() => page.locator('#queue').innerText()).toContain('Nothing waits')
    expect(faults).toEqual([])
  })

  it('says so when somebody else was faster, and keeps what was written', async () => {
    const id = await askHarmless('page-7')
    const { page } = await come('bob')
    await page.goto(`/approvals/${id}`)
    await page.fill('#comment', 'I was about to say')
    await settle(id, 'deny', aegis.adminKey)
    await expect.poll(() => page.locator('#settled').innerText()).toContain('settled elsewhere: it is denied')
    expect(await page.inputValue('#comment')).toBe('I was about to say')
    expect(await page.locator('#decide button.approve').isDisabled()).toBe(true)
  })

  it('refuses a page that did not notice, with the comment in it', async () => {
    const id = await askHarmless('page-8')
    const { page } = await come('bob')
    await page.route('**/live', (route) => route.abort())
    await page.goto(`/approvals/${id}`)
    await page.fill('#comment', 'too late')
    await settle(id, 'deny', aegis.adminKey)
    await page.click('#decide button.approve')
    await expect.poll(() => said(page)).toContain('Not recorded')
    expect(await said(page)).toContain('too late')
    expect((await status(id)).status).toBe('denied')
  })

  it('lets one of two reviewers win, and tells the other', async () => {
    const id = await askHarmless('page-9')
    const both = [await come('bob'), await come('carol')]
    for (const { page } of both) {
      await page.route('**/live', (route) => route.abort())
      await page.goto(`/approvals/${id}`)
    }
    await Promise.all(both.map(({ page }) => page.keyboard.press('a')))
    await expect
      .poll(async () => (await Promise.all(both.map(({ page }) => said(page)))).every((text) => text !== ''))
      .toBe(true)
    const words = (await Promise.all(both.map(({ page }) => said(page)))).map((text) => text.split(/[:.]/)[0]).sort()
    expect(words).toEqual(['Approved', 'Not recorded'])
    const { body } = await aegis.get(`/admin/v1/audit?envelope=${id}&kind=approve`, aegis.adminKey)
    expect(body.entries).toHaveLength(1)
  })

  it('does not lose a comment when the login ends in the middle', async () => {
    const id = await askHarmless('page-10')
    const { page, context } = await come('bob')
    await page.goto(`/approvals/${id}`)
    await page.fill('#comment', 'a long thought')
    await context.clearCookies()
    await page.click('#decide button.approve')
    await expect.poll(() => said(page)).toContain('Your login has ended')
    expect(await page.inputValue('#comment')).toBe('a long thought')
    expect((await status(id)).status).toBe('pending')
    await page.click('#notice a')
    await page.fill('#key', secretOf('bob'))
    await page.click('form button')
    await page.waitForURL(`**/approvals/${id}`)
    expect(await page.inputValue('#comment')).toBe('a long thought')
  })

  it('ends an open page within two seconds of the key', async () => {
    const { page } = await come('leaver')
    await page.goto('/approvals')
    await expect.poll(() => page.locator('#stream').innerText()).toBe('live')
    const { body } = await aegis.get('/admin/v1/keys', aegis.adminKey)
    const { id } = body.keys.find(({ name }: { name: string }) => name === 'leaver')
    const gone = await fetch(`${aegis.urls.admin}/admin/v1/keys/${id}`, {
      ...{ method: 'DELETE', headers: { 'x-api-key': aegis.adminKey } },
    })
    expect(gone.status).toBe(200)
    await expect.poll(() => said(page), { timeout: 5000 }).toContain('Your login has ended')
    await page.goto('/approvals')
    expect(new URL(page.url()).pathname).toBe('/login')
  })

  it('refuses who may not decide: a viewer sees no buttons, the self of the agent is told why', async () => {
    const id = await askHarmless('page-11')
    const vera = await come('vera')
    await vera.page.goto(`/approvals/${id}`)
    expect(await vera.page.locator('#decide').count()).toBe(0)
    await vera.page.keyboard.press('a')
    const twin = await come('twin')
    await twin.page.goto(`/approvals/${id}`)
    await twin.page.keyboard.press('a')
    await expect.poll(() => said(twin.page)).toContain('Not recorded')
    expect((await status(id)).status).toBe('pending')
  })

  it('refreshes every 30 seconds where the stream is down, and says so', async () => {
    const { page, context } = await come('vera')
    await context.clock.install()
    await page.route('**/live', (route) => route.abort())
    await page.goto('/approvals')
    await expect.poll(() => page.locator('#stream').innerText()).toBe('refreshes every 30 s')
    await askHarmless('page-12')
    expect(await page.locator('#queue').innerText()).not.toContain('page-12')
    await context.clock.fastForward(31_000)
    await expect.poll(() => page.locator('#queue').innerText()).toContain('page-12')
  })

  describe('without the script', () => {
    const plain = { javaScriptEnabled: false }

    it('approves and denies by forms', async () => {
      const [one, other] = [await askHarmless('page-13'), await askHarmless('page-14')]
      const { page } = await come('bob', plain)
      await page.goto('/approvals')
      await page.click('.queue a >> nth=0')
      await page.fill('#comment', 'fine')
      await page.click('button.approve')
      expect(await said(page)).toContain('Recorded: approved')
      await page.goto(`/approvals/${other}`)
      await page.click('button.deny')
      expect(await said(page)).toContain('Recorded: denied')
      expect(await status(one)).toMatchObject({ status: 'approved', comment: 'fine' })
      expect(await status(other)).toMatchObject({ status: 'denied' })
    })

    it('has what could do much harm confirmed', async () => {
      const id = await askRisky(8)
      const { page } = await come('bob', plain)
      await page.goto(`/approvals/${id}`)
      await page.fill('#comment', 'quickly')
      await page.click('button.approve')
      expect(await said(page)).toContain('say that you have read what will run')
      expect(await page.inputValue('#comment')).toBe('quickly')
      await page.check('[name=sure]')
      await page.click('button.approve')
      expect(await status(id)).toMatchObject({ status: 'approved', comment: 'quickly' })
    })

    it('gives back what was written where the login has ended', async () => {
      const id = await askHarmless('page-15')
      const { page, context } = await come('bob', plain)
      await page.goto(`/approvals/${id}`)
      await page.fill('#comment', 'do not lose me')
      await context.clearCookies()
      await page.click('button.approve')
      expect(await page.locator('main').innerText()).toContain('Nothing was recorded')
      expect(await page.inputValue('#comment')).toBe('do not lose me')
      expect((await status(id)).status).toBe('pending')
    })
  })
})
