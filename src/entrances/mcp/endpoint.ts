import type { HoldBudgets } from '../../approvals/hold-budget.ts'
import type { AegisError } from '../../core/errors.ts'
import type { RoomMode } from '../../core/facts.ts'
import type { EnvelopeId } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Clock, Log, Random } from '../../core/runtime.ts'
import type { CallMark, ClientChannel, Outcome, Upstreams } from '../../gateway/ports.ts'
import type { Gateway } from '../../gateway/reply.ts'
import type { Limiter, Slot } from '../../identity/limiter.ts'
import type { KeyRecord } from '../../identity/ports.ts'
import type { ReviewParts } from './modern/review-parts.ts'
import type { RpcNotification } from './rpc.ts'
import type { Session } from './session.ts'

export interface McpOptions {
  readonly gateway: Gateway
  readonly upstreams: Upstreams
  /**
   * The key behind a request to `/mcp/<upstream>` (null: `/mcp`); null for none, an unknown or a revoked one.
   * @throws AegisError `unauthenticated`, `forbidden` with what a client can do about it.
   */
  readonly authenticate: (headers: Headers, upstream: string | null) => Promise<KeyRecord | null>
  /** `WWW-Authenticate` that goes with an error at this endpoint (RFC 6750, RFC 9728); null where none does. */
  readonly challenge: (error: AegisError, upstream: string | null) => string | null
  /** Whether a caller that was admitted would still be: false once its key, or what its issuer vouched for, is revoked. */
  readonly inForce: (caller: KeyRecord) => Promise<boolean>
  /** What one key may do at most. */
  readonly limiter: Limiter
  /** Names besides the loopback ones that Host and Origin may hold: `name` or `name:port`. */
  readonly hosts: readonly string[]
  /** Our own, as the clients and the upstreams are told it. */
  readonly version: string
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  /** Where a reviewer finds approvals: `http://127.0.0.1:8081`, no slash at the end. */
  readonly adminUrl: string
  /** Resolves when the approval is pending no more; rejects when the signal aborts. Needed for `on_review: hold`. */
  readonly settled?: (id: EnvelopeId, signal: AbortSignal) => Promise<unknown>
  /** How long a held call waits for a person before it answers `-32002`. Default `DEFAULT_HOLD`. */
  readonly hold?: HoldBudgets
  /** Lets calls that wait for a person become tasks, where the client knows those; absent: none do. */
  readonly reviews?: ReviewParts
  /** How a room is run; null where there is none of this id. Absent: there are no rooms. */
  readonly roomMode?: (room: string) => RoomMode | null
  /** Calls back with the name of an upstream whose tools are shown or withheld from now on, other than before. */
  readonly toolsChanged?: (listener: (upstream: string) => void) => void
  /** Milliseconds between two looks whether who listens on a stream still may. Default 30,000. */
  readonly watchMs?: number
  /** Milliseconds a broken stream waits for its client to come back before its calls are ended. Default 10,000. */
  readonly resumeMs?: number
}

/** Who calls, and over what. */
export interface Peer {
  readonly caller: KeyRecord
  /** Null for a call that names no session. */
  readonly session: Session | null
  readonly channel: ClientChannel
  /** The session's name in the ledger as the client wants it for this request; null: the session's own. */
  readonly label: string | null
  /** A notification that belongs to this request (progress, logging); lost to a client that does not read. */
  tell(notification: { readonly method: string; readonly params?: JsonObject }): void
  /** Resolves when the client is connected, where its connection may break and be taken up again. */
  readonly attended?: () => Promise<void>
  /** Whether the client takes a task for an answer to this request. */
  readonly asTask?: boolean
  /** Comes back with what an upstream asks in the middle of this very request, where it says so. */
  readonly mark?: CallMark
  /** Asks the client in the middle of this very request; absent: ask its channel. Rejects where it cannot be asked. */
  readonly question?: (
    request: { readonly method: string; readonly params?: JsonObject },
    signal: AbortSignal,
  ) => Promise<Outcome>
}

/** One request of a peer. `signal` aborts when the client cancels it or goes away. */
export interface Ask {
  readonly method: string
  readonly params: JsonObject | undefined
  readonly signal: AbortSignal
  /** Its place among the calls of its key: given up while it waits for a person. Set by the door. */
  readonly slot?: Slot
  /** Hears of the place, where the waiting is done outside the endpoint. */
  readonly placed?: (slot: Slot) => void
}

/** What stands behind one path: `/mcp/<upstream>` or `/mcp`. */
export interface Endpoint {
  /** The `initialize` result but for its `protocolVersion`. @throws AegisError */
  initialize(channel: ClientChannel, signal: AbortSignal): Promise<JsonObject>
  /** @throws AegisError */
  answer(ask: Ask, peer: Peer): Promise<Outcome>
  notified(notification: RpcNotification, session: Session): Promise<void>
}

/** A message for the ports, which know no `params: undefined`. */
export function message(method: string, params: JsonObject | undefined): { method: string; params?: JsonObject } {
  return params === undefined ? { method } : { method, params }
}
