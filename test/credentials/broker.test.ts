import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import type { Credential } from '../../src/credentials/index.ts'
import { ask, REPO } from '../forge/harness.ts'
import { grantRequest, type House, lendingHouse, SEAL_KEY } from './lending-house.ts'

let house: House
beforeEach(async () => {
  house = await lendingHouse()
})
afterEach(() => house.close())

const reveal = async (credential: Credential) => credential.reveal()
const isAlive = async (token: string) => (await ask(house.forge, `GET ${REPO}`, token)).status === 200
const unrevoked = () => house.stores.revocations.count()
const failure = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => null,
    (cause: unknown) => cause,
  )
  if (!(error instanceof AegisError)) throw new Error(`no AegisError: ${inspect(error)}`)
  return error
}

describe('a credential for a write', () => {
  it('opens a pull request with exactly the permissions of the tool, and is gone when the call has ended', async () => {
    const { value, grant } = await house.broker.lend(grantRequest(), async (credential) => {
      const token = credential.reveal()
      const body = { title: 'fix', head: 'claude/fix-flaky-evidence-test', base: 'main' }
      const pull = await ask(house.forge, `POST ${REPO}/pulls`, token, body)
      const issue = await ask(house.forge, `POST ${REPO}/issues`, token, { title: 'not permitted' })
      const elsewhere = await ask(house.forge, 'GET /repos/aegisflow/other/contents/README.md', token)
      expect(await unrevoked()).toBe(1)
      return { pull: pull.status, issue: issue.status, elsewhere: elsewhere.status, held: credential }
    })
    expect(value).toMatchObject({ pull: 201, issue: 403 })
    expect([403, 404]).toContain(value.elsewhere)
    expect(grant).toMatchObject({ type: 'github_app_installation', scope: 'pull_requests:write,contents:read' })
    expect(grant.expiresAt - grant.issuedAt).toBe(600_000)
    expect(() => value.held.reveal()).toThrow(/after its call had ended/)
    await house.broker.drain()
    expect(await unrevoked()).toBe(0)
  })

  it('is another one for each call, also for equal calls at the same moment', async () => {
    const lend = () => house.broker.lend(grantRequest(), reveal2)
    const tokens: string[] = []
    const reveal2 = async (credential: Credential) => {
      tokens.push(credential.reveal())
      // Longer than the other calls take to end: ending a twin must not end this one.
      await new Promise((resolve) => setTimeout(resolve, tokens.length * 20))
      return isAlive(credential.reveal())
    }
    const lent = await Promise.all(Array.from({ length: 6 }, lend))
    expect(new Set(tokens).size).toBe(6)
    expect(lent.every(({ value }) => value)).toBe(true)
    expect(new Set(lent.map(({ grant }) => grant.tokenSha256)).size).toBe(6)
    await house.broker.drain()
    for (const token of tokens) expect(await isAlive(token)).toBe(false)
  })

  it('is known by its hash, before it is used and after', async () => {
    let seen = ''
    const { grant } = await house.broker.lend(grantRequest(), async (credential, early) => {
      seen = credential.reveal()
      expect(early.tokenSha256).toBe(createHash('sha256').update(seen).digest('hex'))
    })
    expect(grant.tokenSha256).toBe(createHash('sha256').update(seen).digest('hex'))
  })

  it('is ended too where the call fails, and the failure comes through unchanged', async () => {
    let token = ''
    const lending = house.broker.lend(grantRequest(), async (credential) => {
      token = credential.reveal()
      throw new AegisError('upstream_unreachable', 'the upstream hung up', { data: { sent: true } })
    })
    expect(await failure(lending)).toMatchObject({ code: 'upstream_unreachable', data: { sent: true } })
    await house.broker.drain()
    expect(await isAlive(token)).toBe(false)
  })

  it('never comes out with the answer or the error of the call', async () => {
    const { value } = await house.broker.lend(grantRequest(), async (credential) => ({
      content: [{ text: `remote: https://x-access-token:${credential.reveal()}@github.com/` }],
      credential,
    }))
    expect(JSON.stringify(value)).toContain('x-access-token:[credential]@')
    const lending = house.broker.lend(grantRequest(), async (credential) => {
      const cause = { request: { headers: { authorization: `Bearer ${credential.reveal()}` } } }
      throw new AegisError('upstream_unreachable', `refused ${credential.reveal()}`, { cause, data: { sent: true } })
    })
    const error = await failure(lending)
    expect(error).toMatchObject({ code: 'upstream_unreachable', data: { sent: true } })
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/ghs_/)
  })

  it('stands on disk and in the log in no form that can be read', async () => {
    let token = ''
    house.network.requests.length = 0
    await house.broker.lend(grantRequest(), async (credential) => {
      token = credential.reveal()
      house.network.fault = new TypeError('fetch failed')
    })
    await house.broker.drain()
    expect(await unrevoked()).toBe(1)
    const folder = dirname(house.file)
    for (const name of readdirSync(folder)) expect(readFileSync(`${folder}/${name}`, 'latin1')).not.toContain(token)
    expect(house.log.lines.join('\n')).not.toContain(token)
    expect(house.log.lines.join('\n')).toContain('token not yet revoked')
    house.network.fault = null
  })
})

