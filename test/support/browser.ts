import { accessSync, constants, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Where a Chromium may be called what. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
export const SCREENSHOTS = join(import.meta.dirname, '../../artifacts/screenshots')

/** The path of a Chromium, or null. Environment: `AEGIS_TEST_CHROMIUM`. */
export function findChromium(): string | null {
  const named = process.env['AEGIS_TEST_CHROMIUM']
  if (named !== undefined && named !== '') return named
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** True where the browser's tests can run; says once why not. */
export function hasBrowser(): boolean {
  if (findChromium() !== null) return true
  process.stderr.write('no Chromium: these tests are skipped. `apt-get install chromium`, or set AEGIS_TEST_CHROMIUM\n')
  return false
}

export async function launch(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === null) throw new Error('no Chromium')
  // As root Chromium has no sandbox to begin with.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args: [...args, '--disable-dev-shm-usage'] })
}

/** A person at a browser, and everything that must not happen there. */
export interface Person {
  readonly context: BrowserContext
  readonly page: Page
  /** Dialogs, errors on the console, violations of the policy, requests to elsewhere. */
  readonly faults: string[]
  /** Opens a path; where nobody is logged in, logs in with the key. */
  goto(path: string): Promise<void>
  close(): Promise<void>
}

/** @param base the admin plane. @param key of a person; null for nobody */
export async function person(
  browser: Browser,
  base: string,
  key: string | null,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const context = await browser.newContext({ baseURL: base, viewport: { width: 1440, height: 900 }, ...options })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('dialog', (dialog) => {
    faults.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', (error) => faults.push(`error ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' && !isExpected(message.text())) faults.push(`console ${message.text()}`)
  })
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol !== 'data:' && url.origin !== new URL(base).origin) faults.push(`elsewhere ${request.url()}`)
  })
  if (key !== null) await logIn(page, key)
  return {
    ...{ context, page, faults },
    async goto(path) {
      await page.goto(path)
    },
    close: () => context.close(),
  }
}

/** Refusals are written to the console by the browser itself. */
function isExpected(text: string): boolean {
  return /Failed to load resource: the server responded with a status of 4\d\d|net::ERR_/.test(text)
}

export async function logIn(page: Page, key: string): Promise<void> {
  await page.goto('/login')
  await page.fill('#key', key)
  await Promise.all([page.waitForURL((url) => !url.pathname.startsWith('/login')), page.click('form button')])
}

/** Keeps a picture of the page for people to look at. */
export async function picture(page: Page, name: string, fullPage = true): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage, animations: 'disabled' })
}
