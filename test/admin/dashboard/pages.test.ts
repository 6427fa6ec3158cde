import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workOfAnHour } from '../../support/activity.ts'
import { type Installation, install, secretOf } from '../../support/installation.ts'

const GETS = [
  '/',
  '/approvals',
  '/bundles',
  '/audit',
  '/sessions',
  '/rooms',
  '/policies',
  '/policies/1',
  '/evidence',
  '/notifications',
]
const ADMINS = ['/keys']

describe('the pages of the dashboard', () => {
  let aegis: Installation
  let pull = ''

  beforeAll(async () => {
    aegis = await install({
      keys: { bob: { role: 'reviewer', owner: 'bob' }, vera: { role: 'viewer', owner: 'vera' } },
    })
    pull = (await workOfAnHour(aegis))['pull']?.body.envelope_id
  })
  afterAll(() => aegis.close())

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(aegis.urls.admin + path, { headers, redirect: 'manual' })
  const withKey = (key: string) => ({ 'x-api-key': key })

  /** Logs in as a browser does; what must come with every change. */
  async function logIn(name: string): Promise<{ cookie: string; csrf: string }> {
    const answer = await fetch(`${aegis.urls.admin}/login`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: aegis.urls.admin,
        'sec-fetch-site': 'same-origin',
      },
      body: new URLSearchParams({ key: secretOf(name) }),
      redirect: 'manual',
    })
    const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? ''
    const page = await (await get('/', { cookie })).text()
    return { cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '' }
  }

  it.each([...GETS, ...ADMINS])('%s sends strangers to log in, and back', async (path) => {
    const answer = await get(path)
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      `/login?return_to=${encodeURIComponent(path)}`,
    ])
  })

  it.each([...GETS, ...ADMINS])('%s is for people: an agent gets nothing of it', async (path) => {
    const answer = await get(path, withKey(aegis.agentKey))
    expect(answer.status).toBe(403)
    expect(await answer.text()).not.toContain('aegisflow/aegisflow')
  })

  it.each(GETS)('%s is shown to a viewer, kept nowhere, in no frame, with nothing from elsewhere', async (path) => {
    const answer = await get(path, withKey(secretOf('vera')))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(answer.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    const html = await answer.text()
    expect(html).not.toMatch(/<script(?![^>]* src="\/assets\/)|<style| style="| on[a-z]+="/)
  })

  it('shows keys to administrators only', async () => {
    expect((await get('/keys', withKey(secretOf('bob')))).status).toBe(403)
    expect((await get('/keys', withKey(aegis.adminKey))).status).toBe(200)
  })

  it('tells a script that the login is over, in place of sending it elsewhere', async () => {
    expect((await get('/approvals', { 'x-aegis-page': 'part' })).status).toBe(401)
  })

  describe('a change by form', () => {
    const post = (path: string, fields: Record<string, string>, headers: Record<string, string>) =>
      fetch(aegis.urls.admin + path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(fields),
        redirect: 'manual',
      })
    const own = () => ({ origin: aegis.urls.admin, 'sec-fetch-site': 'same-origin' })
    const pathsOf = () => [
      `/approvals/${pull}/approve`,
      `/approvals/${pull}/deny`,
      '/bundles/approve',
      '/session/verify',
      '/policies/1/rollback',
      '/keys',
      '/keys/revoke',
      '/notifications/retry',
    ]

    it('is refused from another site, from no page, without the token or with another’s', async () => {
      const [bob, vera] = [await logIn('bob'), await logIn('vera')]
      for (const path of pathsOf()) {
        const ways: [Record<string, string>, Record<string, string>][] = [
          [{ csrf: bob.csrf }, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
          [{ csrf: bob.csrf }, {}],
          [{}, own()],
          [{ csrf: vera.csrf }, own()],
        ]
        for (const [fields, headers] of ways) {
          const answer = await post(path, { ...fields, sure: 'yes' }, { cookie: bob.cookie, ...headers })
          expect([path, [401, 403].includes(answer.status)]).toEqual([path, true])
        }
      }
      expect((await aegis.get(`/admin/v1/approvals/${pull}`, aegis.adminKey)).body.status).toBe('pending')
    })

    it('is refused to strangers, agents and viewers', async () => {
      const vera = await logIn('vera')
      for (const path of pathsOf().filter((one) => one !== '/session/verify')) {
        expect((await post(path, { sure: 'yes' }, own())).status, path).toBe(401)
        expect((await post(path, { sure: 'yes' }, withKey(aegis.agentKey))).status, path).toBe(403)
        const body = { csrf: vera.csrf, sure: 'yes', [`id.${pull}`]: 'yes' }
        const refused = await post(
          path,
          path.startsWith('/keys') ? { ...body, role: 'agent', name: 'x', id: 'x' } : body,
          {
            cookie: vera.cookie,
            ...own(),
          },
        )
        expect(refused.status, path).toBe(403)
      }
    })

    it('gives strangers back what they wrote, and reads no more of it than of others', async () => {
      const path = `/approvals/${pull}/deny`
      expect(await (await post(path, { comment: 'because' }, own())).text()).toContain('because')
      const long = await post(path, { comment: 'because', more: 'x'.repeat(100_000) }, own())
      expect([long.status, await long.text()]).toEqual([401, expect.not.stringContaining('because')])
      // Without a length nobody knows how much it would be.
      const body = new Blob(['comment=because']).stream()
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const endless = { method: 'POST', headers: { ...type, ...own() }, body, duplex: 'half' } as RequestInit
      const unknown = await fetch(aegis.urls.admin + path, endless)
      expect([unknown.status, await unknown.text()]).toEqual([401, expect.not.stringContaining('because')])
    })

    it('approves several of one session at once, never a critical one among them', async () => {
      const bob = await logIn('bob')
      const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
      const waiting: { envelope_id: string; blast_radius: string }[] = body.pending
      const ids = (levels: readonly string[]) =>
        Object.fromEntries(
          waiting.filter((one) => levels.includes(one.blast_radius)).map((one) => [`id.${one.envelope_id}`, 'yes']),
        )
      const send = (fields: Record<string, string>) =>
        post('/bundles/approve', { csrf: bob.csrf, comment: 'together', ...fields }, { cookie: bob.cookie, ...own() })
      expect((await send({ ...ids(['medium', 'critical']), sure: 'yes' })).status).toBe(403)
      expect((await send(ids(['high']))).status).toBe(400)
      expect((await send({ ...ids(['high', 'medium']), sure: 'yes' })).status).toBe(200)
      const left = (await aegis.get('/admin/v1/approvals', aegis.adminKey)).body.pending
      expect(left.map((one: { blast_radius: string }) => one.blast_radius)).toEqual(['critical'])
    })

    it('is refused where a field comes twice, is no form, or is too large', async () => {
      const bob = await logIn('bob')
      const headers = { cookie: bob.cookie, ...own() }
      const path = `/approvals/${pull}/deny`
      const twice = await fetch(aegis.urls.admin + path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: `csrf=${bob.csrf}&csrf=x`,
      })
      expect(twice.status).toBe(400)
      expect((await post(path, { csrf: bob.csrf, comment: 'x'.repeat(100_000) }, headers)).status).toBe(413)
      const json = await fetch(aegis.urls.admin + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ csrf: bob.csrf }),
      })
      expect([403, 415]).toContain(json.status)
    })
  })

  describe('the stream that pages follow', () => {
    it('says nothing to strangers and agents, and has the browser stop asking', async () => {
      expect((await get('/live')).status).toBe(204)
      expect((await get('/live', withKey(aegis.agentKey))).status).toBe(204)
    })

    it('says that something happened and not what, and ends within two seconds of the login', async () => {
      const vera = await logIn('vera')
      const answer = await get('/live', { cookie: vera.cookie })
      expect(answer.headers.get('content-type')).toContain('text/event-stream')
      const reader = answer.body?.getReader()
      let heard = ''
      const until = async (text: string) => {
        while (!heard.includes(text)) {
          const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
          if (done) throw new Error(`the stream ended: ${heard}`)
          heard += Buffer.from(value ?? []).toString()
        }
      }
      await until('event: ready')
      await aegis.post('/admin/v1/test-action', {
        protocol: 'mcp',
        tool: 'wiki.edit',
        target: 'secret-page',
        session: 's',
      })
      await until('event: change')
      expect(heard).toContain('"kinds":["review"]')
      expect(heard).not.toContain('secret-page')
      await fetch(`${aegis.urls.admin}/logout`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          cookie: vera.cookie,
          origin: aegis.urls.admin,
          'sec-fetch-site': 'same-origin',
        },
        body: new URLSearchParams({ csrf: vera.csrf }),
        redirect: 'manual',
      })
      await until('event: ended')
    })
  })
})
