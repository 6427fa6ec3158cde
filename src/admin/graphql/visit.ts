import type { DocumentNode } from 'graphql'
import type { ResolutionChannel } from '../../approvals/approvals.ts'
import type { CompiledPolicy } from '../../core/policy/compiled.ts'
import type { Clock } from '../../core/runtime.ts'
import type { KeyRecord } from '../../identity/ports.ts'
import type { Oversight } from '../../oversight/index.ts'

/** The use cases that GraphQL is one more way to. */
export interface GraphqlParts
  extends Pick<Oversight, 'approvals' | 'audit' | 'evidence' | 'keys' | 'live' | 'policies' | 'resolver' | 'rooms'> {
  /** The policy that is in force. */
  readonly policy: () => CompiledPolicy
  readonly clock: Pick<Clock, 'now'>
}

/** What a resolver knows of the request it works for. */
export interface Visit {
  readonly desks: GraphqlParts
  /** Who calls, as the door found out. */
  readonly who: KeyRecord
  readonly via: ResolutionChannel
  /** The request's document, parsed within bounds. */
  readonly document: DocumentNode
  /** Aborts when the caller has gone. */
  readonly signal: AbortSignal
  /** Whether the caller may go on. */
  readonly stays: () => Promise<boolean>
}
