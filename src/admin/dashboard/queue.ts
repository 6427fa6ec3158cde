import { blastRank, riskRank } from '../../approvals/risk.ts'
import type { Approval } from '../../core/approval.ts'
import { sessionLabel } from '../../core/ids.ts'
import type { Phrase } from '../../oversight/phrase.ts'
import { bareSummary, summaryOf } from '../../oversight/summary.ts'

/** What is riskiest comes first; of equal risk, what has waited longest. */
export function byRisk(approvals: readonly Approval[]): readonly Approval[] {
  return [...approvals].sort(
    (one, two) => riskRank(two) - riskRank(one) || one.queuedAt - two.queuedAt || (one.id < two.id ? -1 : 1),
  )
}

/** Worth a second look: an approval of it is asked about once more. */
export function isRisky({ blast }: Approval): boolean {
  return blastRank(blast) >= blastRank('high')
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
