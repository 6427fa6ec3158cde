import type { Approval, ApprovalChange, Channel, Reviewer, Separation, Vote } from '../core/approval.ts'
import type { Decision, Review } from '../core/decision.ts'
import type { ActionEnvelope, Plan, Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { ApprovalFact } from '../core/facts.ts'
import { type EnvelopeId, type Principal, parseEnvelopeId } from '../core/ids.ts'
import { outwardName } from '../core/reviewer-name.ts'
import type { Clock } from '../core/runtime.ts'
import { actionDigests } from './digest.ts'
import type { ApprovalStore } from './ports.ts'
import { demandRepeatable } from './repeating.ts'
import { isUndone, type Slot, type Standing, slotOf } from './rights.ts'
import { createWaiters } from './waiters.ts'

/** How long an approved action may wait to be called again, in milliseconds. */
export const REDEEM_WITHIN_MS = 15 * 60_000

/** Reviews of one key that may wait at once: a queue that one agent can fill hides what the others ask for. */
const WAITING_PER_PRINCIPAL = 100

/** What a reviewer says. `reviewer` was authenticated by the door the resolution came through. */
export interface Resolution {
  readonly verb: 'approve' | 'deny'
  readonly reviewer: Reviewer
  /** Of the reviewer's key. */
  readonly role: Role
  readonly comment: string
  /** The reviewer would let it run again and again, where the policy lets them. */
  readonly repeat: boolean
}

/** A resolution that may be recorded: the change, to ride on the draft of its entry. */
export interface PreparedResolution {
  readonly approval: Approval
  readonly change: ApprovalChange
  /** True where this settles the approval (a deny, or the last approval needed). */
  readonly settles: boolean
  readonly at: number
}

export type ResolutionChannel = { readonly channel: Channel; readonly separation: Separation }

export interface Approvals {
  /** What the approvals say about exactly this action of this caller, now. */
  fact(envelope: ActionEnvelope): Promise<ApprovalFact>
  /** The approval a review asks for, with the salts of the entry that records it. */
  ask(envelope: ActionEnvelope, decision: Review, salts: Readonly<Record<string, string>>): Approval
  /** @throws AegisError `too_many` where this caller has as many reviews waiting as one key may have. */
  demandRoom(principal: Principal): Promise<void>
  /** The change that redeems it: holds once, before its time is over, for this action only. */
  redemption(envelope: ActionEnvelope, approval: Approval): ApprovalChange
  /** @throws AegisError `conflict` where the text names no approval of this caller that covers this action. */
  referred(text: string, envelope: ActionEnvelope): Promise<Approval>
  /** The caller's own approval by id. @throws AegisError `conflict` */
  own(text: string, principal: string): Promise<Approval>
  get(id: EnvelopeId): Promise<Approval | null>
  /** Checks a resolution. @throws AegisError `not_found`, `conflict`, `forbidden` */
  prepare(id: string, resolution: Resolution): Promise<PreparedResolution>
  /** Resolves when the approval is no longer pending, or the signal aborts (rejects). */
  settled(id: EnvelopeId, signal: AbortSignal): Promise<Approval>
  /** To be called when an entry that settles (or expires) an approval has been written. */
  announce(id: EnvelopeId): void
  readonly store: ApprovalStore
}

export function createApprovals(parts: {
  readonly store: ApprovalStore
  readonly clock: Clock
  readonly digestKey: Uint8Array
  readonly standing: Standing
}): Approvals {
  const { store, clock, digestKey, standing } = parts
  const waiters = createWaiters(store)

  async function latest(envelope: ActionEnvelope): Promise<Approval | null> {
    const digests = actionDigests(envelope, digestKey)
    return (await store.latest(digests.thisSession)) ?? (await store.latest(digests.anySession))
  }

  async function own(text: string, principal: string): Promise<Approval> {
    const id = parseEnvelopeId(text)
    const approval = id === null ? null : await store.get(id)
    // The same answer for "not yours" and "not there": an agent must not learn of others' approvals.
    if (approval === null || approval.principal !== principal) throw noSuchReference(text)
    return approval
  }

  return {
    store,
    own,
    get: (id) => store.get(id),
    settled: waiters.settled,
    announce: waiters.announce,
    async fact(envelope) {
      const found = await latest(envelope)
      if (found?.status === 'approved' && (await isUndone(found, standing))) return { status: 'none' }
      return found === null ? { status: 'none' } : factOf(found, clock.now())
    },
    ask: (envelope, decision, salts) => newApproval(envelope, decision, salts, digestKey),
    async demandRoom(principal) {
      if ((await store.pending(principal)) < WAITING_PER_PRINCIPAL) return
      throw new AegisError('too_many', `${WAITING_PER_PRINCIPAL} reviews of this key are waiting already`, {
        advice: 'wait until a reviewer has settled some of them, or they have expired',
      })
    },
    redemption(envelope, approval) {
      const digests = actionDigests(envelope, digestKey)
      const digest = approval.terms.sameSession ? digests.thisSession : digests.anySession
      const kind = approval.resolution?.repeat === undefined ? 'redeem' : 'reuse'
      return { kind, id: approval.id, digest, at: envelope.receivedAt }
    },
    async referred(text, envelope) {
      const approval = await own(text, envelope.subject.principal)
      const digests = actionDigests(envelope, digestKey)
      const covers = approval.digest === digests.anySession || approval.digest === digests.thisSession
      if (!covers) {
        throw new AegisError('conflict', `approval ${approval.id} covers another action than this one`, {
          advice: 'call again with exactly the arguments that were approved, or with approval_ref and no parameters',
          path: 'approval_ref',
        })
      }
      if (approval.status === 'redeemed' || approval.status === 'expired' || approval.expiresAt <= clock.now()) {
        const state = approval.status === 'redeemed' ? 'has been used' : 'has expired'
        throw new AegisError('conflict', `approval ${approval.id} ${state}`, {
          advice: 'leave out approval_ref to ask for a new approval',
          path: 'approval_ref',
        })
      }
      return approval
    },
    async prepare(id, resolution) {
      const parsed = parseEnvelopeId(id)
      const approval = parsed === null ? null : await store.get(parsed)
      if (approval === null) throw new AegisError('not_found', `no approval ${id}`)
      const at = clock.now()
      demandPending(approval, at)
      // A no tightens: whoever may review may say it.
      if (resolution.verb === 'deny') return denied(approval, resolution, at)
      if (resolution.repeat) demandRepeatable(approval)
      const slot = await slotOf(approval, { ...resolution.reviewer, role: resolution.role }, standing)
      return approved(approval, resolution, slot, at)
    },
  }
}

function noSuchReference(text: string): AegisError {
  return new AegisError('conflict', `approval_ref \`${text.slice(0, 64)}\` names no approval of yours`, {
    advice: 'use the envelope_id of the review, or leave approval_ref out',
    path: 'approval_ref',
  })
}

function factOf(approval: Approval, now: number): ApprovalFact {
  if (approval.expiresAt <= now) return { status: 'none' }
  switch (approval.status) {
    case 'pending':
      return { status: 'pending', id: approval.id }
    case 'approved':
      return {
        ...{ status: 'approved', id: approval.id, terms: approval.terms },
        ...(approval.resolution?.repeat === undefined ? {} : { repeating: true }),
      }
    case 'denied': {
      const by = approval.resolution?.reviewer
      return {
        status: 'denied',
        id: approval.id,
        by: by === undefined ? 'a reviewer' : outwardName(by),
        comment: approval.resolution?.comment ?? '',
      }
    }
    case 'expired':
    case 'redeemed':
      return { status: 'none' }
    default:
      return approval.status satisfies never
  }
}

function newApproval(
  envelope: ActionEnvelope,
  decision: Review,
  salts: Readonly<Record<string, string>>,
  digestKey: Uint8Array,
): Approval {
  const { subject, action, resource, plan, head, onto } = envelope
  const digests = actionDigests(envelope, digestKey)
  return {
    id: envelope.id,
    status: 'pending',
    digest: decision.terms.sameSession ? digests.thisSession : digests.anySession,
    principal: subject.principal,
    owner: subject.owner,
    session: subject.session,
    agent: subject.agent,
    protocol: action.protocol,
    tool: action.tool,
    capability: action.capability,
    target: resource.target,
    upstream: action.route?.upstream ?? null,
    remoteTool: action.route?.tool ?? null,
    parameters: action.parameters,
    salts,
    blast: decision.blastRadius.level,
    risk: { score: decision.blastRadius.score, reasons: decision.blastRadius.reasons },
    ...(plan === undefined ? {} : { plan: planRecord(plan) }),
    ...(head === undefined ? {} : { head }),
    ...(onto === undefined ? {} : { onto }),
    ...(resource.repository === null ? {} : { repository: `${resource.repository.owner}/${resource.repository.name}` }),
    findings: decision.findings.map(({ name, verdict, reason }) => ({ name, verdict, reason })),
    matchedRule: decision.rule.label,
    policy: decision.rule.policy,
    policySha256: decision.policySha256,
    terms: decision.terms,
    justification: envelope.justification,
    queuedAt: envelope.receivedAt,
    expiresAt: envelope.receivedAt + decision.terms.ttl * 1000,
    votes: [],
    resolution: null,
  }
}

function planRecord({ kind, branch, base, title, body }: Plan): NonNullable<Approval['plan']> {
  return { kind, branch, base, title, body }
}

const NEXT_STEP: Readonly<Record<Exclude<Approval['status'], 'pending'>, string>> = {
  approved: 'the agent may make the identical call now, once',
  redeemed: 'it has run; for another call the agent must ask again',
  denied: 'the agent must ask again',
  expired: 'the agent must ask again',
}

function demandPending(approval: Approval, now: number): void {
  if (approval.status === 'pending' && approval.expiresAt > now) return
  const state = approval.status === 'pending' ? 'expired' : approval.status
  throw new AegisError('conflict', `approval ${approval.id} is already ${state}`, {
    data: { status: state },
    advice: NEXT_STEP[state],
  })
}

function denied(approval: Approval, { reviewer, comment }: Resolution, at: number): PreparedResolution {
  const { id, terms } = approval
  // A denial is remembered for the ttl, so that calling again does not ask again.
  const expiresAt = at + terms.ttl * 1000
  return { approval, at, settles: true, change: { kind: 'deny', id, vote: { reviewer, comment, at }, expiresAt } }
}

function approved(
  approval: Approval,
  { reviewer, comment, repeat: wanted }: Resolution,
  { onBehalfOf }: Slot,
  at: number,
): PreparedResolution {
  const { id, terms, votes } = approval
  const vote: Vote = {
    ...{ reviewer, comment, at },
    ...(onBehalfOf === null ? {} : { onBehalfOf }),
    ...(wanted ? { repeat: true } : {}),
  }
  const settles = votes.length + 1 >= terms.reviewers
  // Only where everybody who said yes wants it.
  const again = settles && [...votes, vote].every((one) => one.repeat === true) ? terms.repeat : undefined
  const window = again === undefined ? REDEEM_WITHIN_MS : again * 1000
  const expiresAt = settles ? at + window : approval.expiresAt
  const repeat = again === undefined ? {} : { repeat: again }
  const whenEnough = { votes: terms.reviewers, expiresAt: at + REDEEM_WITHIN_MS }
  return { approval, at, settles, change: { kind: 'approve', id, vote, settles, expiresAt, whenEnough, ...repeat } }
}

/**
 * Whether an approval that is over was taken back by the one who asked. Nothing else ends its time early: a pending one's is
 * set when it is asked for, an approved one's when it is given.
 */
export function wasWithdrawn({ status, expiresAt, queuedAt, terms, resolution }: Approval): boolean {
  const { at, repeat } = resolution ?? { at: 0, repeat: undefined }
  const window = repeat === undefined ? REDEEM_WITHIN_MS : repeat * 1000
  const end = resolution === null ? queuedAt + terms.ttl * 1000 : at + window
  return status === 'expired' && expiresAt < end
}

/** Whether a decision asks for the redemption of an approval, and which. */
export function redeems(decision: Decision): EnvelopeId | null {
  return decision.obligations.find((obligation) => obligation.kind === 'redeem')?.approval ?? null
}
