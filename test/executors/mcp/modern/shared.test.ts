import { resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Principal } from '../../../../src/core/ids.ts'
import type { ClientChannel, Upstreams } from '../../../../src/gateway/ports.ts'
import { testChannel } from '../../../support/client-channel.ts'
import { action, context, failureOf, stdio, upstreamsOf } from '../support.ts'

const STDIO = resolve(import.meta.dirname, '../../../../dist/test/fixtures/conformance/stdio.js')
const ALICE = 'key_alice' as Principal
const BOB = 'key_bob' as Principal

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** An upstream of the modern era that may have so many processes, and is known to be one. */
async function known(processes: number): Promise<Upstreams> {
  const all = upstreamsOf({ up: stdio([process.execPath, STDIO, 'modern']) }, { limits: { processes } })
  closing.push(() => all.close())
  const first = testChannel({ protocolVersion: '2026-07-28' })
  await call(all, first)
  await all.release(first.key)
  return all
}

const call = (all: Upstreams, channel: ClientChannel, tool = 'test_simple_text') =>
  all.execute(action('up', tool), null, context(channel))
const client = (principal: Principal, capabilities = {}) =>
  testChannel({ protocolVersion: '2026-07-28', principal, capabilities })

describe('a program of the modern era', () => {
  it('serves all clients of one key by one process, each as what it says it is', async () => {
    const all = await known(1)
    const able = await call(all, client(ALICE, { sampling: {} }), 'test_missing_capability')
    expect(able).toMatchObject({ kind: 'result', result: { resultType: 'input_required' } })
    const unable = await call(all, client(ALICE), 'test_missing_capability')
    expect(unable).toMatchObject({ kind: 'error', error: { code: -32021 } })
  })

  it('serves each key by a process of its own, and none beyond its number', async () => {
    const all = await known(1)
    const alice = client(ALICE)
    await call(all, alice)
    expect((await failureOf(call(all, client(BOB)))).message).toContain('1 of its processes run already')
    await all.release(alice.key)
    expect(await call(all, client(BOB))).toMatchObject({ kind: 'result' })
  })

  it('stays as long as one of its clients does', async () => {
    const all = await known(1)
    const [one, other] = [client(ALICE), client(ALICE)]
    await call(all, one)
    await call(all, other)
    await all.release(one.key)
    expect(await call(all, other)).toMatchObject({ kind: 'result' })
  })

  it('tells progress to the call that asked for it, whoever else is at work', async () => {
    const all = await known(1)
    const run = async (token: string) => {
      const mine = context(client(ALICE), { meta: { progressToken: token } })
      await all.execute(action('up', 'test_tool_with_progress'), null, mine)
      return mine.heard.map(({ params }) => params?.['progressToken'])
    }
    expect(await Promise.all([run('a'), run('b')])).toEqual([
      ['a', 'a', 'a'],
      ['b', 'b', 'b'],
    ])
  })
})