describe('revoking', () => {
  const tokenLeftBehind = async () => {
    let token = ''
    await house.broker.lend(grantRequest(), async (credential) => {
      token = credential.reveal()
      house.network.fault = new TypeError('fetch failed')
    })
    await house.broker.drain()
    house.network.fault = null
    return token
  }

  it('is tried again, each time later, until GitHub confirms it', async () => {
    const token = await tokenLeftBehind()
    await house.broker.drain()
    expect(await isAlive(token)).toBe(true)
    house.forge.advance(2000)
    await house.broker.drain()
    expect(await isAlive(token)).toBe(false)
    expect(await unrevoked()).toBe(0)
  })

  it('happens after a restart', async () => {
    const token = await tokenLeftBehind()
    await house.restart()
    house.forge.advance(2000)
    house.broker.start()
    await house.broker.drain()
    expect(await isAlive(token)).toBe(false)
    expect(await unrevoked()).toBe(0)
  })

  it('happens ten minutes after the mint, whether or not the call has ended', async () => {
    await house.broker.lend(grantRequest(), async (credential) => {
      house.forge.advance(599_000)
      await house.broker.drain()
      expect(await isAlive(credential.reveal())).toBe(true)
      house.forge.advance(1000)
      await house.broker.drain()
      expect(await isAlive(credential.reveal())).toBe(false)
    })
    await house.broker.drain()
    expect(await unrevoked()).toBe(0)
  })

  it('counts a token that GitHub no longer knows as revoked', async () => {
    const token = await tokenLeftBehind()
    expect((await ask(house.forge, 'DELETE /installation/token', token)).status).toBe(204)
    house.forge.advance(2000)
    await house.broker.drain()
    expect(await unrevoked()).toBe(0)
  })

  it('gives up when the token has run out by itself', async () => {
    await tokenLeftBehind()
    house.forge.advance(3_601_000)
    house.network.fault = new TypeError('fetch failed')
    await house.broker.drain()
    expect(await unrevoked()).toBe(0)
    expect(house.log.lines.join('\n')).toContain('ran out before it could be revoked')
  })

  it('says so where the installation key was replaced, counts the token until its hour is over, then drops it', async () => {
    await tokenLeftBehind()
    await house.restart({ sealKey: SEAL_KEY.map((byte) => byte ^ 1) })
    house.forge.advance(2000)
    await house.broker.drain()
    expect(house.log.lines.join('\n')).toContain('sealed with another installation key')
    expect(await unrevoked()).toBe(1)
    house.forge.advance(3_601_000)
    await house.broker.drain()
    expect(await unrevoked()).toBe(0)
  })
})

