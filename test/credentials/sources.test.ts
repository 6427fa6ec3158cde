import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import { type BrokerParts, type CredentialConfig, createBroker } from '../../src/credentials/index.ts'
import { openSqlite, type Stores } from '../../src/store/sqlite/index.ts'
import { handClock, listLog, systemRandom } from '../support/world.ts'
import { grantRequest, SEAL_KEY } from './lending-house.ts'

const folder = mkdtempSync(join(tmpdir(), 'aegis-sources-'))
const secretFile = (name: string, text: string, mode = 0o600) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const pem = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const KEY = pem(2048)
const STATIC_TOKEN = 'linear-key-0123456789'

let stores: Stores
beforeAll(async () => {
  stores = await openSqlite(join(folder, 'aegis.db'))
})
afterAll(async () => {
  await stores.close()
  rmSync(folder, { recursive: true })
})

function broker(config: CredentialConfig, more: Partial<BrokerParts> = {}) {
  const log = listLog()
  const parts = { store: stores.revocations, sealKey: SEAL_KEY, clock: handClock(), random: systemRandom, log }
  return createBroker({ ...parts, credentials: { github: config }, ...more })
}
const app = (more: object = {}): CredentialConfig => ({
  type: 'github_app',
  appId: '1',
  privateKeyFile: join(folder, 'app.pem'),
  apiUrl: 'https://api.github.com',
  installationId: 7,
  ...more,
})
const configFault = (make: () => unknown): AegisError => {
  try {
    make()
  } catch (error) {
    if (error instanceof AegisError) return error
  }
  throw new Error('no AegisError')
}

describe('a static token', () => {
  it('is lent as it is, and the grant says that nobody narrows or revokes it', async () => {
    const lender = broker({ type: 'static', from: { env: 'LINEAR_TOKEN' } }, { env: { LINEAR_TOKEN: STATIC_TOKEN } })
    const request = grantRequest({ tool: 'linear.create_issue', repository: null })
    const seen: string[] = []
    const { grant } = await lender.lend(request, async (credential) => seen.push(credential.reveal()))
    expect(seen).toEqual([STATIC_TOKEN])
    expect(grant).toMatchObject({ type: 'static', scope: 'not narrowed, not revocable', revokedAt: null })
    expect(await stores.revocations.count()).toBe(0)
  })

  it('is read from its file for each call, so that a replaced one acts at once', async () => {
    const file = secretFile('static', `${STATIC_TOKEN}\n`)
    const lender = broker({ type: 'static', from: { file } })
    const lend = async () => (await lender.lend(grantRequest(), async () => undefined)).grant.tokenSha256
    const before = await lend()
    secretFile('static', `${STATIC_TOKEN}-replaced`)
    expect(await lend()).not.toBe(before)
  })

  it.each([
    ['an unset variable', { from: { env: 'NOT_SET' } }, /NOT_SET holds no token/],
    ['a token that could be guessed from its hash', { from: { env: 'SHORT' } }, /SHORT holds no token/],
    ['a token that would split a header', { from: { env: 'SPLIT' } }, /SPLIT holds no token/],
    ['a missing file', { from: { file: '/nonexistent/token' } }, /cannot read/],
  ] as const)('cannot be %s', (_, source, message) => {
    const env = { SHORT: 'hunter2', SPLIT: 'abcdefghijklmnop\r\nX-Other: 1' }
    const error = configFault(() => broker({ type: 'static', ...source }, { env }))
    expect(error.code).toBe('config')
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('hunter2')
  })

  it.each([0o640, 0o604, 0o644])('cannot be in a file of mode %o', (mode) => {
    const file = secretFile('open', STATIC_TOKEN, mode)
    const error = configFault(() => broker({ type: 'static', from: { file } }))
    expect(error.advice).toBe(`chmod 600 ${file}`)
  })
})

describe('a GitHub App', () => {
  it.each([
    ['no key at all', 'not a key'],
    ['a key too short for RS256', pem(1024)],
    [
      'a public key',
      generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }),
    ],
    ['a key of another kind', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })],
  ])('refuses %s at the start', (_, text) => {
    secretFile('app.pem', text.toString())
    const error = configFault(() => broker(app()))
    expect(error).toMatchObject({ code: 'config' })
    expect(error.message).toContain('holds no RSA private key')
  })

  it('refuses a folder in place of its key', () => {
    mkdirSync(join(folder, 'folder'))
    expect(configFault(() => broker(app({ privateKeyFile: join(folder, 'folder') }))).code).toBe('config')
  })

  it.each([
    'http://api.github.com',
    'ftp://127.0.0.1',
    'https://user:pw@api.github.com',
    'https://api.github.com?x=1',
    'api.github.com',
  ])('refuses the address %s: its keys would travel there', (apiUrl) => {
    secretFile('app.pem', KEY)
    expect(configFault(() => broker(app({ apiUrl }))).path).toBe('credentials.github.api_url')
  })
})

