import type { CatalogName } from '../core/catalog/catalog.ts'
import type { Decision } from '../core/decision.ts'
import type { ActionEnvelope, JudgedRequest, Surface } from '../core/envelope.ts'
import type { Fact, RoomFact } from '../core/facts.ts'
import type { Brand, Principal } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Credential } from '../credentials/ports.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { PinMode } from '../tool-pins/tool-pins.ts'

/** An action that was allowed and recorded. Minted in `gateway/perform.ts` only. */
export type AuthorizedAction = Brand<ActionEnvelope, 'AuthorizedAction'>

/** A JSON-RPC error as an upstream gave it, or as we answer it. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: Json
}

/** What came back from an upstream's `tools/call`: its result (which may be `isError`) or its JSON-RPC error, unchanged. */
export type Outcome =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError }

/** Which call of a client something belongs to: made by its entrance, and given back to it as it is. */
export type CallMark = object

/**
 * The client's side of one conversation, as an entrance offers it: upstreams talk back through it.
 * `key` is made by the entrance, unguessable, one per client session.
 */
export interface ClientChannel {
  readonly key: string
  /** As the client declared in `initialize`; forwarded to upstreams, for dropping them makes tools vanish. */
  readonly client: { readonly capabilities: JsonObject; readonly info: JsonObject; readonly protocolVersion: string }
  /** Whose conversation it is: what an upstream asks of the client is judged and recorded as part of its session. */
  readonly owner?: { readonly principal: Principal; readonly sessionLabel: string | null }
  /** A notification from an upstream to this client. `upstream` lets a merged entrance rename what needs it. */
  notify(upstream: string, message: { readonly method: string; readonly params?: JsonObject }): void
  /**
   * A request from an upstream to this client (sampling, elicitation, roots). Rejects where the client has gone.
   * `during`: the mark of the call it surely belongs to.
   */
  request(
    upstream: string,
    message: { readonly method: string; readonly params?: JsonObject },
    signal: AbortSignal,
    during?: CallMark,
  ): Promise<Outcome>
}

/** What a client adds to a request it makes again after an `input_required` answer (MCP 2026-07-28, "Multi Round-Trip Requests"). */
export interface Retry {
  readonly inputResponses?: JsonObject
  /** Meant for the upstream that gave it out, and opaque to everyone else. */
  readonly requestState?: string
}

export interface ExecuteContext {
  readonly signal: AbortSignal
  /** Null for calls without a conversation (actions API): the executor opens one of its own. */
  readonly channel: ClientChannel | null
  /** `_meta` of the call (progress token and all), passed on as it is. */
  readonly meta: JsonObject | null
  /** Passed on as it is, to upstreams that ask in this way. */
  readonly retry?: Retry
  readonly mark?: CallMark
  /** Notifications that belong to this call (progress, logging) as they come. */
  onNotification(message: { readonly method: string; readonly params?: JsonObject }): void
}

/** Carries an allowed action out. */
export interface Executor {
  /**
   * @throws AegisError `upstream_unreachable`, with `data.sent` false where nothing can have happened upstream;
   *   `no_upstream` where the route names none.
   */
  execute(action: AuthorizedAction, credential: Credential | null, context: ExecuteContext): Promise<Outcome>
}

/** The rooms as a decision sees them: in memory, for every call asks. */
export interface RoomLookup {
  /** The room that the envelope's repository (or the caller's key) belongs to; undefined where there are no rooms at all. */
  fact(envelope: ActionEnvelope, caller: KeyRecord): Fact<RoomFact | null> | undefined
  /** The room that the caller's key is confined to; undefined where it is none of a room's. */
  ofKey(caller: KeyRecord): RoomFact | undefined
}

/** Remembers what was read, off the path of the read: for guards that look at what came before. */
export type NoteRead = (envelope: ActionEnvelope) => void

