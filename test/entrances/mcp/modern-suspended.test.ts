import { describe, expect, it } from 'vitest'
import type { Principal } from '../../../src/core/ids.ts'
import { ModernClient } from '../../../src/entrances/mcp/modern/client.ts'
import { RunningCall } from '../../../src/entrances/mcp/modern/running-call.ts'
import { createSuspended } from '../../../src/entrances/mcp/modern/suspended.ts'
import type { Outcome } from '../../../src/gateway/ports.ts'
import { OTHER_KEY, openDoor } from '../../support/mcp-door.ts'
import { askModern, META, type ModernAnswer, type ModernRequest } from '../../support/modern.ts'
import { handClock, systemRandom } from '../../support/world.ts'

const text = (value: unknown) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] })
const ELICIT = { method: 'elicitation/create', params: { message: 'who?', requestedSchema: { type: 'object' } } }
const SAMPLE = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 9 } }
const stopped: string[] = []

const door = openDoor({
  files: {
    tools: {
      async ask(call, signal) {
        signal.addEventListener('abort', () => stopped.push(String(signal.reason)))
        const progressToken = call.meta?.['progressToken'] ?? ''
        const first = await call.channel?.request('files', ELICIT, signal)
        call.onNotification?.({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
        return text(first)
      },
      async twice(call, signal) {
        const first = await call.channel?.request('files', ELICIT, signal)
        const second = await call.channel?.request('files', SAMPLE, signal)
        return text([first, second])
      },
      async both(call, signal) {
        return text(
          await Promise.all([ELICIT, SAMPLE].map((request) => call.channel?.request('files', request, signal))),
        )
      },
      async shy(call, signal) {
        const withdrawn = AbortSignal.abort()
        const outcome = await call.channel?.request('files', ELICIT, withdrawn).catch(() => 'taken back')
        return text([outcome, signal.aborted])
      },
    },
    async answer(method, _, channel): Promise<Outcome> {
      if (method !== 'resources/read') return { kind: 'error', error: { code: -32601, message: 'no' } }
      const outcome = await channel.request('files', ELICIT, new AbortController().signal)
      return { kind: 'result', result: { contents: [{ uri: 'file:///a', text: JSON.stringify(outcome) }] } }
    },
  },
})

const ask = (request: ModernRequest) => askModern(door.app, request)
const call = (name: string, more: Partial<ModernRequest> = {}, params: object = {}) =>
  ask({ method: 'tools/call', params: { name, ...params }, ...more })
const stateOf = ({ result }: ModernAnswer): string => result?.requestState ?? ''
const ALICE = { 'input-1': { action: 'accept', content: { name: 'Alice' } } }

describe('a call during which an upstream of an earlier revision asks the client', () => {
  it('is answered with what is asked, and goes on with the answer', async () => {
    const before = door.calls.length
    const first = await call('ask')
    expect(first.result).toEqual({
      resultType: 'input_required',
      inputRequests: { 'input-1': ELICIT },
      requestState: expect.any(String),
    })
    const second = await call('ask', { id: 2 }, { inputResponses: ALICE, requestState: stateOf(first) })
    expect(second).toMatchObject({ id: 2, result: { resultType: 'complete' } })
    expect(second.result?.content?.[0]?.text).toContain('Alice')
    expect(door.calls.length).toBe(before + 1)
  })

  it('may ask again and again', async () => {
    const first = await call('twice')
    const second = await call('twice', {}, { inputResponses: ALICE, requestState: stateOf(first) })
    expect(second.result).toMatchObject({ resultType: 'input_required', inputRequests: { 'input-2': SAMPLE } })
    const inputResponses = { 'input-2': { role: 'assistant', model: 'm', content: { type: 'text', text: 'Paris' } } }
    const third = await call('twice', {}, { inputResponses, requestState: stateOf(second) })
    expect(third.result?.content?.[0]?.text).toContain('Paris')
  })

  it('puts questions that come together to the client together, and asks again for what was left out', async () => {
    const first = await call('both')
    expect(first.result).toMatchObject({ inputRequests: { 'input-1': ELICIT, 'input-2': SAMPLE } })
    const second = await call('both', {}, { inputResponses: { ...ALICE, other: {} }, requestState: stateOf(first) })
    expect(second.result).toMatchObject({ resultType: 'input_required', inputRequests: { 'input-2': SAMPLE } })
    const rest = { 'input-2': { model: 'm' } }
    const third = await call('both', {}, { inputResponses: rest, requestState: stateOf(second) })
    expect(third.result).toMatchObject({ resultType: 'complete' })
  })

  it('tells the progress of a later leg under the token of that leg', async () => {
    const first = await call('ask', { meta: { progressToken: 'first' } })
    const more = { inputResponses: ALICE, requestState: stateOf(first) }
    const { told } = await call('ask', { meta: { progressToken: 'second' } }, more)
    expect(told.map(({ params }) => params?.['progressToken'])).toEqual(['second'])
  })

  it('may be a read of a resource as well', async () => {
    const first = await ask({ method: 'resources/read', params: { uri: 'file:///a' } })
    expect(first.result).toMatchObject({ resultType: 'input_required' })
    expect(first.result).not.toHaveProperty('ttlMs')
    const params = { uri: 'file:///a', inputResponses: ALICE, requestState: stateOf(first) }
    expect(JSON.stringify((await ask({ method: 'resources/read', params })).result)).toContain('Alice')
  })

  it.each([
    ['elicitation', {}, 'elicitation'],
    ['elicitation', { sampling: {} }, 'elicitation'],
  ])('asks no client for the %s it has not declared', async (_, capabilities, missing) => {
    const { result } = await call('ask', { meta: { [META.capabilities]: capabilities } })
    expect(result?.content?.[0]?.text).toContain(`has not declared \`${missing}\``)
  })

  it('forgets a question that the upstream took back', async () => {
    expect((await call('shy')).result?.content?.[0]?.text).toBe('["taken back",false]')
  })
})

describe('a requestState of ours', () => {
  const refused = { status: 200, error: { code: -32602, message: expect.stringContaining('unknown `requestState`') } }
  const changes: [string, (state: string) => ModernRequest][] = [
    ['nobody gave out', () => tool({ requestState: `aegis-${'A'.repeat(32)}` })],
    ['an upstream might have given out, where none of its revision is', () => tool({ requestState: 'theirs' })],
    ['was changed', (state) => tool({ requestState: `${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}` })],
    ['was cut', (state) => tool({ requestState: state.slice(0, -4) })],
    [
      'comes with another key',
      (state) => ({ ...tool({ requestState: state }), headers: { authorization: `Bearer ${OTHER_KEY}` } }),
    ],
    ['comes with another tool', (state) => tool({ name: 'twice', requestState: state })],
    ['comes with other arguments', (state) => tool({ arguments: { a: 1 }, requestState: state })],
    ['comes with another method', (state) => ({ method: 'prompts/get', params: { name: 'ask', requestState: state } })],
    ['comes to another endpoint', (state) => ({ ...tool({ name: 'files__ask', requestState: state }), path: '/mcp' })],
  ]
  function tool(params: object): ModernRequest {
    return { method: 'tools/call', params: { name: 'ask', ...params } }
  }

  it.each(changes)('that %s is unknown, like any other, and its call goes on', async (_, change) => {
    const first = await call('ask')
    const before = door.calls.length
    expect(await ask(change(stateOf(first)))).toMatchObject(refused)
    expect(door.calls.length).toBe(before)
    const second = await call('ask', {}, { inputResponses: ALICE, requestState: stateOf(first) })
    expect(second.result).toMatchObject({ resultType: 'complete' })
  })

  it('holds for one leg', async () => {
    const first = await call('ask')
    const params = { inputResponses: ALICE, requestState: stateOf(first) }
    await call('ask', {}, params)
    expect(await call('ask', {}, params)).toMatchObject(refused)
  })

  it.each([
    ['requestState', 1],
    ['inputResponses', []],
  ])('is refused where `%s` is %j', async (member, value) => {
    expect(await call('ask', {}, { [member]: value })).toMatchObject({ error: { code: -32602 } })
  })

  it('is not needed: answers to nothing are ignored', async () => {
    const first = await call('ask', {}, { inputResponses: ALICE })
    expect(first.result).toMatchObject({ resultType: 'input_required' })
  })
})

describe('a suspended call', () => {
  const alice = 'key_alice' as Principal
  const bob = 'key_bob' as Principal
  const never = () => new Promise<Outcome>(() => undefined)
  const untilAborted = (signal: AbortSignal) =>
    new Promise<Outcome>((resolve) => {
      signal.addEventListener('abort', () =>
        resolve({ kind: 'error', error: { code: 0, message: String(signal.reason) } }),
      )
    })
  const running = (run: (signal: AbortSignal) => Promise<Outcome>) =>
    new RunningCall({ token: 't', askable: true }, ({ signal }) => run(signal))
  const leg = (controller = new AbortController()) => ({ signal: controller.signal, tell: () => undefined })

  it('ends when its client has not come back for ten minutes', async () => {
    const clock = handClock()
    const suspended = createSuspended({ clock, random: systemRandom })
    const one = running(untilAborted)
    void one.serve(leg())
    const state = suspended.put(one, alice, 'x')
    clock.advance(10 * 60_000)
    suspended.tick()
    clock.advance(1)
    expect(suspended.take(state, alice, 'x')).toBe(null)
    suspended.tick()
    expect(await one.work).toMatchObject({ error: { message: expect.stringContaining('did not come back') } })
  })

  it('is one of 64 of its key at most', () => {
    const suspended = createSuspended({ clock: handClock(), random: systemRandom })
    for (let count = 0; count < 64; count++) suspended.put(running(never), alice, 'x')
    expect([suspended.room(alice), suspended.room(bob)]).toEqual([false, true])
  })

  it('ends with the server', async () => {
    const suspended = createSuspended({ clock: handClock(), random: systemRandom })
    const one = running(untilAborted)
    void one.serve(leg())
    suspended.put(one, alice, 'x')
    await suspended.close()
    expect(await one.work).toMatchObject({ error: { message: expect.stringContaining('server stops') } })
  })

  it('ends when the client of its present leg goes away, and not with an earlier one', async () => {
    const one = running(untilAborted)
    const first = new AbortController()
    const asked = one.ask(ELICIT, new AbortController().signal)
    expect(await one.serve(leg(first))).toBe(null)
    first.abort()
    const second = new AbortController()
    const served = one.serve(leg(second), { 'input-1': {} })
    expect(await asked).toEqual({ kind: 'result', result: {} })
    second.abort()
    expect(await served).toMatchObject({ error: { message: expect.stringContaining('the client has gone') } })
  })

  it('tells with the next leg what nobody heard in between, the latest 32 of it', async () => {
    const one = running(never)
    void one.ask(ELICIT, new AbortController().signal)
    expect(await one.serve(leg())).toBe(null)
    for (let progress = 1; progress <= 40; progress++)
      one.tell({ method: 'notifications/progress', params: { progress } })
    const heard: unknown[] = []
    void one.serve({ ...leg(), tell: ({ params }) => heard.push(params?.['progress']) })
    expect(heard).toEqual(Array.from({ length: 32 }, (_, at) => at + 9))
  })

  it('takes 64 open questions and no more', async () => {
    const one = running(never)
    const { signal } = new AbortController()
    const asked = Array.from({ length: 65 }, () => one.ask(ELICIT, signal))
    await expect(asked[64]).rejects.toThrow('too many')
    expect(Object.keys(one.questions()).length).toBe(64)
  })

  it('is asked what its upstream says is its own, whichever else is at work', async () => {
    const claims = { capabilities: { elicitation: {} }, info: {}, protocolVersion: '2026-07-28' }
    const client = new ModernClient('key', alice, claims, () => true)
    const [first, second] = [running(never), running(never)]
    for (const one of [first, second]) {
      client.follow(one, 'echo')
      void one.serve(leg())
    }
    const { signal } = new AbortController()
    void client.channel.request('files', ELICIT, signal, first)
    expect([first.questions(), second.questions()]).toEqual([{ 'input-1': ELICIT }, {}])
    void client.channel.request('files', ELICIT, signal, new Object())
    expect(second.questions()).toEqual({ 'input-1': ELICIT })
  })

  it('is not asked where it belongs to nobody who listens', async () => {
    const client = new ModernClient(
      'key',
      'key_one' as Principal,
      { capabilities: { roots: {} }, info: {}, protocolVersion: '2026-07-28' },
      () => true,
    )
    await expect(
      client.channel.request('files', { method: 'roots/list' }, new AbortController().signal),
    ).rejects.toThrow('no call of this client')
  })
})
