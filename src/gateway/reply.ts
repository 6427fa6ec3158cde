import type { Approval } from '../core/approval.ts'
import type { Block, Permit, Review } from '../core/decision.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import type { JsonObject } from '../core/json.ts'
import type { Simulation } from '../core/policy/compiled.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { GrantRecord, LedgerEntry } from '../ledger/draft.ts'
import type { ClientChannel, ExecuteContext, IncomingCall, Outcome, Question, RpcError } from './ports.ts'

/** What became of a call. Each entrance puts it into its own protocol's words. */
export type Reply =
  | {
      readonly kind: 'refused'
      readonly envelope: ActionEnvelope
      readonly decision: Block
      readonly entry: LedgerEntry
    }
  | {
      readonly kind: 'parked'
      readonly envelope: ActionEnvelope
      readonly decision: Review
      readonly entry: LedgerEntry
      readonly approval: Approval
    }
  /** Allowed; nothing was to run. */
  | {
      readonly kind: 'decided'
      readonly envelope: ActionEnvelope
      readonly decision: Permit
      readonly entry: LedgerEntry
    }
  /** Allowed and carried out; `entry` is the result's. */
  | {
      readonly kind: 'done'
      readonly envelope: ActionEnvelope
      readonly decision: Permit
      readonly entry: LedgerEntry
      readonly outcome: Outcome
      readonly grant: GrantRecord | null
    }

/** A tool as an upstream listed it, with the upstream it came from; the tool object is passed on unchanged. */
export interface ListedTool {
  readonly upstream: string
  readonly tool: JsonObject
}

/** The only place that decides and records. */
export interface Gateway {
  /**
   * The road: envelope, facts, decision, ledger intent, credential, forward, ledger result.
   * @throws AegisError for everything that is not a decision: `invalid_params`, `conflict` (wrong approval_ref),
   *   `no_upstream`, `upstream_unreachable`, `evidence_unavailable`.
   */
  handle(call: IncomingCall, signal: AbortSignal): Promise<Reply>
  /** Decides with a full trace; records nothing, does nothing. */
  preview(call: IncomingCall, signal: AbortSignal): Promise<Simulation & { readonly envelope: ActionEnvelope }>
  /** The upstream's answer to `initialize` for this client, less instructions that nobody has accepted. */
  greeting(upstream: string, channel: ClientChannel, signal: AbortSignal): Promise<JsonObject>
  /**
   * All tools of one upstream (all pages followed), less those that this caller could never call and those whose definition
   * nobody has accepted. `rest`: the other members of its answer, without what it says of caching: the list is this caller's.
   */
  tools(
    upstream: string,
    caller: KeyRecord,
    channel: ClientChannel,
    signal: AbortSignal,
  ): Promise<{ readonly tools: readonly ListedTool[]; readonly rest: JsonObject }>
  /**
   * May this upstream ask the client this? Null where it may, else what the upstream is told. Recorded where a rule speaks.
   * Defaults of policies do not: they are about what agents do.
   */
  question(question: Question): Promise<RpcError | null>
  /** Any request that is no action and no `tools/list`: passed through. What its answer asks of the client is judged. */
  relay(
    upstream: string,
    message: { readonly method: string; readonly params?: JsonObject },
    channel: ClientChannel,
    context: Pick<ExecuteContext, 'signal' | 'onNotification' | 'mark'>,
  ): Promise<Outcome>
}

/** How an entrance words a refusal: JSON-RPC code, text for the model, structure for the client. */
export interface Refusal {
  readonly code: number
  readonly message: string
  readonly data: JsonObject
}
