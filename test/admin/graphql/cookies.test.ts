import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBrowser } from '../../support/cookie-browser.ts'
import { type Installation, install, secretOf } from '../../support/installation.ts'

let aegis: Installation
beforeAll(async () => {
  aegis = await install({ keys: { rita: { role: 'reviewer', owner: 'rita' } } })
})
afterAll(() => aegis.close())

it('a person who is logged in sends the session’s CSRF token with every request, reading ones too', async () => {
  const { admin } = aegis.urls
  const browser = createBrowser()
  await browser.post(`${admin}/login`, { key: secretOf('rita') }, { site: 'same-origin' })
  const cookie = [...browser.jar].map(([name, { value }]) => `${name}=${value}`).join('; ')
  const { csrf } = JSON.parse((await browser.get(`${admin}/admin/v1/whoami`, 'same-origin')).text)
  expect(csrf).toMatch(/^[\w-]{43}$/)

  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(`${admin}/admin/v1/graphql`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: '{ whoami { name } }' }),
    })
    return { status: answer.status, text: await answer.text(), cache: answer.headers.get('cache-control') }
  }
  const own = { origin: admin, 'sec-fetch-site': 'same-origin' }
  expect(await ask({ ...own, 'x-csrf-token': csrf })).toEqual({
    ...{ status: 200, cache: 'no-store' },
    text: '{"data":{"whoami":{"name":"rita"}}}',
  })
  for (const headers of [
    own,
    { ...own, 'x-csrf-token': `${csrf.slice(1)}A` },
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', 'x-csrf-token': csrf },
  ]) {
    const { status, text } = await ask(headers)
    expect(status).toBe(403)
    expect(text).not.toContain('rita')
  }
})
