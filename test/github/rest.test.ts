import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import { createGithubRest, createRestMemory, type RestOptions, statusOf } from '../../src/github/index.ts'
import { REFUSALS, spentUntil } from '../../starter-kit/forge/index.ts'
import { REPO, type TestForge, testForge } from '../forge/harness.ts'
import { lie, type Spoiling, spoiling } from '../forge/spoiling.ts'

let forge: TestForge
let stage: Spoiling
let secret: string
let time = 0
const clock = { now: () => 1_800_000_000_000 + time, elapsed: () => time }

beforeAll(async () => {
  stage = spoiling()
  forge = await testForge(stage)
  secret = await forge.token()
})
beforeEach(() => stage.clear())
afterAll(() => forge.stop())

const rest = (more: Partial<RestOptions> = {}) =>
  createGithubRest({ apiUrl: `${forge.url}/`, fetch, clock, token: async () => secret, ...more })
const statuses = (): number[] => stage.seen.map(({ status }) => status)

async function failure(work: Promise<unknown>): Promise<AegisError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof AegisError)) throw new Error(`no error of ours: ${String(error)}`)
  return error
}

/** A server of the test's own; `close` before the test ends. */
async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('reading', () => {
  it('asks again with the ETag, and takes a 304 for the answer it has', async () => {
    const api = rest()
    const first = await api.get(REPO)
    expect(await api.get(REPO)).toMatchObject({ body: first.body, moved: null })
    expect(statuses()).toEqual([200, 304])
  })

  it('takes an answer of the last two seconds where that will do, and what a SHA names for good', async () => {
    const api = rest()
    for (const keep of [60_000, 'for good'] as const) {
      stage.clear()
      for (const wait of [0, 1999, 2000]) {
        time += wait
        await api.get(`${REPO}/branches`, { keep })
      }
      // The first answer of this path is kept for good by the second round.
      expect(statuses()).toEqual(keep === 60_000 ? [200, 304] : [])
    }
  })

  it('keeps the answers of one subject from another', async () => {
    const memory = createRestMemory(clock)
    await rest({ memory, subject: 'one' }).get(REPO, { keep: 'for good' })
    await rest({ memory, subject: 'other' }).get(REPO, { keep: 'for good' })
    expect(statuses()).toEqual([200, 200])
  })

  it('lets many share one request, and who leaves early leaves the others their answer', async () => {
    stage.spoil(/./, { kind: 'slow', milliseconds: 150 })
    const api = rest()
    const leaver = new AbortController()
    const asked = [leaver.signal, new AbortController().signal].map((signal) => api.get(REPO, { keep: 60_000, signal }))
    leaver.abort(new Error('gone'))
    await expect(asked[0]).rejects.toThrow('gone')
    await expect(asked[1]).resolves.toMatchObject({ moved: null })
    expect(stage.seen).toHaveLength(1)
  })

  it('walks pages to the end or to its limit, and never to an address it is told', async () => {
    const api = rest()
    const path = `${REPO}/commits`
    const found = await api.pages(path, { most: 3 })
    expect(found).toMatchObject({ complete: true, items: [{}] })
    const endless = createServer((_, response) => {
      response.setHeader('link', '<http://127.0.0.1:1/steal?page=2>; rel="next"')
      response.end('[1]')
    })
    const port = await listening(endless)
    const pages = await rest({ apiUrl: `http://127.0.0.1:${port}` }).pages('/x', { most: 4 })
    endless.close()
    expect(pages).toMatchObject({ complete: false, items: [1, 1, 1, 1] })
  })

  it('refuses what is no list, no JSON, or longer than asked for', async () => {
    expect((await failure(rest().pages(REPO, { most: 1 }))).message).toContain('gives no list')
    expect((await failure(rest().get(REPO, { limit: 100 }))).message).toContain('longer than 100 bytes')
    stage.spoil(/./, { kind: 'garble', text: '{' })
    expect((await failure(rest().get(REPO))).message).toContain('is no JSON')
    stage.clear()
    stage.spoil(/./, { kind: 'refuse', status: 304, message: '' })
    expect((await failure(rest().get(REPO))).message).toContain('what it never gave')
  })

  it.each([
    '/repos/a/b/../../c',
    '/repos/a/%2e%2E/c',
    '//other.example/x',
    'repos/a/b',
    '/repos/a/b\\c',
    '/repos/a b',
    '/repos/ä',
  ])('refuses the path %s, which would be another one', async (path) => {
    expect(await failure(rest().get(path))).toMatchObject({ code: 'invalid_request', data: { sent: false } })
    expect(stage.seen).toEqual([])
  })
})

