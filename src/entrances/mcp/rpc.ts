import { AegisError, ERROR_CODES } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import { decodeUtf8Strict, parseStrict, refuseTwins } from '../../core/strict-json.ts'
import type { Outcome, RpcError } from '../../gateway/ports.ts'

/** Bytes of one request body or line. */
export const MAX_MESSAGE_BYTES = 1024 * 1024
/** Messages in one batch. */
const MAX_BATCH = 100
/** Characters of a method or of a text id: longer ones are noise in every log and error. */
const MAX_NAME = 256

export type RpcId = string | number

export interface RpcRequest {
  readonly kind: 'request'
  readonly id: RpcId
  readonly method: string
  readonly params: JsonObject | undefined
}
export interface RpcNotification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject | undefined
}
export interface RpcResponse {
  readonly kind: 'response'
  readonly id: RpcId
  readonly outcome: Outcome
}
/** Not JSON-RPC: answered under the id it carried where that could be read. */
export interface RpcInvalid {
  readonly kind: 'invalid'
  readonly id: RpcId | null
  readonly error: AegisError
}
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse | RpcInvalid

export interface Parsed {
  readonly batch: boolean
  readonly messages: readonly RpcMessage[]
}

/** @throws AegisError `parse_error`, `invalid_request` or `too_large`: nothing in the body could be read. */
export function parseBody(bytes: Uint8Array): Parsed {
  const value = parseStrict(decodeUtf8Strict(bytes))
  if (!Array.isArray(value)) return { batch: false, messages: [readMessage(value)] }
  const elements: readonly Json[] = value
  if (elements.length === 0) throw invalid('the batch is empty', 'send at least one message')
  if (elements.length > MAX_BATCH) throw invalid(`the batch has more than ${MAX_BATCH} messages`, 'send fewer at once')
  return { batch: true, messages: elements.map(readMessage) }
}

const REQUEST_MEMBERS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params'])
const RESPONSE_MEMBERS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'result', 'error'])

function readMessage(value: Json): RpcMessage {
  if (!isObject(value)) return { kind: 'invalid', id: null, error: invalid('a message must be a JSON object') }
  const id = value['id']
  const named = isId(id) ? id : null
  try {
    refuseTwins(value, '')
    if (value['jsonrpc'] !== '2.0') throw invalid('`jsonrpc` must be "2.0"', undefined, 'jsonrpc')
    if (id !== undefined && named === null) throw invalid('`id` must be text or a number', undefined, 'id')
    return 'method' in value ? readCall(value, named) : readResponse(value, named)
  } catch (error) {
    if (error instanceof AegisError) return { kind: 'invalid', id: named, error }
    throw error
  }
}

function readCall(value: JsonObject, id: RpcId | null): RpcMessage {
  refuseUnknown(value, REQUEST_MEMBERS)
  const method = value['method']
  if (typeof method !== 'string' || method === '' || method.length > MAX_NAME) {
    throw invalid(`\`method\` must be text of 1 to ${MAX_NAME} characters`, undefined, 'method')
  }
  const params = value['params']
  if (params !== undefined && !isObject(params)) throw invalid('`params` must be an object', undefined, 'params')
  if (params !== undefined) refuseTwins(params, 'params')
  return id === null ? { kind: 'notification', method, params } : { kind: 'request', id, method, params }
}

function readResponse(value: JsonObject, id: RpcId | null): RpcMessage {
  refuseUnknown(value, RESPONSE_MEMBERS)
  const { result, error } = value
  if ((result === undefined) === (error === undefined)) {
    throw invalid('a message needs `method`, or exactly one of `result` and `error`')
  }
  if (id === null) throw invalid('a response needs the `id` it answers', undefined, 'id')
  if (isObject(result)) return { kind: 'response', id, outcome: { kind: 'result', result } }
  return { kind: 'response', id, outcome: { kind: 'error', error: readError(error) } }
}

function readError(error: Json | undefined): RpcError {
  if (!isObject(error)) throw invalid('`result` and `error` must be objects')
  const { code, message, data } = error
  if (typeof code !== 'number' || typeof message !== 'string') {
    throw invalid('`error` needs a numeric `code` and a text `message`', undefined, 'error')
  }
  return data === undefined ? { code, message } : { code, message, data }
}

function isId(value: Json | undefined): value is RpcId {
  return typeof value === 'string' ? value.length <= MAX_NAME : typeof value === 'number'
}

// An unknown member is a place where two parsers can read two different messages.
function refuseUnknown(value: JsonObject, known: ReadonlySet<string>): void {
  for (const key in value) {
    if (!known.has(key)) throw invalid(`unknown member \`${key.slice(0, 64)}\``, 'remove it')
  }
}

function invalid(message: string, advice?: string, path?: string): AegisError {
  return new AegisError('invalid_request', message, {
    ...(advice === undefined ? {} : { advice }),
    ...(path === undefined ? {} : { path }),
  })
}

/** One JSON-RPC message as text. Answers are built as text once: the result is the bulk of it and is not copied. */
export function resultText(id: RpcId, result: JsonObject): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`
}

export function errorText(id: RpcId | null, error: { code: number; message: string; data?: unknown }): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error })
}

export function outcomeText(id: RpcId, outcome: Outcome): string {
  return outcome.kind === 'result' ? resultText(id, outcome.result) : errorText(id, outcome.error)
}

/** A request (with `id`) or notification of ours. */
export function messageText(message: { method: string; params?: JsonObject }, id?: RpcId): string {
  return JSON.stringify({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), ...message })
}

/** An error of ours in JSON-RPC words. The advice is part of the message: clients drop `data`. */
export function rpcError(error: AegisError): { code: number; message: string; data?: Record<string, unknown> } {
  const at = error.path === null ? '' : ` (at ${error.path})`
  const message = `${error.message}${at}${error.advice === null ? '' : `. ${capital(error.advice)}`}`
  const code = ERROR_CODES[error.code].rpc
  return error.data === null ? { code, message } : { code, message, data: { ...error.data } }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
