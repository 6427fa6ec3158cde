import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { GATEWAY_STEPS } from '../../src/core/catalog/index.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { type CredentialConfig, createBroker, type GithubAppConfig } from '../../src/credentials/index.ts'
import { openSqlite, type Stores } from '../../src/store/sqlite/index.ts'
import { handClock, listLog, systemRandom } from '../support/world.ts'
import { grantRequest, SEAL_KEY } from './lending-house.ts'

const folder = mkdtempSync(join(tmpdir(), 'aegis-installations-'))
const privateKeyFile = join(folder, 'app.pem')

let stores: Stores
beforeAll(async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(privateKeyFile, privateKey.export({ type: 'pkcs1', format: 'pem' }))
  chmodSync(privateKeyFile, 0o600)
  stores = await openSqlite(join(folder, 'aegis.db'))
})
afterAll(async () => {
  await stores.close()
  rmSync(folder, { recursive: true })
})

interface Asked {
  readonly app: string
  readonly method: string
  readonly path: string
  readonly permissions: unknown
}
const asked: Asked[] = []
afterEach(() => {
  asked.length = 0
})

/** A GitHub whose installations have these permissions, whatever is asked for is in them or refused as GitHub does. */
function github(has: Readonly<Record<number, JsonObject>>, owner = 'acme'): typeof fetch {
  return async (input, init) => {
    const method = init?.method ?? 'GET'
    const { pathname: path, hostname } = new URL(String(input))
    const body = JSON.parse(String(init?.body ?? '{}'))
    asked.push({ app: hostname, method, path, permissions: body.permissions })
    if (method === 'DELETE') return new Response(null, { status: 204 })
    const [, , , id = '0', mint] = path.split('/')
    const granted = has[Number(id)]
    if (granted === undefined) return Response.json({ message: 'Not Found' }, { status: 404 })
    if (mint === undefined) return Response.json({ id: Number(id), permissions: granted })
    const lacking = Object.entries(body.permissions).some(
      ([name, level]) => granted[name] !== level && granted[name] !== 'write' && granted[name] !== 'admin',
    )
    if (lacking) {
      const message = 'The permissions requested are not granted to this installation.'
      return Response.json({ message }, { status: 422 })
    }
    const repositories = [{ full_name: `${owner}/${body.repositories[0]}` }]
    const answer = { token: `ghs_token-${asked.length}`, permissions: body.permissions, repositories }
    return Response.json(answer, { status: 201 })
  }
}

const app = (more: Partial<GithubAppConfig> = {}): GithubAppConfig => ({
  type: 'github_app',
  appId: '1',
  privateKeyFile,
  apiUrl: 'https://one.example',
  installationId: null,
  ...more,
})
const ALL = { contents: 'write', pull_requests: 'write', workflows: 'write', metadata: 'read' }

function broker(credentials: Readonly<Record<string, CredentialConfig>>, fetch: typeof globalThis.fetch) {
  const parts = { store: stores.revocations, sealKey: SEAL_KEY, clock: handClock(), random: systemRandom }
  return createBroker({ ...parts, log: listLog(), credentials, fetch })
}
const repository = (owner: string) => ({ owner, name: 'site' })
const mints = () => asked.filter(({ method }) => method === 'POST').map(({ app: host, path }) => `${host}${path}`)

describe('an App with several installations', () => {
  const credentials = { github: app({ installations: { Acme: 11, 'other-org': 12 } }) }

  it.each([
    ['acme', 11],
    ['ACME', 11],
    ['Other-Org', 12],
  ])('lends to %s from installation %d, and looks nothing up', async (owner, id) => {
    const lender = broker(credentials, github({ 11: ALL, 12: ALL }, owner))
    await lender.lend(grantRequest({ repository: repository(owner) }), async () => undefined)
    expect(asked.slice(0, 1)).toMatchObject([{ method: 'POST', path: `/app/installations/${id}/access_tokens` }])
    await lender.drain()
  })

  it.each(['mallory', 'acme-evil', 'constructor', '__proto__'])('lends nothing to %s', async (owner) => {
    const lender = broker(credentials, github({ 11: ALL, 12: ALL }))
    const lending = lender.lend(grantRequest({ repository: repository(owner) }), async () => undefined)
    await expect(lending).rejects.toMatchObject({
      code: 'forbidden',
      data: { sent: false },
      advice: expect.any(String),
    })
    await expect(lending).rejects.not.toThrow(/other-org/)
    expect(asked).toEqual([])
  })

  it('revokes a token for the same repository name of another owner unused', async () => {
    const lender = broker(credentials, github({ 11: ALL }, 'other-org'))
    const lending = lender.lend(grantRequest({ repository: repository('acme') }), async () => 'used')
    await expect(lending).rejects.toMatchObject({ code: 'upstream_unreachable', data: { sent: false } })
    await lender.drain()
    expect(asked.at(-1)).toMatchObject({ method: 'DELETE', path: '/installation/token' })
  })
})

