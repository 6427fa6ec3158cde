import type { Approval } from '../../../core/approval.ts'
import { approvalSummary, labelOf } from '../queue.ts'
import { Blast } from './badges.tsx'
import { Sentence } from './phrase.tsx'
import { Said } from './said.tsx'
import { duration } from './when.tsx'

/** Time that is left, in milliseconds, below which a row says so loudly. */
const SOON_MS = 5 * 60_000

/** What waits: one line of what it does, who asks, how long it has. */
export function ApprovalRows(props: {
  readonly approvals: readonly Approval[]
  readonly open: string | null
  readonly now: number
}) {
  const { approvals, open, now } = props
  return (
    <ol class="queue">
      {approvals.map((approval) => (
        <Row approval={approval} open={approval.id === open} now={now} />
      ))}
    </ol>
  )
}

function Row({ approval, open, now }: { readonly approval: Approval; readonly open: boolean; readonly now: number }) {
  const { id, blast, risk, agent, session, queuedAt, expiresAt, terms, votes } = approval
  const left = expiresAt - now
  return (
    <li>
      <a href={`/approvals/${id}`} aria-current={open ? 'true' : undefined}>
        <span class="line">
          <Blast level={blast} score={risk?.score} />
          <span class="ago">{duration(now - queuedAt)}</span>
        </span>
        <span class="what">
          <Sentence of={approvalSummary(approval)} />
        </span>
        <span class="line dim">
          <span class="who">
            <Said text={agent} name="strict" brief={40} /> · <Said text={labelOf(session)} brief={40} />
          </span>
          <span class={left < SOON_MS ? 'soon' : ''}>
            {terms.reviewers > 1 ? `${votes.length} of ${terms.reviewers} · ` : ''}
            {left <= 0 ? 'over' : `${duration(left)} left`}
          </span>
        </span>
      </a>
    </li>
  )
}