describe('a failure', () => {
  it('says the status, what GitHub said and what to do, and never the token', async () => {
    stage.spoil(/./, { ...REFUSALS.forbidden, message: `no\u202e${'x'.repeat(500)}` })
    const error = await failure(rest().get(REPO))
    expect(statusOf(error)).toBe(403)
    expect(error.message).toMatch(/^GET \/repos\/aegisflow\/aegisflow: GitHub answers 403 \(no x+\)$/)
    expect(error.message.length).toBeLessThan(300)
    expect(error).toMatchObject({
      code: 'upstream_unreachable',
      advice: expect.stringContaining('contents=read'),
      data: { sent: true },
    })
    stage.clear()
    stage.spoil(/./, { kind: 'hang-up' })
    for (const one of [error, await failure(rest().get(REPO))]) {
      expect(JSON.stringify([one.message, one.stack, one.advice, one.data, String(one.cause)])).not.toContain(secret)
      expect(one.cause).toBeUndefined()
    }
  })

  it('names what GitHub does not take', async () => {
    const error = await failure(rest().send('POST', `${REPO}/pulls`, { title: 't', head: 'nowhere', base: 'main' }))
    expect(error.message).toContain('422 (Validation Failed; PullRequest head invalid)')
    const conflict = await failure(
      rest().send('PUT', `${REPO}/contents/README.md`, { message: 'm', content: '', sha: 'x', branch: 'main' }),
    )
    expect([statusOf(conflict), conflict.advice]).toEqual([409, expect.stringContaining('look again')])
  })

  it('tells whether anything can have reached GitHub', async () => {
    const nobody = rest({ apiUrl: `http://127.0.0.1:${await closedPort()}` })
    expect(await failure(nobody.send('POST', '/x', {}))).toMatchObject({
      data: { sent: false },
      message: expect.stringContaining('ECONNREFUSED'),
    })
    stage.spoil(/./, { kind: 'hang-up' })
    expect(await failure(rest().send('POST', '/x', {}))).toMatchObject({ data: { sent: true } })
  })

  it('of the credential itself is passed on as it is', async () => {
    const lost = new AegisError('forbidden', 'no credential', { data: { sent: false } })
    const reject = async (): Promise<never> => {
      throw lost
    }
    expect(await failure(rest({ token: reject }).get(REPO))).toBe(lost)
    expect(await failure(rest({ fetch: reject }).get(REPO))).toBe(lost)
  })

  it('may be that the caller waits no longer', async () => {
    stage.spoil(/./, { kind: 'slow', milliseconds: 500 })
    const error = await failure(rest().get(REPO, { signal: AbortSignal.timeout(50) }))
    expect(error.message).toContain('failed')
    // The forge answers all the same, and is not to be heard by the next test.
    await expect.poll(() => stage.seen.length).toBe(1)
  })
})

