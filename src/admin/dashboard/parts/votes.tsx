import type { Approval, Reviewer, Vote } from '../../../core/approval.ts'
import { isLogin, reviewerName } from '../../../core/reviewer-name.ts'
import { Said } from './said.tsx'
import { When } from './when.tsx'

/** What reviewers have said so far; it changes while the page is open. */
export function Votes({ approval }: { readonly approval: Approval }) {
  const { status, resolution, votes, terms } = approval
  const needed = terms.reviewers - votes.length
  return (
    <section id="votes" data-region="votes" data-status={status} aria-label="What reviewers said">
      {status === 'pending' && votes.length > 0 ? (
        <p>
          {needed} more {needed === 1 ? 'reviewer is' : 'reviewers are'} needed.
        </p>
      ) : null}
      {resolution === null && status === 'expired' ? (
        <p class="callout">It ran out of time, or the agent took it back.</p>
      ) : null}
      {resolution !== null && status === 'denied' ? (
        <Word reviewer={resolution.reviewer} comment={resolution.comment} at={resolution.at} verb="denied" />
      ) : null}
      {votes
        .filter(({ at }) => status !== 'denied' || at !== resolution?.at)
        .map(({ reviewer, comment, at, onBehalfOf }) => (
          <Word reviewer={reviewer} comment={comment} at={at} verb="approved" onBehalfOf={onBehalfOf} />
        ))}
    </section>
  )
}

function Word(props: {
  readonly reviewer: Reviewer
  readonly comment: string
  readonly at: number
  readonly verb: string
  readonly onBehalfOf?: Vote['onBehalfOf']
}) {
  const { reviewer, comment, at, verb, onBehalfOf } = props
  return (
    <div class={`callout k-${verb === 'denied' ? 'deny' : 'approve'}`}>
      <strong>
        <Said text={reviewerName(reviewer)} />
      </strong>{' '}
      {verb} it
      {onBehalfOf === undefined ? null : (
        <>
          {' '}
          for <Said text={reviewerName({ ...onBehalfOf, claimed: null })} />
        </>
      )}
      , <When at={at} />{' '}
      <span class="dim">
        ({reviewer.channel}, {isLogin(reviewer.principal) ? 'login' : 'key'} <Said text={reviewer.principal} />)
      </span>
      {comment === '' ? null : (
        <>
          <br />
          <Said text={comment} lines />
        </>
      )}
    </div>
  )
}
