import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, launch, type Person, person } from '../support/browser.ts'
import { type Installation, install, secretOf } from '../support/installation.ts'

/** What would run, load, navigate, reverse, hide or fill the page, were it taken for more than text. */
const HOSTILE: Readonly<Record<string, string>> = {
  image: '<img src=x onerror="alert(1)">',
  script: '"><script>alert(2)</script>',
  attribute: `' onmouseover='alert(3)' autofocus onfocus='alert(4)`,
  elsewhere: '<link rel=stylesheet href=//evil.example/x.css><img src=//evil.example/pixel>',
  form: '</textarea></form><form action=https://evil.example><button>Approve</button>',
  link: 'javascript:alert(5)',
  style: '<style>*{display:none}</style>',
  reversed: 'safe\u202Egpj.exe\u202C',
  hidden: 'del\u200Bete\u2060 \u00AD\uFEFFall',
  tags: `fine${[...'rm -rf'].map((c) => String.fromCodePoint(0xe0000 + (c.codePointAt(0) ?? 0))).join('')}`,
  terminal: '\u001b[2J\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007',
  lookalike: 'gіthub.mеrge',
  template: '{{constructor.constructor("alert(6)")()}} <%= 7*7 %>',
  entity: '&lt;b&gt; &#x202e; &amp;',
  long: 'A'.repeat(3900),
}

describe.skipIf(!hasBrowser())('texts that agents chose', () => {
  let browser: Browser
  let aegis: Installation
  let bob: Person
  const ids = new Map<string, string>()
  const refused: string[] = []

  beforeAll(async () => {
    browser = await launch()
    aegis = await install({ keys: { bob: { role: 'reviewer', owner: 'bob' } } })
    for (const [name, text] of Object.entries(HOSTILE)) {
      const everywhere = {
        ...{ protocol: 'mcp', tool: `wiki.edit${name}`, target: text, agent: text, justification: text, task: text },
        parameters: {
          title: text,
          path: text,
          content: `${text}\n${text}`,
          [text.slice(0, 200)]: text,
          list: [{ [text.slice(0, 99)]: text }],
        },
      }
      await ask(`${name} everywhere`, everywhere)
      await ask(`${name} as tool`, { ...everywhere, tool: `wiki.${text.slice(0, 200)}`, parameters: {} })
      await ask(`${name} as session`, { ...everywhere, session: text.slice(0, 100) })
      await ask(`${name} as title`, {
        ...{ protocol: 'git', tool: 'github.create_pull_request', target: 'acme/app' },
        parameters: { title: text, body: text, head: 'feat/x', base: 'main' },
      })
      await ask(`${name} as command`, { protocol: 'shell', tool: 'shell.exec', target: `curl ${text}` })
    }
    bob = await person(browser, aegis.urls.admin, secretOf('bob'))
    await bob.page.evaluate('void 0')
  })
  afterAll(async () => {
    await browser?.close()
    await aegis?.close()
  })

  async function ask(name: string, action: object): Promise<void> {
    const { status, body } = await aegis.post('/admin/v1/test-action', { session: 'hostile', ...action })
    if (status === 200) ids.set(name, body.envelope_id)
    else refused.push(name)
  }

  const violations = () => bob.page.evaluate('window.violated ?? 0')
  async function look(path: string): Promise<string> {
    const answer = await bob.page.goto(path)
    expect(answer?.status(), path).toBe(200)
    expect(await violations()).toBe(0)
    return bob.page.locator('body').innerText()
  }

  it('are taken in most places, so that there is something to look at', () => {
    expect(ids.size).toBeGreaterThan(30)
    // A session is named by few characters only, whatever is asked for.
    expect(refused.every((name) => / as (session|tool|command)$/.test(name))).toBe(true)
  })

  it('run nothing, load nothing and change nothing on any page', async () => {
    await bob.page.addInitScript(
      `addEventListener('securitypolicyviolation', () => { window.violated = (window.violated ?? 0) + 1 })`,
    )
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    const waiting = body.pending.map(({ envelope_id }: { envelope_id: string }) => `/approvals/${envelope_id}`)
    const sessions = (await aegis.get('/admin/v1/sessions', aegis.adminKey)).body.sessions
    const paths = [
      ...['/', '/approvals', '/audit', '/sessions', '/policies', '/evidence'],
      ...sessions.map(({ session }: { session: string }) => `/session?id=${encodeURIComponent(session)}`),
      ...waiting.slice(0, 40),
      ...[...ids].filter(([name]) => / as (tool|command)$/.test(name)).map(([, id]) => `/actions/${id}`),
    ]
    for (const path of paths) await look(path)
    expect(bob.faults).toEqual([])
    // Nothing of it became an element.
    expect(
      await bob.page.locator('img[src*="evil"], img[onerror], script:not([src^="/assets/"]), main style').count(),
    ).toBe(0)
  }, 120_000)

  it('show what cannot be seen as code points, and set each text apart from ours', async () => {
    const reversed = await look(`/approvals/${ids.get('reversed everywhere')}`)
    expect(reversed).toContain('U+202E')
    expect(reversed).not.toContain('\u202E')
    const hidden = await look(`/approvals/${ids.get('hidden everywhere')}`)
    expect(hidden).toContain('U+200B')
    expect(hidden).toContain('U+2060')
    const tags = await look(`/approvals/${ids.get('tags everywhere')}`)
    expect(tags).toContain('U+E0072')
    const terminal = await look(`/approvals/${ids.get('terminal everywhere')}`)
    expect(terminal).toContain('U+001B')
    const bare = await bob.page.evaluate(`[...document.querySelectorAll('.detail bdi')].length`)
    expect(Number(bare)).toBeGreaterThan(8)
  })

  it('are marked where letters of several scripts stand for one another', async () => {
    const text = await look(`/approvals/${ids.get('lookalike everywhere')}`)
    expect(text).toContain('mixed scripts U+0456 U+0435')
  })

  it('cannot fill the page: what is long is shown on demand', async () => {
    const id = ids.get('long everywhere')
    await look(`/approvals/${id}`)
    expect(await bob.page.locator('details.rest').count()).toBeGreaterThan(0)
    expect(await bob.page.locator('details.rest[open]').count()).toBe(0)
    await bob.page.locator('blockquote details.rest summary').click()
    expect((await bob.page.locator('blockquote').innerText()).replaceAll(/[^A]/g, '').length).toBeGreaterThan(3899)
  })

  it('come by the live stream as text as well', async () => {
    await bob.page.goto('/approvals?rows=1000')
    await expect.poll(() => bob.page.locator('#stream').innerText()).toBe('live')
    await ask('live', { protocol: 'mcp', tool: 'wiki.live', target: HOSTILE['image'], session: 'late' })
    await expect.poll(() => bob.page.locator('#queue').innerText()).toContain('wiki.live')
    expect(await bob.page.locator('#news').innerText()).toContain('New approval')
    expect(bob.faults).toEqual([])
    expect(await violations()).toBe(0)
  })

  it('in an address come back as text', async () => {
    for (const text of Object.values(HOSTILE).slice(0, 7)) {
      for (const path of [
        '/audit?tool=',
        '/audit?session=',
        '/session?id=',
        '/approvals/',
        '/rooms/',
        '/policies/',
        '/audit?after=',
      ]) {
        await bob.page.goto(path + encodeURIComponent(text))
        expect(await violations()).toBe(0)
      }
    }
    expect(bob.faults).toEqual([])
  })
})
