import type { Principal } from '../../src/core/ids.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { ClientChannel, Outcome } from '../../src/gateway/ports.ts'

export interface Heard {
  readonly upstream: string
  readonly method: string
  readonly params?: JsonObject
}

export interface TestChannel extends ClientChannel {
  readonly notifications: Heard[]
  readonly requests: Heard[]
}

export interface TestChannelOptions {
  readonly key?: string
  readonly capabilities?: JsonObject
  readonly protocolVersion?: string
  /** The key whose client it is. */
  readonly principal?: Principal
  readonly answer?: (message: Heard, signal: AbortSignal) => Promise<Outcome>
}

let channels = 0

/** A client that keeps what upstreams tell it and answers what they ask as the test says. */
export function testChannel(options: TestChannelOptions = {}): TestChannel {
  const notifications: Heard[] = []
  const requests: Heard[] = []
  channels += 1
  return {
    key: options.key ?? `client-${channels}`,
    client: {
      capabilities: options.capabilities ?? {},
      info: { name: 'test-client', version: '1.0.0' },
      protocolVersion: options.protocolVersion ?? '2025-11-25',
    },
    ...(options.principal === undefined ? {} : { owner: { principal: options.principal, sessionLabel: null } }),
    notifications,
    requests,
    notify(upstream, message) {
      notifications.push({ upstream, ...message })
    },
    async request(upstream, message, signal) {
      const heard = { upstream, ...message }
      requests.push(heard)
      if (options.answer === undefined) return { kind: 'error', error: { code: -32601, message: 'not supported' } }
      return options.answer(heard, signal)
    },
  }
}
