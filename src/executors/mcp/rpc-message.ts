import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import type { Outcome, RpcError } from '../../gateway/ports.ts'
import { soundJson } from './sound-json.ts'

/** A method with its parameters, without the id: ids on the upstream side are ours. */
export interface Note {
  readonly method: string
  readonly params?: JsonObject
}

export type RpcId = string | number

/** A message from an upstream. */
export type Message =
  | { readonly kind: 'response'; readonly id: Json; readonly outcome: Outcome }
  | { readonly kind: 'request'; readonly id: RpcId; readonly note: Note }
  | { readonly kind: 'notification'; readonly note: Note }
  | { readonly kind: 'garbage'; readonly problem: string }

export function requestText(id: number, note: Note): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method: note.method, params: note.params })
}

export function notificationText(note: Note): string {
  return JSON.stringify({ jsonrpc: '2.0', method: note.method, params: note.params })
}

export function answerText(id: RpcId, outcome: Outcome): string {
  return JSON.stringify(
    outcome.kind === 'result'
      ? { jsonrpc: '2.0', id, result: outcome.result }
      : { jsonrpc: '2.0', id, error: outcome.error },
  )
}

/**
 * The messages in one text: one, or several where the upstream answers with a batch (revision 2025-03-26).
 * Total: what cannot be understood is a `garbage` message. `secret` is taken out of every text.
 */
export function parseMessages(text: string, secret: string | null): readonly Message[] {
  let parsed: Json
  try {
    parsed = JSON.parse(text)
  } catch {
    return [{ kind: 'garbage', problem: 'its answer is not JSON' }]
  }
  const sound = soundJson(parsed, secret)
  if (!sound.ok) return [{ kind: 'garbage', problem: sound.problem }]
  const { value } = sound
  return Array.isArray(value) ? (value as readonly Json[]).map(classify) : [classify(value)]
}

function classify(value: Json): Message {
  if (!isObject(value) || value['jsonrpc'] !== '2.0') return garbage('its answer is not JSON-RPC 2.0')
  const method = textMember(value, 'method')
  const { id } = value
  if (method === undefined) return response(value, id)
  const { params } = value
  if (params !== undefined && !isObject(params)) return garbage('it sent a message whose params are not an object')
  const note: Note = params === undefined ? { method } : { method, params }
  if (id === undefined) return { kind: 'notification', note }
  if (typeof id === 'string' || typeof id === 'number') return { kind: 'request', id, note }
  return garbage('it sent a request with an id that is neither text nor number')
}

function response(value: JsonObject, id: Json | undefined): Message {
  const { result, error } = value
  if ((result === undefined) === (error === undefined)) return garbage('its answer needs either a result or an error')
  if (result !== undefined) {
    if (!isObject(result)) return garbage('its result is not an object')
    return { kind: 'response', id: id ?? null, outcome: { kind: 'result', result } }
  }
  const read = rpcError(error)
  if (read === null) return garbage('its error is not a JSON-RPC error')
  return { kind: 'response', id: id ?? null, outcome: { kind: 'error', error: read } }
}

function rpcError(error: Json | undefined): RpcError | null {
  if (!isObject(error)) return null
  const { code, data } = error
  const message = textMember(error, 'message')
  if (typeof code !== 'number' || !Number.isInteger(code) || message === undefined) return null
  return data === undefined ? { code, message } : { code, message, data }
}

function garbage(problem: string): Message {
  return { kind: 'garbage', problem }
}
