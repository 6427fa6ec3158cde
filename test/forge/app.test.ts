import { createSign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAppKey } from '../../starter-kit/forge/index.ts'
import { APP_ID, ask, INSTALLATION, REPO, type TestForge, testForge } from './harness.ts'

let forge: TestForge
beforeAll(async () => {
  forge = await testForge({ otherRepositories: ['other'] })
})
afterAll(() => forge.stop())

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function sign(header: unknown, claims: unknown, key = forge.key.privateKeyPem): string {
  const body = `${part(header)}.${part(claims)}`
  return `${body}.${createSign('RSA-SHA256').update(body).sign(key, 'base64url')}`
}

const seconds = (): number => Math.floor(forge.now() / 1000)
const RS256 = { alg: 'RS256', typ: 'JWT' }
const claims = (more: object = {}): object => ({ iat: seconds() - 60, exp: seconds() + 540, iss: APP_ID, ...more })
const mintLine = `POST /app/installations/${INSTALLATION}/access_tokens` as const

describe('the App itself', () => {
  it('knows who it is and where it is installed', async () => {
    const jwt = sign(RS256, claims())
    expect((await ask(forge, 'GET /app', jwt)).body).toMatchObject({ id: APP_ID, slug: 'aegis-local' })
    expect((await ask(forge, 'GET /app/installations', jwt)).list).toMatchObject([{ id: INSTALLATION, app_id: APP_ID }])
    expect((await ask(forge, `GET ${REPO}/installation`, jwt)).body).toMatchObject({ id: INSTALLATION })
    expect((await ask(forge, 'GET /repos/aegisflow/unknown/installation', jwt)).status).toBe(404)
  })

  it('takes its id as a number or as text', async () => {
    expect((await ask(forge, 'GET /app', sign(RS256, claims({ iss: String(APP_ID) })))).status).toBe(200)
  })

  it.each([
    ['signed by another key', () => sign(RS256, claims(), createAppKey().privateKeyPem), 401],
    ['without signature', () => `${part({ alg: 'none' })}.${part(claims())}.`, 401],
    ['that names HMAC', () => sign({ alg: 'HS256' }, claims()), 401],
    ['that has expired', () => sign(RS256, claims({ exp: seconds() - 1 })), 401],
    ['that lives longer than ten minutes', () => sign(RS256, claims({ exp: seconds() + 660 })), 401],
    ['issued in the future', () => sign(RS256, claims({ iat: seconds() + 120 })), 401],
    ['without issue time', () => sign(RS256, claims({ iat: undefined })), 401],
    ['of another App', () => sign(RS256, claims({ iss: 1 })), 404],
    ['that is no token at all', () => 'nonsense', 401],
    ['of four parts', () => `${sign(RS256, claims())}.x`, 401],
  ])('refuses a JWT %s', async (_, jwt, status) => {
    const { status: given, body } = await ask(forge, 'GET /app', jwt())
    expect(given).toBe(status)
    expect(body['message']).toBeTypeOf('string')
  })
})

