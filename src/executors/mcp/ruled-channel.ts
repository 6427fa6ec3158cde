import type { ClientChannel, Question, RpcError } from '../../gateway/ports.ts'

/** Null where the upstream may ask it, else what the upstream is told. Must not throw. */
export type Rule = (question: Question) => Promise<RpcError | null>

/** The client as its upstreams reach it: what they ask of it is judged before it hears of it, whatever transport brought it. */
export function ruled(channel: ClientChannel, rule: Rule): ClientChannel {
  return {
    ...channel,
    async request(upstream, message, signal, during) {
      const error = await rule({ upstream, method: message.method, params: message.params ?? {}, channel })
      return error === null ? channel.request(upstream, message, signal, during) : { kind: 'error', error }
    },
  }
}