describe("GitHub's wish for a pause", () => {
  it.each([
    ['429 with Retry-After', REFUSALS.tooMany, 30],
    ['the secondary limit', REFUSALS.secondary, 60],
    ['the primary limit, spent until a time', spentUntil(1_800_000_000 + 900), 900],
    ['no time', { kind: 'refuse', status: 429, message: 'slow down' } as const, 60],
    ['a time long ago', spentUntil(1), 1],
    ['a time without end', { ...REFUSALS.tooMany, headers: { 'retry-after': '999999999' } }, 3600],
  ])('is kept: %s', async (_, fault, seconds) => {
    time = 0
    const memory = createRestMemory(clock)
    const mine = { memory, account: 'installation' }
    stage.spoil(/./, fault)
    expect((await failure(rest(mine).get(REPO))).data).toMatchObject({ retry_after: seconds })
    stage.clear()
    time = seconds * 1000 - 1
    const early = await failure(rest({ ...mine, subject: 'another repository' }).send('POST', '/x', {}))
    expect(early.data).toEqual({ sent: false, status: 429, retry_after: 1 })
    expect(stage.seen).toEqual([])
    await rest({ memory, account: 'somebody else' }).get(REPO)
    time += 1
    await rest(mine).get(REPO)
    expect(statuses()).toEqual([200, 304])
  })
})

describe('a renamed repository', () => {
  it('is read under its number, and written under its present name only', async () => {
    const owner = forge.person('olive', 'OWNER')
    const api = rest({ token: async () => owner })
    await api.send('PATCH', REPO, { name: 'aegis' })
    stage.clear()
    expect(await api.get(`${REPO}/branches/main`)).toMatchObject({ moved: 1000, body: { name: 'main' } })
    expect(stage.seen.map(({ path }) => path)).toEqual([`${REPO}/branches/main`, '/repositories/1000/branches/main'])
    expect(await api.get(`${REPO}/branches/main`)).toMatchObject({ moved: 1000, body: { name: 'main' } })
    expect(statuses()).toEqual([301, 200, 301, 304])
    expect(await api.pages(`${REPO}/branches`, { most: 2 })).toMatchObject({ moved: 1000, items: [{}, {}] })
    const write = await failure(api.send('POST', `${REPO}/issues`, { title: 't' }))
    expect([statusOf(write), write.advice]).toEqual([307, 'the repository goes by another name now: use that one'])
  })

  it.each([
    ['another origin', 'http://127.0.0.1:1/repositories/1000'],
    ['no repository', '/login'],
    ['a folder above the API', '/../repositories/1000'],
    ['an id that is none', '/repositories/x'],
  ])('is not followed to %s', async (_, location) => {
    stage.spoil(/^\/api\/v3/, { kind: 'refuse', status: 301, message: 'Moved', headers: { location } })
    const error = await failure(rest({ apiUrl: `${forge.url}/api/v3` }).get(REPO))
    expect(statusOf(error)).toBe(301)
    expect(stage.seen).toHaveLength(1)
  })

  it('is not followed twice', async () => {
    const location = `${forge.url}/repositories/7`
    stage.spoil(/./, { kind: 'refuse', status: 301, message: 'Moved', headers: { location } })
    expect(statusOf(await failure(rest().get(REPO)))).toBe(301)
    expect(stage.seen).toHaveLength(2)
  })
})

describe('memory', () => {
  it('is bounded, and forgets what was used least lately', async () => {
    const memory = createRestMemory(clock)
    const kept = { body: null, links: { next: false, last: null }, moved: null, etag: '"x"', at: 0 }
    const MiB = 1024 * 1024
    memory.keep('too large', { ...kept, size: 33 * MiB })
    for (let number = 0; number < 9; number += 1) {
      memory.keep(`${number}`, { ...kept, size: 7.5 * MiB })
      memory.kept('0')
    }
    expect(memory.kept('too large')).toBeUndefined()
    expect([0, 1, 8].map((number) => memory.kept(`${number}`) !== undefined)).toEqual([true, false, true])
    for (let number = 0; number < 5000; number += 1) memory.keep(`small ${number}`, { ...kept, size: 1 })
    expect([0, 4999].map((number) => memory.kept(`small ${number}`) !== undefined)).toEqual([false, true])
  })

  it('holds no answer that was a lie about what was asked before', async () => {
    const api = rest()
    stage.spoil(/repositories\/1000$/, lie('private', 'no'))
    await api.get(REPO)
    stage.clear()
    expect(await api.get(REPO)).toMatchObject({ body: { private: true } })
  })
})
