import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'

export type Id = string | number

/**
 * What the bridge needs to know of a message to bring its answer home. Nothing is decided by it: the server reads the
 * bytes again, strictly.
 */
export interface Peek {
  readonly id: Id | null
  readonly method: string | null
  /** Nobody waits for an answer: a notification, or an answer itself. */
  readonly silent: boolean
  /** The request that this message answers. */
  readonly answers: Id | null
  readonly error: JsonObject | null
  /** The request that this notification cancels. */
  readonly cancels: Id | null
  /** Set once the answer has been passed on. */
  answered: boolean
}

export function peekAt(message: Buffer | string): Peek {
  const value = parsed(message.toString())
  // Unreadable: the server's refusal goes back without an id. A batch: the same, where it fails as a whole.
  if (!isObject(value))
    return { id: null, method: null, silent: false, answers: null, error: null, cancels: null, answered: false }
  const id = typeof value['id'] === 'string' || typeof value['id'] === 'number' ? value['id'] : null
  const method = textMember(value, 'method') ?? null
  const answers = method === null ? id : null
  const silent = (method !== null && value['id'] === undefined) || 'result' in value || 'error' in value
  const error = isObject(value['error']) ? value['error'] : null
  return {
    id,
    method,
    silent,
    answers,
    error,
    cancels: method === CANCELLED ? cancelledBy(value) : null,
    answered: false,
  }
}

const CANCELLED = 'notifications/cancelled'

function cancelledBy({ params }: JsonObject): Id | null {
  const id = isObject(params) ? params['requestId'] : undefined
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

const ID = '("(?:[^"\\\\]|\\\\.){0,256}"|-?\\d{1,16})'
const LEADING_ID = new RegExp(`^\\s*\\{\\s*(?:"jsonrpc"\\s*:\\s*"2\\.0"\\s*,\\s*)?"id"\\s*:\\s*${ID}\\s*[,}]`)
const TRAILING_ID = new RegExp(`,\\s*"id"\\s*:\\s*${ID}\\s*(?:,\\s*"jsonrpc"\\s*:\\s*"2\\.0"\\s*)?\\}\\s*$`)

/**
 * The id of a request too long to be read, where it stands first or last, as all known clients write it: there it can
 * be nothing but the message's own. Else null: its sender then waits in vain, as long as it waits for anything.
 */
export function idAtAnEnd({ head, tail }: { readonly head: Buffer; readonly tail: Buffer }): Id | null {
  const [, id] = LEADING_ID.exec(head.toString()) ?? TRAILING_ID.exec(tail.toString()) ?? []
  const value = id === undefined ? null : parsed(id)
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

/** The revision that an `initialize` answer settled on. */
export function protocolVersionIn(answer: string): string | null {
  const value = parsed(answer)
  const result = isObject(value) ? value['result'] : undefined
  return isObject(result) ? (textMember(result, 'protocolVersion') ?? null) : null
}

export function errorLine(id: Id | null, error: JsonObject): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error })
}

/** On stdio a line end ends the message. Raw ones stand between the members of JSON only, never inside text. */
export function oneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]+/g, ' ') : json
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}
