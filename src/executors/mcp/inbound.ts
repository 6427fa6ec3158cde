import { isObject } from '../../core/json.ts'
import type { Log } from '../../core/runtime.ts'
import type { CallMark, ClientChannel, Outcome } from '../../gateway/ports.ts'
import type { Place } from './failures.ts'
import { answerText, type Message, type Note, type RpcId } from './rpc-message.ts'
import type { Watchdog } from './watchdog.ts'

/** What rests while the client is asked: a person may take their time. */
export type Patient = Pick<Watchdog, 'hold' | 'resume'>

/** More than this many questions at once are no conversation but a flood. */
const MAX_QUESTIONS = 64

/** What an upstream says besides answering: questions for the client and notifications. */
export interface Inbound {
  /**
   * `forward` gets the notifications; `calls` rest while a question is answered; `during` is the call that the stream of
   * the message belongs to, where it belongs to one.
   */
  accept(message: Message, forward: (note: Note) => void, calls: Patient, during?: CallMark): void
  /** Ends every open question. */
  close(): void
}

/** `reply` puts one JSON-RPC text on the way to the upstream; it must not throw. */
export function createInbound(place: Place, channel: ClientChannel, log: Log, reply: (text: string) => void): Inbound {
  const questions = new Map<RpcId, AbortController>()
  let complained = false

  const ask = async (id: RpcId, note: Note, calls: Patient, during: CallMark | undefined) => {
    const abort = new AbortController()
    questions.set(id, abort)
    calls.hold()
    const outcome = await channel.request(place.upstream, note, abort.signal, during).catch(gone)
    calls.resume()
    questions.delete(id)
    if (!abort.signal.aborted) reply(answerText(id, outcome))
  }

  const question = (id: RpcId, note: Note, calls: Patient, during: CallMark | undefined) => {
    if (note.method === 'ping') reply(answerText(id, { kind: 'result', result: {} }))
    else if (questions.has(id)) reply(answerText(id, refusal(-32600, 'a request with this id is still open')))
    else if (questions.size >= MAX_QUESTIONS) reply(answerText(id, refusal(-32000, 'too many open requests')))
    else void ask(id, note, calls, during)
  }

  const complain = (problem: string) => {
    if (complained) return
    complained = true
    log.warn(
      { upstream: place.upstream, problem },
      'upstream sent a message that was ignored; further ones stay unsaid',
    )
  }

  return {
    accept(message, forward, calls, during) {
      switch (message.kind) {
        case 'request':
          return question(message.id, message.note, calls, during)
        case 'notification':
          return withdraws(message.note, questions) ? undefined : forward(message.note)
        case 'response':
          return complain('an answer to no open request')
        default:
          return complain(message.problem)
      }
    },
    close() {
      for (const abort of questions.values()) abort.abort()
      questions.clear()
    },
  }
}

/** `notifications/cancelled` about one of the upstream's own questions ends it; the client hears of it by its signal. */
function withdraws(note: Note, questions: ReadonlyMap<RpcId, AbortController>): boolean {
  if (note.method !== 'notifications/cancelled' || !isObject(note.params)) return false
  const { requestId } = note.params
  if (typeof requestId !== 'string' && typeof requestId !== 'number') return false
  const abort = questions.get(requestId)
  abort?.abort()
  return abort !== undefined
}

function gone(): Outcome {
  return refusal(-32000, 'the client has gone or did not answer')
}

function refusal(code: number, message: string): Outcome {
  return { kind: 'error', error: { code, message } }
}
