import { afterEach, describe, expect, it } from 'vitest'
import type { Principal } from '../../../src/core/ids.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import type { Limits, UpstreamConfig } from '../../../src/executors/mcp/index.ts'
import type { ClientChannel, Outcome, Upstreams } from '../../../src/gateway/ports.ts'
import { testChannel } from '../../support/client-channel.ts'
import { action, context, credential, failureOf, stdio, testLog, until, upstreamsOf } from './support.ts'

const FILE = new URL('tiny-stdio-upstream.mjs', import.meta.url).pathname
const open: Upstreams[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((upstreams) => upstreams.close()))
})

interface Tiny {
  readonly upstreams: Upstreams
  readonly log: ReturnType<typeof testLog>
  call(tool: string, parameters?: JsonObject, channel?: ClientChannel, token?: string): Promise<Outcome>
}

const own = () => testChannel()

function tiny(
  mode = 'good',
  more: Partial<UpstreamConfig> & { env?: Record<string, string> } = {},
  limits: Partial<Limits> = {},
): Tiny {
  const log = testLog()
  const upstreams = upstreamsOf({ tiny: stdio([process.execPath, FILE, mode], more) }, { log, limits })
  open.push(upstreams)
  const channel = own()
  return {
    upstreams,
    log,
    call: (tool, parameters = {}, caller = channel, token) =>
      upstreams.execute(
        action('tiny', tool, parameters),
        token === undefined ? null : credential(token),
        context(caller),
      ),
  }
}

