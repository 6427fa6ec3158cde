import type { Approval } from '../../../core/approval.ts'
import type { EnvelopeId } from '../../../core/ids.ts'
import type { RecordedRun } from '../../../gateway/recorded-run.ts'
import type { Withdraw } from '../../../gateway/withdrawals.ts'
import type { ReviewTaskIds } from './review-task-ids.ts'

/** What makes approvals into tasks. */
export interface ReviewParts {
  readonly ids: ReviewTaskIds
  readonly approval: (id: EnvelopeId) => Promise<Approval | null>
  /** Takes an approval back, recorded. */
  readonly withdraw: Withdraw
  /** What the evidence says of the call that an approval was used for. */
  readonly recorded: (approval: Approval) => Promise<RecordedRun>
}
