import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GATEWAY_STEPS } from '../../src/core/catalog/index.ts'
import type { Credential } from '../../src/credentials/index.ts'
import { APP_ID, ask, INSTALLATION, REPO } from '../forge/harness.ts'
import { grantRequest, type House, lendingHouse, SEAL_KEY } from './lending-house.ts'

let house: House
beforeEach(async () => {
  house = await lendingHouse()
})
afterEach(() => house.close())

const reveal = async (credential: Credential) => credential.reveal()
const isAlive = async (token: string) => (await ask(house.forge, `GET ${REPO}`, token)).status === 200
const read = () => grantRequest({ tool: 'github.get_file_contents' })

describe('the end of a token', () => {
  it('is recorded once GitHub has confirmed it, with its App and its installation', async () => {
    const request = grantRequest()
    const { grant } = await house.broker.lend(request, async () => {
      expect(house.endings.list).toEqual([])
    })
    await house.broker.drain()
    expect(house.endings.list).toEqual([
      {
        type: 'github_app_installation',
        scope: grant.scope,
        tokenSha256: grant.tokenSha256,
        envelope: request.envelope,
        issuedAt: grant.issuedAt,
        how: 'revoked',
        at: expect.any(Number),
        app: String(APP_ID),
        installation: INSTALLATION,
      },
    ])
  })

  it('delays no answer: the call is done while its record still waits', async () => {
    const waiting: (() => void)[] = []
    await house.restart({
      ended: () =>
        new Promise((resolve) => {
          waiting.push(resolve)
        }),
    })
    await house.broker.lend(grantRequest(), async () => undefined)
    await vi.waitFor(() => expect(waiting).toHaveLength(1))
    expect(await house.stores.revocations.count()).toBe(1)
    const drained = house.broker.drain()
    for (const record of waiting) record()
    await drained
    expect(await house.stores.revocations.count()).toBe(0)
  })

  it('is not forgotten where it cannot be recorded: the row stays, and both are tried again', async () => {
    house.endings.fault = new Error('nothing may be written')
    await house.broker.lend(grantRequest(), async () => undefined)
    await house.broker.drain()
    expect(await house.stores.revocations.count()).toBe(1)
    expect(house.log.lines.join('\n')).toContain('the end of a token could not be recorded yet')
    house.endings.fault = null
    house.forge.advance(2000)
    await house.broker.drain()
    expect(house.endings.list).toMatchObject([{ how: 'revoked' }])
    expect(await house.stores.revocations.count()).toBe(0)
  })

  it('is recorded after a restart too, with who had issued it', async () => {
    await house.broker.lend(grantRequest(), async () => {
      house.network.fault = new TypeError('fetch failed')
    })
    await house.broker.drain()
    house.network.fault = null
    await house.restart()
    house.forge.advance(2000)
    await house.broker.drain()
    expect(house.endings.list).toMatchObject([{ how: 'revoked', app: String(APP_ID), installation: INSTALLATION }])
  })

  it('is told as an expiry where nobody confirmed it within its hour', async () => {
    const { grant } = await house.broker.lend(grantRequest(), async () => {
      house.network.fault = new TypeError('fetch failed')
    })
    await house.broker.drain()
    house.forge.advance(3_601_000)
    await house.broker.drain()
    expect(house.endings.list).toMatchObject([{ how: 'expired', at: grant.issuedAt + 3_600_000 }])
    house.network.fault = null
  })

  it('is told without its issuer where its row cannot be opened any more', async () => {
    await house.broker.lend(grantRequest(), async () => {
      house.network.fault = new TypeError('fetch failed')
    })
    await house.broker.drain()
    house.network.fault = null
    await house.restart({ sealKey: SEAL_KEY.map((byte) => byte ^ 1) })
    expect(await house.broker.tokens()).toMatchObject([{ state: 'unreadable', app_id: null }])
    house.forge.advance(3_601_000)
    await house.broker.drain()
    house.forge.advance(3_601_000)
    await house.broker.drain()
    expect(house.endings.list).toMatchObject([{ how: 'expired', app: null, installation: null }])
  })
})

