import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'undici'
import type { ClientChannel } from '../../gateway/ports.ts'
import { type ExchangeEnd, exchange } from './http-exchange.ts'
import type { Inbound, Patient } from './inbound.ts'
import { parseMessages } from './rpc-message.ts'

export interface Listening {
  readonly side: Pool
  readonly path: string
  readonly limit: number
  readonly secret: string | null
  readonly upstream: string
  readonly channel: ClientChannel
  readonly inbound: Inbound
  readonly headers: readonly string[]
  /** The calls under way: a question that comes here may be asked by any of them. */
  readonly calls: Patient
}

const FIRST_WAIT_MS = 1_000
const MAX_WAIT_MS = 30_000

/**
 * Hears what the upstream says unasked, over a GET stream that is opened again when it breaks off. Ends by `signal`, or
 * where the upstream offers none (405, or any other answer that is no stream).
 */
export async function listen(listening: Listening, signal: AbortSignal): Promise<void> {
  const { channel, upstream } = listening
  let wait = FIRST_WAIT_MS
  let lastId = ''
  while (!signal.aborted) {
    let heard = false
    const resume = lastId === '' ? [] : ['last-event-id', lastId]
    const running = exchange(listening.side, {
      method: 'GET',
      path: listening.path,
      headers: [...listening.headers, ...resume],
      body: null,
      limit: listening.limit,
      onLife: () => undefined,
      onEvent(event) {
        heard = true
        lastId = event.id
        if (event.name !== 'message') return
        for (const message of parseMessages(event.data, listening.secret)) {
          listening.inbound.accept(message, (note) => channel.notify(upstream, note), listening.calls)
        }
      },
    })
    const stop = () => running.stop('the conversation was ended')
    signal.addEventListener('abort', stop, { once: true })
    const end = await running.done
    signal.removeEventListener('abort', stop)
    if (end.kind === 'body') return
    if (end.lastId !== '') lastId = end.lastId
    wait = heard ? FIRST_WAIT_MS : Math.min(wait * 2, MAX_WAIT_MS)
    await sleep(pauseAfter(end, wait), undefined, { signal, ref: false }).catch(() => undefined)
  }
}

function pauseAfter(end: ExchangeEnd, wait: number): number {
  const asked = end.kind === 'body' ? null : end.retryMs
  return asked === null ? wait : Math.min(Math.max(asked, 100), MAX_WAIT_MS)
}
