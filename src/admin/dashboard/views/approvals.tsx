import type { Approval } from '../../../core/approval.ts'
import type { OpenedEntry } from '../../../oversight/contents.ts'
import { seen } from '../entry-view.ts'
import { ApprovalDetail } from '../parts/approval-detail.tsx'
import { ApprovalRows } from '../parts/approval-list.tsx'
import { asked, askedNumber, type Shown, type View, type Viewing } from '../viewing.ts'

/** Approvals shown at first, and at most. */
const ROWS = 30
const MOST = 1000
/** Earlier actions of the session that a reviewer sees. */
const EARLIER = 8
const ASKED = new Set(['allow', 'block', 'review', 'rewrite', 'approve', 'deny'])

/** The queue with what is riskiest opened beside it. */
export const approvalsView: View = async (viewing) => {
  const waiting = await queue(viewing)
  return shown(viewing, waiting, waiting[0] ?? null, { title: 'Approvals' })
}

/** One approval, with the queue beside it. */
export const approvalView: View = async (viewing) => {
  const approval = await openApproval(viewing)
  const done = asked(viewing, 'done')
  const notice = done === 'approve' || done === 'deny' ? recorded(approval, done) : undefined
  return shown(viewing, await queue(viewing), approval, { title: 'Approval', notice, alone: true })
}

/** The same with what could not be recorded and why. */
export async function unsettledView(
  viewing: Viewing,
  why: { readonly status: 403 | 409 | 422; readonly notice: Shown['notice']; readonly comment: string },
): Promise<Shown> {
  const approval = await openApproval(viewing)
  const { status, notice, comment } = why
  const page = await shown(viewing, await queue(viewing), approval, {
    title: 'Not recorded',
    notice,
    alone: true,
    comment,
  })
  return { ...page, status }
}

function openApproval({ parts, visitor, context }: Viewing): Promise<Approval> {
  return parts.oversight.approvals.get(visitor.key, context.req.param('id') ?? '')
}

function queue(viewing: Viewing): Promise<readonly Approval[]> {
  return viewing.parts.oversight.approvals.riskiest(viewing.visitor.key, rowsOf(viewing))
}

function rowsOf(viewing: Viewing): number {
  return askedNumber(viewing, 'rows', ROWS, MOST)
}

interface How extends Pick<Shown, 'title' | 'notice'> {
  readonly comment?: string
  /** Asked for by its own address: on a narrow screen it is shown without the queue. */
  readonly alone?: boolean
}

async function shown(viewing: Viewing, waiting: readonly Approval[], open: Approval | null, how: How): Promise<Shown> {
  const { parts, visitor, now } = viewing
  const rows = rowsOf(viewing)
  const { title, notice, comment, alone = false } = how
  const total = await parts.oversight.approvals.waiting(visitor.key)
  const detail = open === null ? null : { approval: open, earlier: await earlierThan(viewing, open) }
  return {
    ...{ title, notice, place: 'approvals', live: true, wide: true },
    body: (
      <div class={alone ? 'desk alone' : 'desk'}>
        <section class="side" aria-labelledby="queue-title">
          <h1 id="queue-title">Approvals</h1>
          <div id="queue" data-region="queue">
            <p class="dim">{countOf(waiting.length, total)}</p>
            {total > 1 ? (
              <p>
                <a href="/bundles">By session, several at once</a>
              </p>
            ) : null}
            <ApprovalRows approvals={waiting} open={open?.id ?? null} now={now} />
            {total > waiting.length && rows < MOST ? <a href={`/approvals?rows=${rows * 5}`}>Show more</a> : null}
          </div>
        </section>
        <div class="pane">
          {alone ? (
            <p class="back">
              <a href="/approvals">All approvals</a>
            </p>
          ) : null}
          {detail === null ? (
            <Nothing />
          ) : (
            <ApprovalDetail
              {...detail}
              {...{ visitor, now, githubWeb: parts.githubWeb }}
              {...(comment === undefined ? {} : { comment })}
            />
          )}
        </div>
      </div>
    ),
  }
}

function Nothing() {
  return (
    <article id="detail" data-region="detail" class="detail nothing">
      <p>Nothing waits. What agents ask for appears here by itself.</p>
    </article>
  )
}

async function earlierThan({ parts, visitor }: Viewing, { id, session }: Approval) {
  const { evidence, contents } = parts.oversight
  const entries = await evidence.entries(visitor.key, { session, limit: EARLIER * 3 }).catch(() => [])
  const others = entries.filter(({ env, kind }) => env !== id && ASKED.has(kind)).slice(0, EARLIER)
  const opened: readonly OpenedEntry[] = await contents.open(visitor.key, others)
  return opened.map(seen)
}

function recorded(approval: Approval, done: 'approve' | 'deny') {
  const more = approval.terms.reviewers - approval.votes.length
  const open = approval.status === 'pending' && done === 'approve'
  return (
    <p class={`callout k-${done}`}>
      Recorded: {done === 'approve' ? 'approved' : 'denied'}.{open ? ` It needs ${more} more.` : ''}
    </p>
  )
}

function countOf(read: number, total: number): string {
  if (read === 0) return 'Nothing waits for a person.'
  // Read and counted at different moments: what is on the page counts.
  const all = Math.max(read, total)
  return all === 1 ? '1 waits' : `${all} wait, the riskiest first`
}