describe('the tokens that are out', () => {
  it('are listed from the mint until GitHub has confirmed their end, and never show themselves', async () => {
    let token = ''
    await house.broker.lend(grantRequest(), async (credential, grant) => {
      token = credential.reveal()
      expect(await house.broker.tokens()).toMatchObject([
        { token_sha256: grant.tokenSha256, state: 'live', attempts: 0, scope: 'pull_requests:write,contents:read' },
      ])
      house.network.fault = new TypeError('fetch failed')
    })
    await house.broker.drain()
    const [waiting] = await house.broker.tokens()
    expect(waiting).toMatchObject({ state: 'ending', attempts: 1, installation_id: INSTALLATION })
    expect(JSON.stringify([waiting, house.broker.configured()])).not.toContain(token)
    house.network.fault = null
    house.forge.advance(2000)
    await house.broker.drain()
    expect(await house.broker.tokens()).toEqual([])
  })

  it('can be ended by hand while their call still runs', async () => {
    await house.broker.lend(grantRequest(), async (credential, { tokenSha256 }) => {
      expect(await house.broker.revoke(tokenSha256.slice(0, 8), 'key_admin')).toEqual({ tokenSha256, revoked: true })
      expect(await isAlive(credential.reveal())).toBe(false)
    })
    expect(house.log.lines.join('\n')).toContain('"by":"key_admin"')
    await house.broker.drain()
    expect(house.endings.list).toHaveLength(1)
  })

  it('whose end was confirmed while their call ran are recorded once', async () => {
    await house.broker.lend(grantRequest(), async () => {
      house.forge.advance(600_000)
      await house.broker.drain()
    })
    await house.broker.drain()
    expect(house.endings.list).toHaveLength(1)
  })

  it('are not lent to the next read once they were ended', async () => {
    const first = await house.broker.lend(read(), reveal)
    expect((await house.broker.revoke(first.grant.tokenSha256, 'key_admin')).revoked).toBe(true)
    const next = await house.broker.lend(read(), async (credential) => isAlive(credential.reveal()))
    expect(next.value).toBe(true)
    expect(next.grant.tokenSha256).not.toBe(first.grant.tokenSha256)
  })

  it.each([
    ['', 'invalid_params'],
    ['abcdefg', 'invalid_params'],
    ['%%%%%%%%', 'invalid_params'],
    ['00000000', 'not_found'],
  ])('are not ended for %j', async (prefix, code) => {
    await house.broker.lend(read(), reveal)
    await expect(house.broker.revoke(prefix, 'key_admin')).rejects.toMatchObject({ code, advice: expect.any(String) })
    expect(await house.broker.tokens()).toHaveLength(1)
  })
})

describe('what GitHub itself holds back', () => {
  const PATH = '.github/workflows/new.yml'
  const change = (token: string) =>
    ask(house.forge, `PUT ${REPO}/contents/${PATH}`, token, {
      message: 'ci: run this too',
      content: Buffer.from('on: push\n').toString('base64'),
      branch: 'claude/fix-flaky-evidence-test',
    })
  const write = (approved: boolean) =>
    grantRequest({ tool: 'github.create_or_update_file', parameters: { path: PATH }, approved })

  it('a change of a workflow that nobody approved, though policy let it through', async () => {
    const { value, grant } = await house.broker.lend(write(false), async (credential) => change(credential.reveal()))
    expect(grant.scope).toBe('contents:write')
    expect(value.status).toBe(403)
  })

  it('and not one that a person approved', async () => {
    const { value, grant } = await house.broker.lend(write(true), async (credential) => change(credential.reveal()))
    expect(grant.scope).toBe('contents:write,workflows:write')
    expect(value.status).toBe(201)
  })
})

describe('reading facts', () => {
  it('makes do with what the installation has, and says what that is', async () => {
    const { value, grant } = await house.broker.lend(grantRequest({ tool: GATEWAY_STEPS.facts }), async (credential) =>
      isAlive(credential.reveal()),
    )
    expect(value).toBe(true)
    expect(grant.scope).toMatch(/contents:read.*metadata:read.*pull_requests:read/)
    expect(grant.scope).not.toContain('write')
  })
})