function textOf(outcome: Outcome): string {
  if (outcome.kind === 'error') throw new Error(outcome.error.message)
  const content = outcome.result['content'] as readonly { readonly text: string }[]
  return content[0]?.text ?? ''
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a stdio upstream', () => {
  it('is one process per client', async () => {
    const { call } = tiny()
    const [alice, bob] = [own(), own()]
    const pids = [await call('pid', {}, alice), await call('pid', {}, bob), await call('pid', {}, alice)].map(textOf)
    expect(pids[0]).toBe(pids[2])
    expect(pids[0]).not.toBe(pids[1])
  })

  it('ends with its client, its grandchildren too', async () => {
    const { upstreams, call } = tiny()
    const alice = own()
    const grandchild = Number(textOf(await call('grandchild', {}, alice)))
    const leader = Number(textOf(await call('pid', {}, alice)))
    await upstreams.release(alice.key)
    await until(() => !isAlive(grandchild) && !isAlive(leader))
  })

  it('is killed where it does not end by itself', async () => {
    const { upstreams, call } = tiny('ignores end of input', {}, { graceMs: 50 })
    const pid = Number(textOf(await call('pid')))
    await upstreams.close()
    await until(() => !isAlive(pid))
  })

  it('that crashes fails the call as perhaps done, and is started again by the next one', async () => {
    const { call } = tiny()
    const first = textOf(await call('pid'))
    const error = await failureOf(call('crash'))
    expect(error.code).toBe('upstream_unreachable')
    expect(error.data).toEqual({ upstream: 'tiny', sent: true })
    expect(error.message).toContain('exited with status 3')
    expect(textOf(await call('pid'))).not.toBe(first)
  })

  it('that keeps crashing is started ever more seldom, and the calls between are surely unsent', async () => {
    const { call } = tiny('good', {}, { restartMs: 60_000 })
    await failureOf(call('crash'))
    await failureOf(call('crash'))
    const error = await failureOf(call('pid'))
    expect(error.data).toMatchObject({ sent: false })
    expect(error.message).toContain('failed 2 times in a row')
  })

  it.each([
    ['dies at start', 'exited with status 1'],
    ['unknown revision', 'unknown protocol revision'],
    ['never welcomes', 'no answer'],
  ])('that %s is unreachable and nothing was sent', async (mode, problem) => {
    const { call } = tiny(mode, mode === 'never welcomes' ? { connectTimeout: 300 } : {})
    const error = await failureOf(call('pid'))
    expect(error.code).toBe('upstream_unreachable')
    expect(error.message).toContain(problem)
    expect(error.data).toMatchObject({ upstream: 'tiny', sent: false })
  })

  it('that has not even answered the greeting ends with its client', async () => {
    const { upstreams, call } = tiny('never welcomes', { connectTimeout: 600_000 })
    const alice = own()
    const running = failureOf(call('pid', {}, alice))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await upstreams.release(alice.key)
    expect((await running).data).toMatchObject({ sent: false })
  })

  it('whose program does not exist says which and what to mend', async () => {
    const upstreams = upstreamsOf({ tiny: stdio(['/no/such/program']) })
    open.push(upstreams)
    const error = await failureOf(upstreams.execute(action('tiny', 'pid'), null, context(own())))
    expect(error.message).toContain('/no/such/program')
    expect(error.message).toContain('ENOENT')
    expect(error.advice).toContain('upstreams.tiny.command')
    expect(error.data).toMatchObject({ sent: false })
  })

  it('runs for so many clients and no more; one that leaves makes room', async () => {
    const { upstreams, call } = tiny('good', {}, { processes: 2 })
    const [alice, bob, carol] = [own(), own(), own()]
    await Promise.all([call('pid', {}, alice), call('pid', {}, bob)])
    const error = await failureOf(call('pid', {}, carol))
    expect(error.message).toContain('2 of its processes run already')
    expect(error.data).toMatchObject({ sent: false })
    await upstreams.release(bob.key)
    expect(textOf(await call('pid', {}, carol))).toMatch(/^\d+$/)
  })

  it('gives no key all of its places: another one still gets in', async () => {
    const { call } = tiny('good', {}, { processes: 4 })
    const of = (name: string) => testChannel({ principal: `key_${name}` as Principal })
    for (let session = 0; session < 3; session++) await call('pid', {}, of('greedy'))
    const error = await failureOf(call('pid', {}, of('greedy')))
    expect(error.message).toContain('3 of its processes run for this key already')
    expect(error.data).toMatchObject({ sent: false })
    expect(textOf(await call('pid', {}, of('other')))).toMatch(/^\d+$/)
  })

  it('that hangs up without ending is ended, and its calls wait no longer', async () => {
    const { call } = tiny('good', {}, { graceMs: 50 })
    const error = await failureOf(call('hang up'))
    expect(error.message).toContain('it closed its output')
    expect(error.data).toMatchObject({ sent: true })
    expect(textOf(await call('pid'))).toMatch(/^\d+$/)
  })

  it('that stops reading is ended, and started anew for the next call', async () => {
    const { call } = tiny('good', {}, { graceMs: 50 })
    expect(textOf(await call('stop reading'))).toBe('goodbye')
    await failureOf(call('pid'))
    expect(textOf(await call('pid'))).toMatch(/^\d+$/)
  })

  it('may say garbage between its answers: it is told once and ignored', async () => {
    const { call, log } = tiny()
    expect(textOf(await call('garbage'))).toBe('after the garbage')
    expect(textOf(await call('garbage'))).toBe('after the garbage')
    expect(log.lines.filter((line) => line.includes('ignored'))).toHaveLength(1)
  })

  it('may split its bytes anywhere', async () => {
    expect(await tiny().call('split utf-8')).toEqual({ kind: 'result', result: { said: 'ä€🎈' } })
  })

  it('may cut a text in the middle of a character: the half becomes U+FFFD, so that it can be recorded', async () => {
    expect(await tiny().call('surrogate half')).toEqual({ kind: 'result', result: { said: 'cut \ufffd' } })
  })

  it('takes and gives lines far over 128 KiB', async () => {
    const line = 'ä'.repeat(600 * 1024)
    expect(textOf(await tiny().call('echo', { line }))).toBe(JSON.stringify({ line }))
  })

  it('that sends a message over the limit is ended', async () => {
    const error = await failureOf(tiny('good', {}, { messageBytes: 100_000 }).call('huge'))
    expect(error.message).toContain('over 100000 bytes')
    expect(error.data).toMatchObject({ sent: true })
  })

  it('that stays silent is given up after its time', async () => {
    const error = await failureOf(tiny('good', { timeout: 300 }).call('silent'))
    expect(error.message).toContain('no answer')
    expect(error.data).toMatchObject({ sent: true })
  })

  it("waits for a person as long as they need: the client's silence is not the upstream's", async () => {
    const { call } = tiny('good', {}, { idleMs: 200 })
    const slow = testChannel({
      answer: () =>
        new Promise((resolve) => setTimeout(() => resolve({ kind: 'result', result: { action: 'accept' } }), 700)),
    })
    expect(textOf(await call('ask', { method: 'elicitation/create' }, slow))).toContain('accept')
  })

  it('gets an error where the client has no answer, and its pings from us', async () => {
    const { call } = tiny()
    const rude = testChannel({ answer: () => Promise.reject(new Error('gone')) })
    expect(textOf(await call('ask', { method: 'roots/list' }, rude))).toContain('-32000')
    expect(textOf(await call('ask', { method: 'ping' }, rude))).toBe('{}')
    expect(rude.requests.map((request) => request.method)).toEqual(['roots/list'])
  })

  it('gets the parameters as they were judged, `__proto__` too', async () => {
    const parameters: JsonObject = JSON.parse('{"__proto__":{"a":1},"b":[1,2.5,null],"c":"\\u2028"}')
    expect(JSON.parse(textOf(await tiny().call('echo', parameters)))).toEqual(parameters)
  })
})

