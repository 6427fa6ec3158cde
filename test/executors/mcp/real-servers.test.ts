import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import type { Outcome, Upstreams } from '../../../src/gateway/ports.ts'
import { testChannel } from '../../support/client-channel.ts'
import {
  action,
  context,
  credential,
  everythingOverHttp,
  failureOf,
  http,
  isInstalled,
  serverFile,
  stdio,
  testLog,
  until,
  upstreamsOf,
} from './support.ts'

const TOKEN = 'ghs_0123456789abcdefghijABCDEFGHIJ'
const log = testLog()
let front: { url: string; close(): Promise<void> }
let older: typeof front
let folder: string
let upstreams: Upstreams

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'aegis-upstreams-')))
  front = await everythingOverHttp()
  older = await everythingOverHttp('sse')
  const everything = [process.execPath, serverFile('server-everything'), 'stdio'] as const
  upstreams = upstreamsOf(
    {
      http: http(front.url),
      // Found out: nothing says that it speaks HTTP+SSE.
      sse: http(older.url),
      stdio: stdio(everything),
      lent: stdio(everything, { credential: 'bot', credentialEnv: 'BOT_TOKEN' }),
      files: stdio([process.execPath, serverFile('server-filesystem'), folder]),
    },
    { log },
  )
})

afterAll(async () => {
  await upstreams.close()
  await front.close()
  await older.close()
  await rm(folder, { recursive: true, force: true })
})

function textOf(outcome: Outcome): string {
  if (outcome.kind === 'error') throw new Error(outcome.error.message)
  return JSON.stringify(outcome.result)
}

async function toolNames(upstream: string, capabilities: JsonObject): Promise<unknown[]> {
  const channel = testChannel({ capabilities })
  const listed = await upstreams.request(upstream, { method: 'tools/list' }, channel, context(channel))
  await upstreams.release(channel.key)
  if (listed.kind === 'error') throw new Error(listed.error.message)
  const tools = listed.result['tools']
  return Array.isArray(tools) ? tools.map((tool: { name: unknown }) => tool.name) : []
}

describe.each(['http', 'sse', 'stdio'])('server-everything over %s', (name) => {
  it('shows its initialize result, lists its tools and runs one', async () => {
    const channel = testChannel()
    const welcome = await upstreams.initialize(name, channel, new AbortController().signal)
    expect(welcome['serverInfo']).toMatchObject({ name: 'mcp-servers/everything' })
    const outcome = await upstreams.execute(action(name, 'echo', { message: 'grüße 🎈' }), null, context(channel))
    expect(textOf(outcome)).toContain('grüße 🎈')
    await upstreams.release(channel.key)
  })

  it('offers the tools that need a capability only to a client that declares it', async () => {
    const bare = await toolNames(name, {})
    const able = await toolNames(name, { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } })
    expect(bare).not.toContain('trigger-elicitation-request')
    expect(able).toContain('trigger-elicitation-request')
    expect(able).toContain('trigger-sampling-request')
  })

  it('asks the client in the middle of a call and passes its answer on', async () => {
    const channel = testChannel({
      capabilities: { sampling: {} },
      answer: async () => ({
        kind: 'result',
        result: { role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled by the client' } },
      }),
    })
    const call = action(name, 'trigger-sampling-request', { prompt: 'hello', maxTokens: 10 })
    expect(textOf(await upstreams.execute(call, null, context(channel)))).toContain('sampled by the client')
    expect(channel.requests.map((request) => request.method)).toContain('sampling/createMessage')
    await upstreams.release(channel.key)
  })

  it("streams progress to the call that asked for it, under the client's own token", async () => {
    const channel = testChannel()
    const call = context(channel, { meta: { progressToken: 'mine' } })
    await upstreams.execute(action(name, 'trigger-long-running-operation', { duration: 0.2, steps: 2 }), null, call)
    const progress = call.heard.filter((note) => note.method === 'notifications/progress')
    expect(progress.map((note) => note.params?.['progressToken'])).toEqual(['mine', 'mine'])
    await upstreams.release(channel.key)
  })

  it('runs many calls of one client at once and gives each its own answer', async () => {
    const channel = testChannel()
    const calls = Array.from({ length: 40 }, async (_, index) => {
      const outcome = await upstreams.execute(
        action(name, 'echo', { message: `call ${index}.` }),
        null,
        context(channel),
      )
      expect(textOf(outcome)).toContain(`call ${index}.`)
    })
    await Promise.all(calls)
    await upstreams.release(channel.key)
  })

  it('ends a call whose client cancels it', async () => {
    const channel = testChannel()
    const abort = new AbortController()
    const call = context(channel, { signal: abort.signal, meta: { progressToken: 1 } })
    const running = failureOf(
      upstreams.execute(action(name, 'trigger-long-running-operation', { duration: 60, steps: 600 }), null, call),
    )
    await until(() => call.heard.length > 0)
    abort.abort()
    expect((await running).data).toMatchObject({ sent: true, cancelled: true })
    await upstreams.release(channel.key)
  })

  it('runs a call that has no client', async () => {
    const call = context(null, { meta: { progressToken: 'dropped' } })
    expect(textOf(await upstreams.execute(action(name, 'echo', { message: 'api' }), null, call))).toContain('api')
  })

  it('passes other requests through', async () => {
    const channel = testChannel()
    const prompts = await upstreams.request(name, { method: 'prompts/list' }, channel, context(channel))
    expect(textOf(prompts)).toContain('simple-prompt')
    const unknown = await upstreams.request(name, { method: 'no/such' }, channel, context(channel))
    expect(unknown).toMatchObject({ kind: 'error', error: { code: -32601 } })
    await upstreams.release(channel.key)
  })
})

