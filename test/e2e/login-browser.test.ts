import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import axe from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_LOGIN } from '../../src/identity/index.ts'
import { hasBrowser, launch, logIn, picture } from '../support/browser.ts'
import { type Installation, install, secretOf } from '../support/installation.ts'
import { type OpenidProvider, startOpenid } from '../support/openid.ts'

/** What SameSite, Fetch Metadata and Origin are in a real browser; the tables are in `login.test.ts`. */
describe.skipIf(!hasBrowser())('logging in with a browser', () => {
  let browser: Browser
  let provider: OpenidProvider
  let aegis: Installation
  let evil: Server
  let evilPage = ''
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    browser = await launch()
    // Another site than 127.0.0.1, as providers are.
    provider = await startOpenid('localhost')
    provider.world.isPublicClient = true
    aegis = await install({
      auth: { login: { ...DEFAULT_LOGIN, provider: provider.settings } },
      keys: { bob: { role: 'reviewer', owner: 'bob' } },
    })
    evil = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(evilPage)
    })
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    evil?.close()
    await aegis?.close()
    await provider?.close()
    await browser?.close()
  })
  beforeEach(async () => {
    context = await browser.newContext({ baseURL: aegis.urls.admin })
    page = await context.newPage()
  })
  afterEach(() => context.close())

  const evilUrl = (host: string): string => `http://${host}:${(evil.address() as AddressInfo).port}/`
  const whoAmI = async () => {
    const answer = await page.goto('/admin/v1/whoami')
    return answer?.status() === 200 ? ((await answer.json()) as Record<string, unknown>) : null
  }

  it('ends at the page that was asked for, though the provider is another site', async () => {
    await page.goto('/approvals?status=pending')
    await page.getByRole('link', { name: 'Log in with Example' }).click()
    await page.waitForURL((url) => url.pathname === '/approvals')
    expect(page.url()).toBe(`${aegis.urls.admin}/approvals?status=pending`)
    expect(await whoAmI()).toMatchObject({ name: 'Alice', role: 'reviewer', via: 'session' })
    expect(await page.evaluate('document.cookie')).toBe('')
  })

  it('begins at the address that the provider sends back to, for who typed another name of this machine', async () => {
    await page.goto(`${aegis.urls.admin.replace('127.0.0.1', 'localhost')}/approvals`)
    await page.getByRole('link', { name: 'Log in with Example' }).click()
    await page.waitForURL(`${aegis.urls.admin}/approvals`)
    expect(await whoAmI()).toMatchObject({ name: 'Alice', via: 'session' })
  })

  it('is over after logging out, also for the page behind', async () => {
    await logIn(page, secretOf('bob'))
    await page.goto('/')
    await page.locator('form[action="/logout"] button').first().click()
    await page.waitForURL((url) => url.pathname === '/login')
    await page.goBack()
    await page.waitForURL((url) => url.pathname === '/login')
    expect(await whoAmI()).toBeNull()
  })

  it('still counts for who follows a link from another site', async () => {
    await logIn(page, secretOf('bob'))
    evilPage = `<a href="${aegis.urls.admin}/approvals">look</a>`
    await page.goto(evilUrl('localhost'))
    await page.getByRole('link', { name: 'look' }).click()
    await page.waitForURL((url) => url.pathname === '/approvals')
  })

  it.each(['localhost', '127.0.0.1'])('cannot be done, undone or used by a page at another port (%s)', async (host) => {
    await logIn(page, secretOf('bob'))
    const forms = ['/login', '/logout', '/approvals/0197a000-0000-7000-8000-000000000000/approve']
    for (const path of forms) {
      evilPage = `<form method="post" action="${aegis.urls.admin}${path}"><input name="key" value="${secretOf('bob')}"><button>go</button></form>`
      await page.goto(evilUrl(host))
      const answered = page.waitForResponse((response) => response.request().method() === 'POST')
      await page.getByRole('button', { name: 'go' }).click()
      expect([401, 403]).toContain((await answered).status())
    }
    evilPage = `<iframe src="${aegis.urls.admin}/"></iframe><script>
      fetch('${aegis.urls.admin}/admin/v1/whoami', { credentials: 'include', mode: 'no-cors' })</script>`
    const asked = page.waitForResponse((response) => response.url().endsWith('/whoami'))
    await page.goto(evilUrl(host))
    expect([401, 403]).toContain((await asked).status())
    expect(await whoAmI()).toMatchObject({ name: 'bob' })
  })

  it.each([
    { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
    { name: 'dark-narrow', colorScheme: 'dark', viewport: { width: 360, height: 740 } },
  ] as const)('is a page that everybody can use: $name', async ({ name, ...how }) => {
    const own = await browser.newContext({ baseURL: aegis.urls.admin, ...how })
    const shown = await own.newPage()
    await shown.goto('/login')
    await picture(shown, `login-${name}`)
    await shown.evaluate(axe.source)
    const { violations } = await shown.evaluate<{ violations: { id: string }[] }>('axe.run()')
    expect(violations.map(({ id }) => id)).toEqual([])
    expect(await shown.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    await own.close()
  })
})
