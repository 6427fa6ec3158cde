import type { Approvals } from '../approvals/approvals.ts'
import type { DelegationStore } from '../approvals/delegations.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import type { Keyring } from '../identity/keyring.ts'
import type { Limiter } from '../identity/limiter.ts'
import type { Ledger } from '../ledger/draft.ts'
import type { Tail } from '../ledger/tail.ts'
import type { PolicyVersions } from '../policy-set/index.ts'
import type { Rooms } from '../rooms/index.ts'
import { type ApprovalDesk, createApprovalDesk } from './approvals.ts'
import { type AuditDesk, type AuditParts, createAuditDesk } from './audit.ts'
import { type BundleDesk, createBundleDesk } from './bundles.ts'
import { type ContentDesk, createContentDesk } from './contents.ts'
import { createDelegationDesk, type DelegationDesk } from './delegations.ts'
import { createEvidenceDesk, type EvidenceDesk, type EvidenceParts } from './evidence.ts'
import { createKeyDesk, type KeyDesk } from './keys.ts'
import { createLive, type Live } from './live.ts'
import { createPolicyDesk, type PolicyDesk } from './policies.ts'
import { createResolver, type Resolver } from './resolver.ts'
import { createRoomDesk, type RoomDesk } from './rooms.ts'
import { createWhyDesk, type WhyDesk } from './why.ts'

/**
 * What people may do: one use case each, whichever door they come through (REST, dashboard, GraphQL, Slack). Who may is
 * checked here; each says in its errors why not. What only REST has (keeping evidence, pins, credentials) still asks in its routes.
 */
export interface Oversight {
  readonly approvals: ApprovalDesk
  readonly resolver: Resolver
  readonly audit: AuditDesk
  readonly contents: ContentDesk
  readonly evidence: EvidenceDesk
  readonly keys: KeyDesk
  readonly rooms: RoomDesk
  readonly bundles: BundleDesk
  readonly delegations: DelegationDesk
  readonly policies: PolicyDesk
  readonly why: WhyDesk
  readonly live: Live
}

export interface OversightParts extends EvidenceParts {
  readonly search: AuditParts['search']
  readonly cursors: AuditParts['cursors']
  readonly approvals: Approvals
  readonly keyring: Keyring
  readonly rooms: Rooms
  readonly policies: PolicyVersions
  readonly delegations: DelegationStore
  /** Names of the configured upstreams, as policies are checked with. */
  readonly upstreamNames: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limiter: Limiter
  readonly tail: Tail
  /** Where decisions of reviewers are recorded. */
  readonly record: Ledger
}

export function createOversight(parts: OversightParts): Oversight {
  const resolver = createResolver({ ...parts, ledger: parts.record })
  return {
    approvals: createApprovalDesk(parts),
    audit: createAuditDesk(parts),
    resolver,
    bundles: createBundleDesk({ ...parts, resolver }),
    contents: createContentDesk(parts),
    evidence: createEvidenceDesk(parts),
    keys: createKeyDesk(parts),
    rooms: createRoomDesk(parts),
    delegations: createDelegationDesk(parts),
    policies: createPolicyDesk({ ...parts, upstreams: parts.upstreamNames }),
    why: createWhyDesk(parts),
    live: createLive({ ...parts, inForce: parts.keyring.inForce }),
  }
}