describe('a stdio upstream with a credential', () => {
  it('holds it for the one call only, and nothing it says of it comes back', async () => {
    const channel = testChannel()
    const call = action('lent', 'get-env')
    const lent = textOf(await upstreams.execute(call, credential(TOKEN), context(channel)))
    expect(lent).toContain('BOT_TOKEN')
    expect(lent).toContain('[credential]')
    expect(lent).not.toContain(TOKEN)
    const plain = textOf(await upstreams.execute(call, null, context(channel)))
    expect(plain).not.toContain('BOT_TOKEN')
    expect(log.lines.join()).not.toContain(TOKEN)
    await upstreams.release(channel.key)
  })

  it('gives the child PATH, HOME and LANG of our environment and nothing else', async () => {
    process.env['AEGIS_TEST_SECRET'] = 'never to be seen'
    const channel = testChannel()
    const seen = textOf(await upstreams.execute(action('stdio', 'get-env'), null, context(channel)))
    expect(seen).toContain('PATH')
    expect(seen).not.toContain('AEGIS_TEST_SECRET')
    await upstreams.release(channel.key)
  })
})

describe('server-filesystem', () => {
  it('really writes what was judged', async () => {
    const channel = testChannel({ protocolVersion: '2025-06-18' })
    const path = join(folder, 'note.txt')
    const outcome = await upstreams.execute(
      action('files', 'write_file', { path, content: 'written' }),
      null,
      context(channel),
    )
    expect(textOf(outcome)).toContain('note.txt')
    expect(await readFile(path, 'utf8')).toBe('written')
    await upstreams.release(channel.key)
  })
})

describe.runIf(isInstalled('server-github'))('server-github, which speaks the oldest revision', () => {
  it('lists its tools without a credential', async () => {
    const upstreams = upstreamsOf({
      github: stdio([process.execPath, serverFile('server-github')], { catalog: 'github', credential: 'bot' }),
    })
    const channel = testChannel()
    const welcome = await upstreams.initialize('github', channel, new AbortController().signal)
    expect(welcome['protocolVersion']).toBe('2024-11-05')
    const listed = await upstreams.request('github', { method: 'tools/list' }, channel, context(channel))
    expect(textOf(listed)).toContain('"create_pull_request"')
    await upstreams.close()
  })
})
