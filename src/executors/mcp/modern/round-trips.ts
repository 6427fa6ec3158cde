import { setTimeout as sleep } from 'node:timers/promises'
import { isObject, type Json, type JsonObject, textMember } from '../../../core/json.ts'
import type { ClientChannel, Outcome } from '../../../gateway/ports.ts'
import type { AskContext } from '../conversation.ts'
import { badAnswer, cancelled, type Place } from '../failures.ts'
import type { Note } from '../rpc-message.ts'
import { META, metaOf } from './meta.ts'

/** Rounds of questions during one request, and questions in one round: more are no conversation. */
const MAX_ROUNDS = 32
const MAX_QUESTIONS = 64
/** Milliseconds before an upstream that wants nothing but to be asked again is asked again. */
const PAUSE_MS = 500

/** Requests that may be answered by `input_required` (2026-07-28, "Supported Requests"). */
const MAY_ASK: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])
/** What may be asked of a client, and the capability it must have declared for it. */
const QUESTIONS: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

export interface RoundTrips {
  readonly place: Place
  readonly channel: ClientChannel
  readonly context: AskContext
  /** Makes the request, with what the client has answered so far. */
  ask(note: Note): Promise<Outcome>
}

/**
 * A request of a client of the legacy era to an upstream of the modern one: what the upstream wants to know before it can
 * answer is asked of the client as requests, and the request made again with the answers.
 * @throws AegisError `upstream_unreachable`
 */
export async function roundTrips(note: Note, trips: RoundTrips): Promise<Outcome> {
  const { place, context } = trips
  let outcome = await trips.ask(note)
  for (let round = 1; ; round++) {
    if (outcome.kind === 'error') return outcome
    const { result } = outcome
    const type = result['resultType'] ?? 'complete'
    if (type === 'complete') return { kind: 'result', result: legacyResult(result) }
    if (type !== 'input_required' || !MAY_ASK.has(note.method)) {
      throw badAnswer(place, `a result of type \`${String(type).slice(0, 32)}\``)
    }
    if (round > MAX_ROUNDS) throw badAnswer(place, `it asked for input more than ${MAX_ROUNDS} times`)
    const answers = await answersTo(result, trips)
    if ('refused' in answers) return answers.refused
    if (context.signal.aborted) throw cancelled(place, true)
    const { requestState } = result
    const retry = { ...answers, ...(requestState === undefined ? {} : { requestState }) }
    outcome = await trips.ask({ method: note.method, params: { ...note.params, ...retry } })
  }
}

/** The members that only the modern era has. */
function legacyResult(result: JsonObject): JsonObject {
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, _meta, ...rest } = result
  const { [META.server]: _server, ...meta } = metaOf(result)
  return Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
}

type Answers = { readonly inputResponses?: JsonObject } | { readonly refused: Outcome }

async function answersTo({ inputRequests }: JsonObject, trips: RoundTrips): Promise<Answers> {
  const { place, context } = trips
  if (inputRequests === undefined) {
    await sleep(PAUSE_MS, undefined, { signal: context.signal }).catch(() => undefined)
    return {}
  }
  const questions = isObject(inputRequests) ? Object.entries(inputRequests) : []
  if (questions.length === 0 || questions.length > MAX_QUESTIONS) {
    throw badAnswer(place, 'its questions cannot be read')
  }
  const answers = await Promise.all(questions.map(([, question]) => answerTo(question, trips)))
  const refused = answers.find((answer) => answer.kind === 'error')
  if (refused !== undefined) return { refused }
  // A null prototype keeps a hostile `__proto__` an ordinary key.
  const inputResponses: Record<string, Json> = Object.create(null)
  for (const [index, answer] of answers.entries()) {
    if (answer.kind === 'result') inputResponses[questions[index]?.[0] ?? ''] = answer.result
  }
  return { inputResponses }
}

async function answerTo(question: Json, { place, channel, context }: RoundTrips): Promise<Outcome> {
  const method = isObject(question) ? textMember(question, 'method') : undefined
  const needed = method === undefined ? undefined : QUESTIONS[method]
  if (!isObject(question) || method === undefined || needed === undefined) {
    throw badAnswer(place, 'it asks for what no client answers')
  }
  const { params } = question
  if (channel.client.capabilities[needed] === undefined) {
    return unanswered(method, `the client did not declare \`${needed}\``)
  }
  const asked = isObject(params) ? { method, params } : { method }
  const answer = await channel.request(place.upstream, asked, context.signal).catch(() => null)
  if (context.signal.aborted) throw cancelled(place, true)
  if (answer === null) return unanswered(method, 'the client has gone or did not answer')
  if (answer.kind === 'result') return answer
  // A form that could not be shown is a form that was not filled in: the upstream can say what it does without it.
  if (method === 'elicitation/create') return { kind: 'result', result: { action: 'cancel' } }
  return unanswered(method, answer.error.message)
}

/** The call cannot go on: there is no way to tell the upstream why, and the client learns it. */
function unanswered(method: string, reason: string): Outcome {
  return { kind: 'error', error: { code: -32603, message: `the server needs ${method} of its client: ${reason}` } }
}
