import type { Approval } from '../../core/approval.ts'
import { BLAST_LEVELS } from '../../core/decision.ts'
import { sessionLabel } from '../../core/ids.ts'
import type { Phrase } from '../../oversight/phrase.ts'
import { bareSummary, summaryOf } from '../../oversight/summary.ts'

/** What is riskiest comes first; of equal risk, what has waited longest. */
export function byRisk(approvals: readonly Approval[]): readonly Approval[] {
  return [...approvals].sort(
    (one, two) =>
      rank(two.blast) - rank(one.blast) ||
      (two.risk?.score ?? 0) - (one.risk?.score ?? 0) ||
      one.queuedAt - two.queuedAt ||
      (one.id < two.id ? -1 : 1),
  )
}

/** Of one session, in the order of the sessions' riskiest. */
export function bySession(approvals: readonly Approval[]): readonly (readonly Approval[])[] {
  const groups = new Map<string, Approval[]>()
  for (const approval of byRisk(approvals)) {
    const group = groups.get(approval.session) ?? []
    group.push(approval)
    groups.set(approval.session, group)
  }
  return [...groups.values()]
}

/** Worth a second look: an approval of it is asked about once more. */
export function isRisky({ blast }: Approval): boolean {
  return rank(blast) >= rank('high')
}

/** Of one whose arguments are gone nothing is made up: its tool and target are all that is known. */
export function approvalSummary(approval: Approval): Phrase {
  return approval.parameters === null && approval.plan === undefined ? bareSummary(approval) : summaryOf(approval)
}

/** Where its session is read. */
export function sessionPath(session: string): string {
  return `/session?id=${encodeURIComponent(session)}`
}

export function labelOf(session: string): string {
  return sessionLabel(session)
}

function rank(level: string): number {
  // An unknown level is no low one.
  const found = (BLAST_LEVELS as readonly string[]).indexOf(level)
  return found < 0 ? BLAST_LEVELS.length : found
}