describe('installation tokens', () => {
  it("are minted by GitHub's own client for one repository and the permissions asked for", async () => {
    const token = await forge.token({ contents: 'read' }, ['aegisflow'])
    expect(token).toMatch(/^ghs_[A-Za-z0-9]{36}$/)
    expect((await ask(forge, `GET ${REPO}/contents/README.md`, token)).status).toBe(200)
    expect((await ask(forge, 'GET /repos/aegisflow/other/contents/README.md', token)).status).toBe(404)
    const write = await ask(forge, `POST ${REPO}/git/refs`, token, { ref: 'refs/heads/x', sha: 'x' })
    expect(write.status).toBe(403)
    expect(write.body['message']).toBe('Resource not accessible by integration')
    expect(write.headers.get('x-accepted-github-permissions')).toBe('contents=write')
  })

  it('reach every repository where none was named', async () => {
    const token = await forge.token({ contents: 'read' })
    expect((await ask(forge, 'GET /repos/aegisflow/other', token)).status).toBe(200)
    expect((await ask(forge, 'GET /installation/repositories', token)).body['total_count']).toBe(2)
  })

  it('see no difference between a hidden repository and one that is not there', async () => {
    const token = await forge.token({ contents: 'read' }, ['other'])
    const hidden = await ask(forge, `GET ${REPO}`, token)
    const absent = await ask(forge, 'GET /repos/aegisflow/nothing', token)
    expect([hidden.status, hidden.body]).toEqual([absent.status, absent.body])
    expect((await ask(forge, `GET ${REPO}`, null)).status).toBe(404)
  })

  it.each([
    ['a permission the App lacks', { permissions: { administration: 'write' } }, 422],
    ['a permission that does not exist', { permissions: { everything: 'write' } }, 422],
    ['a level that does not exist', { permissions: { contents: 'admin' } }, 422],
    ['a repository that does not exist', { repositories: ['unknown'] }, 422],
    ['no repository at all', { repositories: [] }, 422],
    ['a repository id that does not exist', { repository_ids: [1] }, 422],
    ['repositories of the wrong type', { repositories: 'aegisflow' }, 422],
  ])('are not minted for %s', async (_, body, status) => {
    expect((await ask(forge, mintLine, sign(RS256, claims()), body)).status).toBe(status)
  })

  it('are not minted without the App JWT, nor for another installation', async () => {
    const token = await forge.token()
    expect((await ask(forge, mintLine, token, {})).status).toBe(401)
    expect((await ask(forge, mintLine, null, {})).status).toBe(401)
    expect((await ask(forge, 'POST /app/installations/7/access_tokens', sign(RS256, claims()), {})).status).toBe(404)
  })

  it('end when they are revoked, and only they', async () => {
    const [one, other] = [await forge.token(), await forge.token()]
    expect((await ask(forge, 'DELETE /installation/token', one)).status).toBe(204)
    const after = await ask(forge, `GET ${REPO}`, one)
    expect([after.status, after.body['message']]).toEqual([401, 'Bad credentials'])
    expect((await ask(forge, 'DELETE /installation/token', one)).status).toBe(401)
    expect((await ask(forge, `GET ${REPO}`, other)).status).toBe(200)
  })

  it('end after an hour, and outlive a restart of the forge', async () => {
    const old = await testForge()
    const token = await old.token({ contents: 'read' })
    await old.close()
    const again = await testForge({ dataDir: old.dataDir })
    expect((await ask(again, `GET ${REPO}`, token)).status).toBe(200)
    again.advance(3_601_000)
    expect((await ask(again, `GET ${REPO}`, token)).status).toBe(401)
    await again.stop()
  })

  it('are kept by their hash only', async () => {
    const token = await forge.token()
    expect(readFileSync(`${forge.dataDir}/state.json`, 'utf8')).not.toContain(token.slice(4))
  })

  it('cannot do what belongs to a person', async () => {
    const token = await forge.token()
    expect((await ask(forge, 'GET /user', token)).status).toBe(403)
    expect((await ask(forge, 'POST /user/repos', token, { name: 'x' })).status).toBe(403)
    expect((await ask(forge, `POST ${REPO}/forks`, token, {})).status).toBe(403)
  })
})

describe('the door', () => {
  it('answers to its own name only, and to no page of another origin', async () => {
    const status = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request(`${forge.url}/`, { headers }, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end()
      })
    expect(await status({ host: 'evil.example' })).toBe(421)
    expect(await status({ origin: 'https://evil.example' })).toBe(403)
    expect(await status({})).toBe(200)
  })

  it('says so where GraphQL is asked for', async () => {
    const { body } = await ask(forge, 'POST /api/graphql', await forge.token(), { query: '{viewer{login}}' })
    expect(JSON.stringify(body)).toContain('no GraphQL API')
  })
})