describe('a lent credential', () => {
  const TOKEN = 'ghs_lent0123456789abcdefABCDEF'

  it('lives in a process of its own that ends with the call', async () => {
    const { call } = tiny('good', { credential: 'bot' })
    const env = JSON.parse(textOf(await call('env', {}, own(), TOKEN)))
    expect(env['GITHUB_PERSONAL_ACCESS_TOKEN']).toBe('[credential]')
    const pid = Number(textOf(await call('pid', {}, own(), TOKEN)))
    await until(() => !isAlive(pid))
    expect(JSON.parse(textOf(await call('env')))['GITHUB_PERSONAL_ACCESS_TOKEN']).toBeUndefined()
  })

  it('does not reach the log by stderr, plain or in base64', async () => {
    const { call, log } = tiny('good', { credential: 'bot' })
    const encoded = Buffer.from(`x-access-token:${TOKEN}`).toString('base64')
    await call('stderr', { line: `using ${TOKEN} as ${encoded}.` }, own(), TOKEN)
    await until(() => log.lines.some((line) => line.includes('using')))
    expect(log.lines.join()).not.toContain(TOKEN)
    expect(log.lines.join()).not.toContain(encoded)
  })

  it('is held by a bounded number of processes at a time', async () => {
    const { call } = tiny('good', { credential: 'bot' }, { lentProcesses: 2 })
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => call('pid', {}, own(), TOKEN)))
    expect(new Set(outcomes.map(textOf)).size).toBe(5)
  })
})

describe('what a stdio upstream says on stderr', () => {
  it('reaches the log without the values configured for its environment', async () => {
    const { call, log } = tiny('good', { env: { API_KEY: 'standing-secret' } })
    await call('stderr', { line: 'key is standing-secret!' })
    await until(() => log.lines.some((line) => line.includes('key is')))
    expect(log.lines.join()).toContain('key is [env API_KEY]!')
  })

  it('is cut where a line is long', async () => {
    const { call, log } = tiny()
    await call('stderr', { line: 'word '.repeat(5_000) })
    await until(() => log.lines.some((line) => line.includes('too long')))
    expect(Math.max(...log.lines.map((line) => line.length))).toBeLessThan(1_000)
  })
})

describe('a client that has gone', () => {
  it('can start nothing any more', async () => {
    const { upstreams, call } = tiny()
    const alice = own()
    await call('pid', {}, alice)
    await upstreams.release(alice.key)
    const error = await failureOf(call('pid', {}, alice))
    expect(error.message).toContain('the client has gone')
    expect(error.data).toMatchObject({ sent: false })
  })

  it('takes its running calls with it', async () => {
    const { upstreams, call } = tiny()
    const alice = own()
    await call('pid', {}, alice)
    const running = failureOf(call('silent', {}, alice))
    await new Promise((resolve) => setImmediate(resolve))
    await upstreams.release(alice.key)
    expect((await running).data).toMatchObject({ sent: true })
  })
})
