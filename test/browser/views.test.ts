import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workOfAnHour } from '../support/activity.ts'
import { hasBrowser, launch, person, picture } from '../support/browser.ts'
import { type Installation, install } from '../support/installation.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** WCAG 2.2 AA, and what axe calls good practice. */
const RULES = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }

describe.skipIf(!hasBrowser())('every view', () => {
  let browser: Browser
  let aegis: Installation
  const paths = new Map<string, string>()

  beforeAll(async () => {
    browser = await launch()
    aegis = await install()
    const made = await workOfAnHour(aegis)
    const room = await aegis.post(
      '/admin/v1/rooms',
      { repository: 'aegisflow/aegisflow', owner: 'dana' },
      aegis.adminKey,
    )
    expect(room.status, JSON.stringify(room.body)).toBeLessThan(300)
    const { sessions } = (await aegis.get('/admin/v1/sessions', aegis.adminKey)).body
    const pull = made['pull']?.body.envelope_id
    const views = {
      activity: '/',
      approvals: '/approvals',
      bundles: '/bundles',
      approval: `/approvals/${pull}`,
      'approval-diff': `/approvals/${made['edit']?.body.envelope_id}`,
      action: `/actions/${pull}`,
      audit: '/audit?kind=review',
      sessions: '/sessions',
      session: `/session?id=${encodeURIComponent(sessions[0].session)}`,
      rooms: '/rooms',
      room: `/rooms/${room.body.room?.id ?? room.body.id}`,
      policies: '/policies',
      policy: '/policies/1?replay=yes',
      evidence: '/evidence',
      notifications: '/notifications',
      keys: '/keys',
      missing: '/approvals/00000000-0000-7000-8000-000000000001',
    }
    for (const [name, path] of Object.entries(views)) paths.set(name, path)
  })
  afterAll(async () => {
    await browser?.close()
    await aegis?.close()
  })

  const open = (options = {}) => person(browser, aegis.urls.admin, aegis.adminKey, options)

  it.each(['light', 'dark'] as const)('can be used by everybody, in %s colours', async (colorScheme) => {
    // What checks the page is no part of it, so that the page's policy is put aside for it.
    const { page, close, faults } = await open({ colorScheme, bypassCSP: true, reducedMotion: 'reduce' })
    const found: string[] = []
    for (const [name, path] of paths) {
      await page.goto(path)
      found.push(...(await faultsOf(page)).map((fault) => `${name}: ${fault}`))
    }
    expect(found).toEqual([])
    expect(faults).toEqual([])
    await close()
  }, 120_000)

  it('fits a telephone of 360 pixels, and has pictures kept of it', async () => {
    const { page, close, faults } = await open()
    const wide: string[] = []
    for (const [name, path] of paths) {
      await page.goto(path)
      for (const [width, colorScheme] of [
        [1600, 'light'],
        [1024, 'dark'],
        [360, 'light'],
      ] as const) {
        await page.setViewportSize({ width, height: 900 })
        await page.emulateMedia({ colorScheme })
        await picture(page, `${name}-${width}-${colorScheme}`, name !== 'approvals')
        const needed = Number(await page.evaluate('document.documentElement.scrollWidth'))
        if (needed > width) wide.push(`${name} needs ${needed} of ${width}`)
      }
    }
    expect(wide).toEqual([])
    expect(faults).toEqual([])
    await close()
  }, 180_000)

  it('is reached by the keyboard alone, the content first where one wants it', async () => {
    const { page, close } = await open()
    await page.goto('/audit')
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.name')).toBe('kind')
    await close()
  })

  it('verifies a session, makes and revokes a key', async () => {
    const { page, close, faults } = await open()
    await page.goto(paths.get('session') ?? '')
    await page.getByRole('button', { name: 'Verify' }).click()
    expect(await page.locator('#verdict').innerText()).toContain('Valid: ')
    await page.goto('/keys')
    await page.fill('[name=name]', 'made-in-a-browser')
    await page.getByRole('button', { name: 'Make it' }).click()
    const secret = await page.locator('#notice pre').innerText()
    expect((await aegis.get('/admin/v1/whoami', secret.trim())).body).toMatchObject({ name: 'made-in-a-browser' })
    await page.goto('/keys')
    expect(await page.locator('body').innerText()).not.toContain(secret.trim())
    const row = page.locator('tr', { hasText: 'made-in-a-browser' })
    await row.locator('summary').click()
    await row.getByRole('button').click()
    expect(await page.locator('tr', { hasText: 'made-in-a-browser' }).innerText()).toContain('revoked')
    expect((await aegis.get('/admin/v1/whoami', secret.trim())).status).toBe(401)
    expect(faults).toEqual([])
    await close()
  })

  it('finds entries by what they are about, page by page, and exports what is found', async () => {
    const { page, close } = await open()
    await page.goto('/audit')
    await page.selectOption('[name=kind]', 'block')
    await page.fill('[name=tool]', 'shell.*')
    await page.getByRole('button', { name: 'Find' }).click()
    expect(await page.locator('tbody tr').count()).toBe(1)
    expect(await page.locator('tbody').innerText()).toContain('rm -rf /workspace')
    const path = await page.getByRole('link', { name: 'CSV' }).getAttribute('href')
    const csv = await page.request.get(path ?? '')
    expect((await csv.text()).trim().split('\n')).toHaveLength(2)
    await page.goto('/audit?since=yesterday')
    expect(await page.locator('main').innerText()).toContain('is no date')
    await close()
  })

  it.each([
    '/',
    '/approvals',
  ])('weighs less than 60 kB in all at %s when there is much to see, styles and script with it', async (path) => {
    for (let index = 0; index < 45; index += 1) await aegis.post('/admin/v1/test-action', longAction(path, index))
    const { page, close } = await open()
    const html = await (await page.request.get(path)).text()
    const loaded = [...new Set([...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, url = '']) => url))]
    expect(loaded).toHaveLength(5)
    const bodies = await Promise.all(loaded.map(async (url) => (await page.request.get(url)).body()))
    const sizes = [Buffer.byteLength(html), ...bodies.map((body) => body.byteLength)]
    const all = sizes.reduce((sum, size) => sum + size, 0)
    console.log(`${path} weighs ${all} bytes: ${sizes.join(' + ')}`)
    expect(all).toBeLessThan(60_000)
    await close()
  })
})

/** A pull request as agents open them. */
function longAction(path: string, index: number): object {
  const place = path === '/' ? 'overview' : 'queue'
  return {
    ...{ protocol: 'git', tool: 'github.create_pull_request', target: 'aegisflow/aegisflow', session: `busy-${place}` },
    parameters: {
      title: `fix: the ${place} no longer shows entry ${index} twice where it is read while it is written`,
      ...{ head: `claude/fix-${place}-of-entry-${index}`, base: 'main', body: 'It takes the lock first.\n' },
    },
  }
}

async function focused(page: Page): Promise<string> {
  return String(await page.evaluate('document.activeElement.textContent')).trim()
}

interface AxeFault {
  readonly id: string
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[]
}

async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const { violations, passes } = (await page.evaluate(`axe.run(document, ${JSON.stringify(RULES)})`)) as {
    violations: readonly AxeFault[]
    passes: readonly unknown[]
  }
  expect(passes.length).toBeGreaterThan(20)
  return violations.map(({ id, nodes }) => `${id} ${nodes[0]?.target.join(' ')}: ${nodes[0]?.failureSummary}`)
}
