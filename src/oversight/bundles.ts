import type { Approvals } from '../approvals/approvals.ts'
import type { Approval } from '../core/approval.ts'
import { AegisError, asAegisError } from '../core/errors.ts'
import { parseEnvelopeId } from '../core/ids.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { LedgerEntry } from '../ledger/draft.ts'
import type { ResolveRequest, Resolver } from './resolver.ts'
import { demand } from './rights.ts'

/** What one session waits for, together. */
export interface ApprovalBundle {
  readonly session: string
  readonly agent: string
  /** Oldest first. */
  readonly approvals: readonly Approval[]
  /** The tool, and the target, of all of them; null where they differ. */
  readonly tool: string | null
  readonly target: string | null
  /** False where one of them may only be approved by itself. */
  readonly together: boolean
}

/** What came of one of several. */
export type BundledResolution =
  | { readonly id: string; readonly approval: Approval; readonly entry: LedgerEntry }
  | { readonly id: string; readonly error: AegisError }

export interface BundleDesk {
  /** The sessions with most waiting first. For viewers. */
  bundles(who: KeyRecord): Promise<readonly ApprovalBundle[]>
  /**
   * Approves each by itself, each with an entry of its own; one that fails keeps none of the others back.
   * @throws AegisError `invalid_request` for no list, `forbidden` where one of several is critical: then nothing is approved
   */
  approveAll(
    request: Omit<ResolveRequest, 'id' | 'verb' | 'repeat'> & { readonly ids: readonly string[] },
  ): Promise<readonly BundledResolution[]>
}

/** More than a person can have read. */
const MOST_TOGETHER = 100
const MOST_WAITING = 1000

export function createBundleDesk(parts: {
  readonly approvals: Pick<Approvals, 'get' | 'store'>
  readonly resolver: Pick<Resolver, 'resolve'>
}): BundleDesk {
  const { approvals, resolver } = parts

  async function demandHarmless(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const parsed = parseEnvelopeId(id)
      const approval = parsed === null ? null : await approvals.get(parsed)
      if (approval?.blast !== 'critical') continue
      throw new AegisError('forbidden', `approval ${approval.id} is critical: it is approved by itself or not at all`, {
        path: 'ids',
        advice: 'leave it out of the list',
      })
    }
  }

  return {
    async bundles(who) {
      demand(who, 'viewer')
      const waiting = await approvals.store.list({ status: 'pending', limit: MOST_WAITING })
      const bySession = groupedBySession(waiting)
      return [...bySession.values()].map(bundleOf).sort((a, b) => b.approvals.length - a.approvals.length)
    },

    async approveAll({ ids, ...request }) {
      const distinct = [...new Set(ids.map((id) => parseEnvelopeId(id) ?? id))]
      if (distinct.length === 0 || distinct.length > MOST_TOGETHER) {
        throw new AegisError('invalid_request', `\`ids\` must name 1 to ${MOST_TOGETHER} approvals`, { path: 'ids' })
      }
      demand(request.by, 'reviewer')
      if (distinct.length > 1) await demandHarmless(distinct)
      const results: BundledResolution[] = []
      for (const id of distinct) {
        const one = resolver.resolve({ ...request, id, verb: 'approve' })
        results.push(
          await one.then(
            (done) => ({ id, ...done }),
            (error: unknown) => ({ id, error: asAegisError(error) }),
          ),
        )
      }
      return results
    },
  }
}

function bundleOf(approvals: readonly Approval[]): ApprovalBundle {
  const [first] = approvals
  const common = (pick: (approval: Approval) => string) => {
    const values = new Set(approvals.map(pick))
    return values.size === 1 && first !== undefined ? pick(first) : null
  }
  return {
    session: first?.session ?? '',
    agent: first?.agent ?? '',
    approvals,
    tool: common(({ tool }) => tool),
    target: common(({ target }) => target),
    together: approvals.every(({ blast }) => blast !== 'critical'),
  }
}

function groupedBySession(approvals: readonly Approval[]): ReadonlyMap<string, readonly Approval[]> {
  const groups = new Map<string, Approval[]>()
  for (const approval of approvals) {
    const group = groups.get(approval.session)
    if (group === undefined) groups.set(approval.session, [approval])
    else group.push(approval)
  }
  return groups
}