describe('credentials for reads', () => {
  const read = (more = {}) => grantRequest({ tool: 'github.get_file_contents', ...more })

  it('share one read-only token of a repository while it lives', async () => {
    const lent = await Promise.all([1, 2, 3].map(() => house.broker.lend(read(), reveal)))
    const hashes = new Set(lent.map(({ grant }) => grant.tokenSha256))
    expect(hashes.size).toBe(1)
    expect(lent[0]?.grant.scope).toBe('contents:read')
    house.forge.advance(530_000)
    expect(hashes.has((await house.broker.lend(read(), reveal)).grant.tokenSha256)).toBe(true)
    house.forge.advance(20_000)
    expect(hashes.has((await house.broker.lend(read(), reveal)).grant.tokenSha256)).toBe(false)
  })

  it('never share across repositories or permissions', async () => {
    const other = { repository: { owner: 'aegisflow', name: 'other' } }
    const lent = [read(), read(other), read({ tool: 'github.list_issues' })].map((each) =>
      house.broker.lend(each, reveal),
    )
    expect(new Set((await Promise.all(lent)).map(({ grant }) => grant.tokenSha256)).size).toBe(3)
  })

  it('are revoked when the broker is drained', async () => {
    let token = ''
    await house.broker.lend(read(), async (credential) => {
      token = credential.reveal()
    })
    expect(await isAlive(token)).toBe(true)
    await house.broker.drain()
    expect(await isAlive(token)).toBe(false)
    expect(await unrevoked()).toBe(0)
  })

  it('are minted anew after a failure', async () => {
    house.network.fault = new TypeError('fetch failed')
    await failure(house.broker.lend(read(), reveal))
    house.network.fault = null
    expect((await house.broker.lend(read(), reveal)).grant.scope).toBe('contents:read')
  })
})

describe('no credential is lent', () => {
  it.each([
    ['for a tool whose permissions are not known', { tool: 'github.create_gist' }, 'forbidden'],
    ['for a tool of another upstream', { tool: 'linear.create_issue' }, 'forbidden'],
    ['for a call that names no repository', { repository: null }, 'forbidden'],
    ['for a name that leaves the path', { repository: { owner: 'aegisflow', name: '..' } }, 'forbidden'],
    ['for an owner that is a path', { repository: { owner: 'a/b', name: 'aegisflow' } }, 'forbidden'],
    [
      'for another owner with a repository of the same name',
      { repository: { owner: 'mallory', name: 'aegisflow' } },
      'upstream_unreachable',
    ],
    [
      'for a repository the App is not installed on',
      { repository: { owner: 'aegisflow', name: 'unknown' } },
      'upstream_unreachable',
    ],
    ['by a name that is not configured', { credential: 'gitlab' }, 'config'],
  ] as const)('%s', async (_, more, code) => {
    let used = false
    const lending = house.broker.lend(grantRequest(more), async () => {
      used = true
    })
    const error = await failure(lending)
    expect(error).toMatchObject({ code, data: { sent: false } })
    expect(error.advice).not.toBeNull()
    expect(used).toBe(false)
    await house.broker.drain()
    expect(await unrevoked()).toBe(0)
  })

  it('where GitHub cannot be reached, and no request header is in the error', async () => {
    house.network.fault = Object.assign(new TypeError('fetch failed'), {
      cause: { headers: { authorization: 'Bearer eyJ' } },
    })
    const error = await failure(house.broker.lend(grantRequest(), reveal))
    expect(error).toMatchObject({ code: 'upstream_unreachable', data: { sent: false } })
    expect(inspect(error, { depth: 10 })).not.toContain('Bearer')
  })

  it('where its end cannot be queued: the token is revoked before the call is refused', async () => {
    const { revocations } = house.stores
    const full = { ...revocations, enqueue: () => Promise.reject(new Error('database or disk is full')) }
    await house.restart({ store: full })
    const error = await failure(house.broker.lend(grantRequest(), reveal))
    expect(error).toMatchObject({ code: 'evidence_unavailable', data: { sent: false } })
    expect(house.network.requests.at(-1)).toBe('DELETE /installation/token')
  })
})
