import type { Approvals, ResolutionChannel } from '../approvals/approvals.ts'
import type { Approval, Reviewer } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import { parseEnvelopeId } from '../core/ids.ts'
import { answerableName, isLogin, reviewerName } from '../core/reviewer-name.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import { resolutionDraft } from '../gateway/drafts.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { Ledger, LedgerEntry } from '../ledger/draft.ts'

/** Longest comment of a reviewer, in characters. */
const COMMENT_LIMIT = 4000

export interface ResolveRequest {
  readonly id: string
  readonly verb: 'approve' | 'deny'
  /** The authenticated reviewer. */
  readonly by: KeyRecord
  /** A name given with the request: shown, and never trusted. */
  readonly claimed: string | null
  readonly comment: string
  /** Let it run again and again for as long as the rule says. Never asked for by an agent: only reviewers get this far. */
  readonly repeat?: boolean
  readonly via: ResolutionChannel
}

/** Settling reviews: one use case for every door a person may come through. */
export interface Resolver {
  /** @throws AegisError `forbidden`, `not_found`, `conflict`, `invalid_request`, `evidence_unavailable` */
  resolve(request: ResolveRequest): Promise<{ approval: Approval; entry: LedgerEntry }>
  /** Records what has run out of time. Called on a timer; one pass. */
  expire(): Promise<number>
}

export function createResolver(parts: {
  readonly approvals: Approvals
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}): Resolver {
  const { approvals, ledger, clock, random, log } = parts
  const inTurn = createTurns()

  return {
    async resolve({ id, verb, by, claimed, comment, repeat = false, via }) {
      demandReviewer(by)
      if (comment.length > COMMENT_LIMIT) {
        throw new AegisError('invalid_request', `the comment is longer than ${COMMENT_LIMIT} characters`, {
          path: 'comment',
        })
      }
      const reviewer: Reviewer = { ...speakerOf(by, claimed), ...via }
      const { approval, entry } = await inTurn(parseEnvelopeId(id) ?? id, async () => {
        const { approval, change } = await approvals.prepare(id, { verb, reviewer, role: by.role, comment, repeat })
        const entry = await ledger.append(resolutionDraft(approval, change, comment, random)).catch((error) => {
          throw lostRace(error, approval)
        })
        return { approval, entry }
      })
      approvals.announce(approval.id)
      log.info(
        { envelope_id: approval.id, tool: approval.tool, verb, reviewer: reviewerName(reviewer), channel: via.channel },
        'approval resolved',
      )
      return { approval: (await approvals.get(approval.id)) ?? approval, entry }
    },

    async expire() {
      const now = clock.now()
      const due = await approvals.store.due(now, 256)
      for (const approval of due) {
        const change = { kind: 'expire' as const, id: approval.id, at: now }
        try {
          await ledger.append(resolutionDraft(approval, change, '', random))
        } catch (error) {
          // Redeemed or resolved in the same moment: then there is nothing to expire.
          if (!(error instanceof AegisError && error.code === 'approval_spent')) throw error
        }
        approvals.announce(approval.id)
      }
      return due.length
    },
  }
}

/**
 * One resolution of an approval at a time. Whose vote counts, and which vote settles, depends on the votes before it: of
 * two that are checked at once neither sees the other, so that one person's two keys would count twice.
 */
function createTurns() {
  const last = new Map<string, Promise<unknown>>()
  return async <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const mine = (last.get(id) ?? Promise.resolve()).then(work, work)
    last.set(id, mine)
    try {
      return await mine
    } finally {
      if (last.get(id) === mine) last.delete(id)
    }
  }
}

/** Agent keys can never resolve, whoever owns them. */
function demandReviewer(by: KeyRecord): void {
  if (by.role === 'reviewer' || by.role === 'admin') return
  throw new AegisError('forbidden', `a key with role ${by.role} may not settle approvals`, {
    advice: 'use a reviewer or admin key',
  })
}

function lostRace(error: unknown, approval: Approval): unknown {
  if (!(error instanceof AegisError && error.code === 'approval_spent')) return error
  return new AegisError('conflict', `approval ${approval.id} was settled by somebody else in this moment`, {
    cause: error,
  })
}

/** Of a person who logged in, the name that stands in the evidence is the owner: their own at the provider is a claim like any other. */
function speakerOf(by: KeyRecord, claimed: string | null): Pick<Reviewer, 'principal' | 'name' | 'owner' | 'claimed'> {
  const { id: principal, name, owner } = by
  const said = printable(claimed) ?? (isLogin(principal) ? printable(name) : null)
  return { principal, name: answerableName({ principal, name, owner }), owner, claimed: said }
}

function printable(claimed: string | null): string | null {
  const cleaned = claimed
    ?.replace(/[^\p{L}\p{N} ._@+'-]/gu, '')
    .trim()
    .slice(0, 64)
  return cleaned === undefined || cleaned === '' ? null : cleaned
}
