import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { eventStream } from '../../../src/admin/dashboard/event-stream.ts'

const nobodyLeft = new AbortController().signal

describe('a stream of events', () => {
  it('gives each as the browser reads it, and ends with what there is to tell', async () => {
    const stream = eventStream(nobodyLeft, async (say) => {
      say('ready', { pending: 1 })
      say('beat', {})
    })
    expect(await new Response(stream).text()).toBe('event: ready\ndata: {"pending":1}\n\nevent: beat\ndata: {}\n\n')
  })

  it('ends for who stays and does not read: what waits for them is bounded', async () => {
    let said = 0
    const stream = eventStream(nobodyLeft, async (say, signal) => {
      for (; !signal.aborted && said < 10_000; said += 1) {
        say('beat', {})
        await setImmediate()
      }
    })
    const text = await (async () => {
      while (said < 64) await setImmediate()
      await setImmediate()
      return new Response(stream).text()
    })()
    expect(said).toBeLessThan(100)
    expect(text.match(/event: beat/g)).toHaveLength(said)
  })

  it('is over when the browser leaves', async () => {
    const browser = new AbortController()
    let over = false
    const stream = eventStream(browser.signal, async (_, signal) => {
      await once(signal, 'abort')
      over = true
    })
    browser.abort()
    expect(await new Response(stream).text()).toBe('')
    expect(over).toBe(true)
  })
})