/** Carries out what the upstream's own tools cannot: a plan, or an act bound to a commit. */
export interface StandIn extends Executor {
  /** The canonical name of what it would do in the upstream's stead, for its credential; null where the upstream does it itself. */
  standsIn(action: AuthorizedAction): string | null
}

export interface UpstreamInfo {
  readonly name: string
  readonly catalog: CatalogName
  /** Name of the credential lent to its writes, or null. */
  readonly credential: string | null
  readonly onReview: 'refuse' | 'hold'
  /** Whether the client's own user is shown the page of an approval that this person may settle. Default: never. */
  readonly elicitation?: 'url' | 'never'
  /** How its tools are shown. Default: `DEFAULT_LISTING`. */
  readonly listing?: Listing
}

/** How the tools of an upstream are shown to clients, and when they are trusted. */
export interface Listing {
  /** `callable`: without those that policy blocks whatever their arguments; `all`: they are shown too, and refused when called. */
  readonly show: 'callable' | 'all'
  readonly pins: PinMode
  /** Tools that never run without a person are marked, so that clients which know the mark ask their user too. */
  readonly askInClient: boolean
}

export const DEFAULT_LISTING: Listing = { show: 'callable', pins: 'trust-first', askInClient: false }

/** A request of an upstream to the client, as it is judged. */
export interface Question {
  readonly upstream: string
  readonly method: string
  readonly params: JsonObject
  readonly channel: ClientChannel
}

/** The upstreams as the gateway and the entrances see them. Nothing here decides or records. */
export interface Upstreams extends Executor {
  list(): readonly UpstreamInfo[]
  get(name: string): UpstreamInfo | null
  /** The `initialize` result of the upstream for this client (capabilities, serverInfo, instructions, protocolVersion). */
  initialize(upstream: string, channel: ClientChannel, signal: AbortSignal): Promise<JsonObject>
  /** Any request that is no action, passed through unchanged. */
  request(
    upstream: string,
    message: { readonly method: string; readonly params?: JsonObject },
    channel: ClientChannel,
    context: Pick<ExecuteContext, 'signal' | 'onNotification' | 'mark'>,
  ): Promise<Outcome>
  notify(
    upstream: string,
    message: { readonly method: string; readonly params?: JsonObject },
    channel: ClientChannel,
  ): Promise<void>
  /** The client has gone: its conversations with upstreams end. */
  release(channelKey: string): Promise<void>
  close(): Promise<void>
}

/** A call as an entrance hands it in. */
export interface IncomingCall {
  readonly surface: Surface
  /** The authenticated key. */
  readonly caller: KeyRecord
  /** The client's claim of its own name; a label only. */
  readonly agent: string | null
  /** The client's claim of a session; a label inside the caller's namespace. Null: the caller's current one. */
  readonly sessionLabel: string | null
  readonly what:
    | { readonly kind: 'tool'; readonly upstream: string; readonly tool: string; readonly parameters: JsonObject }
    /** `parameters`: its `params` without `_meta` and what a `Retry` holds. */
    | {
        readonly kind: 'request'
        readonly upstream: string
        readonly method: JudgedRequest
        readonly parameters: JsonObject
      }
    | {
        readonly kind: 'action'
        readonly protocol: string
        readonly tool: string
        readonly target: string
        readonly capability: string | null
        /** Null with an `approvalRef`: run the approved ones. */
        readonly parameters: JsonObject | null
      }
  readonly execute: boolean
  /** The caller's text naming the approval it redeems; checked by the gateway. */
  readonly approvalRef: string | null
  readonly task: string | null
  readonly justification: string | null
  readonly meta: JsonObject | null
  readonly retry?: Retry
  readonly mark?: CallMark
  readonly channel: ClientChannel | null
  readonly onNotification?: (message: { readonly method: string; readonly params?: JsonObject }) => void
  /** Hears of the decision once it is recorded: also where the call fails on its way afterwards. */
  readonly onDecision?: (decision: Decision) => void
}