describe('an answer of GitHub', () => {
  const asked: { method: string; path: string }[] = []
  afterEach(() => {
    asked.length = 0
  })
  const github =
    (answer: unknown, status = 201): typeof fetch =>
    async (input, init) => {
      const method = init?.method ?? 'GET'
      asked.push({ method, path: new URL(String(input)).pathname })
      if (method === 'DELETE') return new Response(null, { status: 204 })
      return new Response(typeof answer === 'string' ? answer : JSON.stringify(answer), { status })
    }
  const token = (more: object = {}) => ({
    token: 'ghs_0123456789abcdef',
    permissions: { pull_requests: 'write', contents: 'read', metadata: 'read' },
    repositories: [{ full_name: 'AegisFlow/aegisflow' }],
    ...more,
  })
  const lend = async (fetch: typeof globalThis.fetch, config: CredentialConfig = app()) => {
    secretFile('app.pem', KEY)
    const lender = broker(config, { fetch })
    try {
      return await lender.lend(grantRequest(), async () => 'used')
    } finally {
      await lender.drain()
    }
  }

  it('is taken where it is as narrow as was asked', async () => {
    expect((await lend(github(token()))).value).toBe('used')
  })

  it.each([
    ['permits more', { permissions: { pull_requests: 'write', contents: 'write' } }],
    ['permits something else besides', { permissions: { pull_requests: 'write', contents: 'read', issues: 'read' } }],
    ['permits to write where metadata are read', { permissions: { pull_requests: 'write', metadata: 'write' } }],
    ['does not say what it permits', { permissions: undefined }],
    ['is for all repositories', { repositories: undefined, repository_selection: 'all' }],
    [
      'is for two repositories',
      { repositories: [{ full_name: 'aegisflow/aegisflow' }, { full_name: 'aegisflow/other' }] },
    ],
    ['is for the repository of another owner', { repositories: [{ full_name: 'mallory/aegisflow' }] }],
  ])('that %s is revoked unused', async (_, more) => {
    await expect(lend(github(token(more)))).rejects.toMatchObject({
      code: 'upstream_unreachable',
      data: { sent: false },
    })
    expect(asked.at(-1)).toEqual({ method: 'DELETE', path: '/installation/token' })
    expect(await stores.revocations.count()).toBe(0)
  })

  it.each([
    ['401', { message: 'A JSON web token could not be decoded' }, 401, /private_key_file/],
    ['403', { message: 'This installation has been suspended' }, 403, /suspended/],
    ['404', { message: 'Not Found' }, 404, /install the App/],
    ['422', { message: 'The permissions requested are not granted to this installation.' }, 422, /grant the App/],
    ['500', 'oops', 500, /try again/],
    ['201 without a token', {}, 201, /try again/],
    ['201 with a token that would split a header', token({ token: 'ghs_a\r\nx: y' }), 201, /try again/],
    ['201 with a list', '[]', 201, /try again/],
  ])('of %s says what to mend', async (_, answer, status, advice) => {
    const lending = lend(github(answer, status))
    await expect(lending).rejects.toMatchObject({ code: 'upstream_unreachable', data: { sent: false } })
    await expect(lending).rejects.toHaveProperty('advice', expect.stringMatching(advice))
  })

  it('that never ends is cut off', async () => {
    const endless = async () => new Response('x'.repeat(300_000), { status: 201 })
    await expect(lend(endless)).rejects.toThrow(/the answer is longer than 262144 bytes/)
  })

  it('is asked for the installation once for each repository, where none is configured', async () => {
    secretFile('app.pem', KEY)
    const fetch: typeof globalThis.fetch = async (input, init) =>
      String(input).endsWith('/installation') && init?.method === 'GET'
        ? github({ id: 99 }, 200)(input, init)
        : github(token())(input, init)
    const lender = broker(app({ installationId: null }), { fetch })
    await lender.lend(grantRequest(), async () => undefined)
    await lender.lend(grantRequest(), async () => undefined)
    await lender.drain()
    expect(asked.filter(({ method }) => method !== 'DELETE').map(({ path }) => path)).toEqual([
      '/repos/aegisflow/aegisflow/installation',
      '/app/installations/99/access_tokens',
      '/app/installations/99/access_tokens',
    ])
  })
})
