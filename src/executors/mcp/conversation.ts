import type { JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/runtime.ts'
import type { CallMark, ClientChannel, Outcome } from '../../gateway/ports.ts'
import type { Place } from './failures.ts'
import type { Note } from './rpc-message.ts'
import type { Limits } from './upstream-config.ts'
import type { Patience } from './watchdog.ts'

/** One client's conversation with one upstream, opened at the first use and again after it was lost. */
export interface Conversation {
  /** The upstream's `initialize` result. @throws AegisError `upstream_unreachable`, never with `data.sent` true. */
  initialize(signal: AbortSignal): Promise<JsonObject>
  /** @throws AegisError `upstream_unreachable`, `data.sent` false where the request surely did not reach the upstream. */
  ask(note: Note, context: AskContext): Promise<Outcome>
  /** Says it if the conversation is open; there is nobody to tell otherwise. Never throws. */
  tell(note: Note): Promise<void>
  /** Never throws. */
  close(): Promise<void>
}

export interface AskContext {
  readonly signal: AbortSignal
  /** Whose request it is, where several clients share the conversation. */
  readonly client?: ClientChannel
  onNotification(note: Note): void
  readonly mark?: CallMark
}

/** What both transports need to know. */
export interface ConversationParts {
  readonly place: Place
  readonly channel: ClientChannel
  readonly log: Log
  readonly limits: Limits
  readonly patience: Patience
  readonly connectTimeoutMs: number
  /** Credential lent for this conversation alone; taken out of whatever the upstream says. */
  readonly secret: string | null
}

/** The legacy era. The modern one has no `initialize`. */
const REVISIONS: ReadonlySet<string> = new Set(['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])

export function isRevision(version: string): boolean {
  return REVISIONS.has(version)
}

/** What a client of the modern era is said to speak to an upstream of the legacy one. */
const NEWEST = '2025-11-25'

/** The client's own claims are forwarded: without its capabilities, tools vanish and elicitation dies. */
export function initializeNote(channel: ClientChannel): Note {
  const { capabilities, info, protocolVersion: spoken } = channel.client
  const protocolVersion = isRevision(spoken) ? spoken : NEWEST
  // A client of the stateless revision need not say who it is; a server of an earlier one insists on it.
  const clientInfo = { name: 'unknown', version: 'unknown', ...info }
  return { method: 'initialize', params: { protocolVersion, capabilities, clientInfo } }
}

export const INITIALIZED: Note = { method: 'notifications/initialized' }

export type Welcome =
  | { readonly ok: true; readonly version: string; readonly result: JsonObject }
  | { readonly ok: false; readonly problem: string }

/** Reads the answer to `initialize`. */
export function readWelcome(outcome: Outcome): Welcome {
  if (outcome.kind === 'error') {
    const said = outcome.error.message.slice(0, 200)
    return { ok: false, problem: `it refused to initialize (${outcome.error.code}: ${said})` }
  }
  const version = outcome.result['protocolVersion']
  if (typeof version !== 'string' || !REVISIONS.has(version)) {
    return { ok: false, problem: 'it answered initialize with an unknown protocol revision' }
  }
  return { ok: true, version, result: outcome.result }
}

export function cancelNote(requestId: number, reason: string): Note {
  return { method: 'notifications/cancelled', params: { requestId, reason } }
}

/** Waits for a shared promise, but not longer than one caller wants to: the work goes on for the others. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal, error: () => Error): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined)
    return Promise.reject(error())
  }
  return new Promise((resolve, reject) => {
    const stop = () => reject(error())
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