describe('a list of Apps', () => {
  const credentials: Readonly<Record<string, CredentialConfig>> = {
    one: app({ installations: { acme: 11 } }),
    two: app({ appId: '2', apiUrl: 'https://two.example', installations: { acme: 21, partner: 22 } }),
    'one,two': { type: 'first_of', names: ['one', 'two'] },
    'two,one': { type: 'first_of', names: ['two', 'one'] },
  }

  it.each([
    ['one,two', 'acme', 'one.example/app/installations/11/access_tokens'],
    ['two,one', 'acme', 'two.example/app/installations/21/access_tokens'],
    ['one,two', 'PARTNER', 'two.example/app/installations/22/access_tokens'],
  ])('%s: the first with an installation for %s lends', async (credential, owner, mint) => {
    const lender = broker(credentials, github({ 11: ALL, 21: ALL, 22: ALL }, owner))
    const seen: unknown[] = []
    const lend = () =>
      lender.lend(grantRequest({ credential, repository: repository(owner) }), async ({ apiUrl }) => seen.push(apiUrl))
    await lend()
    expect(mints()).toEqual([mint])
    expect(seen).toEqual([`https://${mint.split('/')[0]}`])
    await lender.drain()
  })

  it('does not go on to the next where the first that serves the owner fails', async () => {
    const lender = broker(credentials, github({ 21: ALL }))
    const request = grantRequest({ credential: 'one,two', repository: repository('acme') })
    await expect(lender.lend(request, async () => undefined)).rejects.toMatchObject({ code: 'upstream_unreachable' })
    expect(mints()).toEqual(['one.example/app/installations/11/access_tokens'])
  })

  it('lends nothing to an owner of nobody, nor to a call without a repository', async () => {
    const lender = broker(credentials, github({ 11: ALL, 21: ALL }))
    for (const where of [repository('mallory'), null]) {
      const request = grantRequest({ credential: 'one,two', repository: where })
      const lending = lender.lend(request, async () => undefined)
      await expect(lending).rejects.toMatchObject({ code: 'forbidden', data: { sent: false } })
    }
    expect(asked).toEqual([])
  })
})

describe('permissions that an installation lacks', () => {
  const credentials = { github: app({ installationId: 11 }) }
  const facts = () => grantRequest({ tool: GATEWAY_STEPS.facts, repository: repository('acme') })

  it.each([
    [
      'administration and checks',
      { contents: 'write', metadata: 'read', pull_requests: 'read', statuses: 'admin' },
      'contents:read,metadata:read,pull_requests:read,statuses:read',
    ],
    ['all but metadata', { metadata: 'read', issues: 'write' }, 'metadata:read'],
  ])('%s are left out where facts are read', async (_, has, scope) => {
    const lender = broker(credentials, github({ 11: has }))
    const { grant } = await lender.lend(facts(), async () => undefined)
    expect(grant.scope).toBe(scope)
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /app/installations/11/access_tokens',
      'GET /app/installations/11',
      'POST /app/installations/11/access_tokens',
    ])
    // The next facts of the repository are read with the same token.
    expect((await lender.lend(facts(), async () => undefined)).grant.tokenSha256).toBe(grant.tokenSha256)
    await lender.drain()
  })

  it('are not left out of a write: it would fail halfway', async () => {
    const lender = broker(credentials, github({ 11: { contents: 'read', metadata: 'read' } }))
    const request = grantRequest({ tool: GATEWAY_STEPS.rewrite, repository: repository('acme') })
    await expect(lender.lend(request, async () => undefined)).rejects.toThrow(/422/)
    expect(asked).toHaveLength(1)
  })

  it('are told where the installation has all that was asked for, so that the refusal has another reason', async () => {
    const answer: typeof fetch = async (input, init) =>
      init?.method === 'POST'
        ? Response.json({ message: 'There is at least one repository that does not exist' }, { status: 422 })
        : github({ 11: { ...ALL, administration: 'read', checks: 'read', statuses: 'read' } })(input, init)
    await expect(broker(credentials, answer).lend(facts(), async () => undefined)).rejects.toThrow(/at least one/)
  })
})
