import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { createCaller, offer } from '../../src/compose/rpc.ts'
import { AegisError } from '../../src/core/errors.ts'

const service = {
  async double(value: number) {
    return value * 2
  },
  async slowly(value: string) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return value
  },
  async refuse() {
    throw new AegisError('conflict', 'no', { advice: 'try again', path: 'a.b', data: { n: 1 } })
  },
  async break() {
    throw new RangeError('broken')
  },
  async strange() {
    return () => 'a function cannot travel'
  },
}

interface News {
  readonly said: number
}

describe('methods of another thread', () => {
  let ports: MessagePort[] = []
  afterEach(() => {
    for (const port of ports) port.close()
    ports = []
  })

  function connect() {
    const { port1, port2 } = new MessageChannel()
    ports.push(port1, port2)
    let said = 0
    const heard: News[] = []
    const messages: unknown[] = []
    const poke = offer<News>(port2, service, () => ({ said: ++said }))
    const { caller, receive } = createCaller<typeof service, News>({
      post: (message) => {
        messages.push(message)
        port1.postMessage(message)
      },
      news: (news) => heard.push(news),
    })
    port1.on('message', receive)
    return { caller, heard, messages, poke }
  }

  it('are called as if they were here', async () => {
    const { caller } = connect()
    expect(await caller.call('double', 21)).toBe(42)
    expect(caller.waiting()).toBe(0)
  })

  it('are called together where they are called in one turn', async () => {
    const { caller, messages } = connect()
    const all = await Promise.all([1, 2, 3].map((n) => caller.call('double', n)))
    expect(all).toEqual([2, 4, 6])
    expect(messages).toHaveLength(1)
  })

  it('answer each call its own, in whatever order they end', async () => {
    const { caller } = connect()
    expect(await Promise.all([caller.call('slowly', 'late'), caller.call('double', 1)])).toEqual(['late', 2])
  })

  it('answer a call during which something else was said', async () => {
    const { caller, heard, poke } = connect()
    const late = caller.call('slowly', 'late')
    await caller.call('double', 1)
    poke()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(heard.length).toBeGreaterThan(1)
    expect(await late).toBe('late')
  })

  it('fail with the errors they failed with', async () => {
    const { caller } = connect()
    const error: unknown = await caller.call('refuse').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AegisError)
    expect(error).toMatchObject({ code: 'conflict', message: 'no', advice: 'try again', path: 'a.b', data: { n: 1 } })
    await expect(caller.call('break')).rejects.toThrow('broken')
  })

  it('fail for what cannot travel, and for that call alone', async () => {
    const { caller } = connect()
    const other = caller.call('double', 4)
    await expect(caller.call('strange')).rejects.toThrow('could not be cloned')
    expect(await other).toBe(8)
  })

  it('fail at once when the other thread is gone', async () => {
    const { caller } = connect()
    const waiting = caller.call('slowly', 'never')
    caller.fail(new AegisError('evidence_unavailable', 'gone'))
    await expect(waiting).rejects.toThrow('gone')
    await expect(caller.call('double', 1)).rejects.toThrow('gone')
  })
})
