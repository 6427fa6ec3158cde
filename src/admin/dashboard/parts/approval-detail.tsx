import type { Approval } from '../../../core/approval.ts'
import { hasRole } from '../../../identity/keyring.ts'
import { pullRequestOf } from '../../../oversight/summary.ts'
import type { SeenEntry } from '../entry-view.ts'
import { approvalSummary, isRisky, labelOf, sessionPath } from '../queue.ts'
import type { Visitor } from '../visitor.ts'
import { Arguments } from './arguments.tsx'
import { Blast, Decision, Tool } from './badges.tsx'
import { Sentence } from './phrase.tsx'
import { Said } from './said.tsx'
import { Timeline } from './timeline.tsx'
import { Votes } from './votes.tsx'
import { Countdown, duration, When } from './when.tsx'

export interface DetailProps {
  readonly approval: Approval
  readonly earlier: readonly SeenEntry[]
  readonly visitor: Visitor
  readonly githubWeb: string
  readonly now: number
  /** A comment that was not recorded, to be sent again. */
  readonly comment?: string
}

/** Everything a reviewer decides on: what will run first, then how risky it is, then who asks and why. */
export function ApprovalDetail(props: DetailProps) {
  const { approval, earlier, visitor, now } = props
  return (
    <article class="detail" id="detail" data-region="detail" data-approval={approval.id} aria-labelledby="what">
      <header>
        <p class="line">
          <Blast level={approval.blast} score={approval.risk?.score} />
          <Tool name={approval.tool} />
          <span id="left" class="left">
            {approval.status === 'pending' ? (
              <Countdown until={approval.expiresAt} now={now} />
            ) : (
              <Decision kind={approval.status} />
            )}
          </span>
        </p>
        <h2 id="what">
          <Sentence of={approvalSummary(approval)} />
        </h2>
        <PullRequest {...props} />
      </header>
      <Votes approval={approval} />
      <Plan approval={approval} />
      <section aria-labelledby="runs">
        <h3 id="runs">
          {approval.status === 'pending' || approval.status === 'approved' ? 'What will run' : 'What was asked'}
        </h3>
        {approval.parameters === null ? (
          <p class="dim">
            The arguments are not kept here any more: <a href={`/actions/${approval.id}`}>the evidence</a> has them.
          </p>
        ) : (
          <Arguments parameters={approval.parameters} />
        )}
      </section>
      <Risk approval={approval} />
      <Words text={approval.justification} />
      <section aria-labelledby="about">
        <h3 id="about">Who asks, and on what terms</h3>
        <Facts approval={approval} />
      </section>
      <section aria-labelledby="earlier">
        <h3 id="earlier">Also in this session, the newest first</h3>
        {earlier.length === 0 ? <p class="dim">Nothing else so far.</p> : <Timeline entries={earlier} />}
      </section>
      {approval.status === 'pending' ? <Decide {...props} may={hasRole(visitor.key, 'reviewer')} /> : null}
    </article>
  )
}

function PullRequest({ approval, githubWeb }: DetailProps) {
  const pull = pullRequestOf(approval)
  if (pull === null) return null
  const [owner = '', name = ''] = pull.repository.split('/')
  return (
    <p>
      <a
        href={`${githubWeb}/${encodeURIComponent(owner)}/${encodeURIComponent(name)}/pull/${pull.number}`}
        rel="noreferrer noopener"
        target="_blank"
      >
        Pull request #{pull.number} of <Said text={pull.repository} name="strict" /> (opens another page)
      </a>
    </p>
  )
}

function Plan({ approval: { plan } }: { readonly approval: Approval }) {
  if (plan === undefined) return null
  return (
    <section aria-labelledby="plan" class="callout k-rewrite">
      <h3 id="plan">Runs as a pull request, in place of the direct write that was asked for</h3>
      <dl class="facts">
        <Fact name="Title">
          <Said text={plan.title} />
        </Fact>
        <Fact name="Branches">
          <Said text={plan.branch} name="strict" /> into <Said text={plan.base} name="strict" />
        </Fact>
      </dl>
      <pre tabindex={0}>
        <Said text={plan.body} lines />
      </pre>
    </section>
  )
}

function Risk({ approval: { risk, blast, findings } }: { readonly approval: Approval }) {
  return (
    <section aria-labelledby="risk">
      <h3 id="risk">
        Blast radius:{' '}
        {risk === undefined ? (
          <Said text={blast} />
        ) : (
          <>
            <Said text={blast} />, {risk.score} of 100
          </>
        )}
      </h3>
      {risk === undefined ? null : (
        <svg
          class={`scale s-${blast}`}
          viewBox="0 0 100 8"
          preserveAspectRatio="none"
          aria-hidden="true"
          focusable="false"
        >
          <rect x="0" y="0" width={Math.max(1, risk.score)} height="8" />
        </svg>
      )}
      <ul class="reasons">
        {risk?.reasons.map((reason) => (
          <li>
            <Said text={reason} />
          </li>
        ))}
      </ul>
      {findings.length === 0 ? null : (
        <ul class="findings">
          {findings.map(({ name, verdict, reason }) => (
            <li>
              <Decision kind={verdict} />{' '}
              <code>
                <Said text={name} name="strict" first={200} />
              </code>
              {reason === undefined ? null : (
                <>
                  {' '}
                  <Said text={reason} />
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** Words of the agent are marked as such: nothing here says that they are true. */
function Words({ text }: { readonly text: string | null }) {
  return (
    <section aria-labelledby="words">
      <h3 id="words">The agent’s own words</h3>
      {text === null ? (
        <p class="dim">It gave no reason.</p>
      ) : (
        <blockquote>
          <Said text={text} lines />
        </blockquote>
      )}
    </section>
  )
}

function Facts({ approval }: { readonly approval: Approval }) {
  const { agent, principal, owner, session, matchedRule, policy, terms, votes, head, onto, target } = approval
  return (
    <dl class="facts">
      <Fact name="Target">
        <Said text={target} name="strict" />
      </Fact>
      <Fact name="Agent">
        <Said text={agent} name="strict" /> <span class="dim">(as it calls itself)</span>
      </Fact>
      <Fact name="Key">
        <code>
          <Said text={principal} />
        </code>{' '}
        {owner === '' ? null : (
          <>
            of <Said text={owner} />
          </>
        )}
      </Fact>
      <Fact name="Session">
        <a href={sessionPath(session)}>
          <Said text={labelOf(session)} />
        </a>
      </Fact>
      <Fact name="Rule">
        <code>
          <Said text={matchedRule} />
        </code>{' '}
        of <Said text={policy} />
      </Fact>
      {head === undefined ? null : (
        <Fact name="Commit">
          <code>
            <Said text={head} />
          </code>
        </Fact>
      )}
      {onto === undefined ? null : (
        <Fact name="Into">
          <Said text={onto} name="strict" />
        </Fact>
      )}
      <Fact name="Reviewers">
        {votes.length} of {terms.reviewers}
        {terms.independent ? ', none of them the person the agent works for' : ''}
        {terms.notAuthor === true ? ', none of them who wrote the policy' : ''}
        {terms.sameSession ? '; good in this session only' : ''}
        {terms.from === undefined ? null : (
          <>
            , from: <Said text={terms.from.map((group) => group.join(' or ')).join('; ')} lines />
          </>
        )}
      </Fact>
      <Fact name="Asked">
        <When at={approval.queuedAt} />
      </Fact>
      {approval.status !== 'pending' ? null : (
        <Fact name="Answer by">
          <When at={approval.expiresAt} />
        </Fact>
      )}
      <Fact name="Envelope">
        <a href={`/actions/${approval.id}`}>
          <code>{approval.id}</code>
        </a>
      </Fact>
    </dl>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children?: unknown }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children as never}</dd>
    </div>
  )
}

function Decide({ approval, visitor, comment, may }: DetailProps & { readonly may: boolean }) {
  if (!may) return <p class="decide dim">Your role, {visitor.key.role}, may look at this and not decide it.</p>
  const path = `/approvals/${approval.id}`
  const risky = isRisky(approval)
  return (
    <form class="decide" id="decide" method="post" action={`${path}/approve`} data-risky={risky ? 'yes' : 'no'}>
      {visitor.csrf === null ? null : <input type="hidden" name="csrf" value={visitor.csrf} />}
      <label for="comment">Comment, for the evidence and the agent</label>
      <textarea id="comment" name="comment" rows={2} maxlength={4000}>
        {comment ?? ''}
      </textarea>
      <div class="line">
        {risky ? (
          <label class="sure">
            <input type="checkbox" name="sure" value="yes" /> I have read what will run (<Said text={approval.blast} />)
          </label>
        ) : null}
        {approval.terms.repeat === undefined || approval.blast === 'critical' ? null : (
          <label class="sure">
            <input type="checkbox" name="repeat" value="yes" /> Let this very action run again for{' '}
            {duration(approval.terms.repeat * 1000)}
          </label>
        )}
        <button type="submit" class="approve" data-key="a">
          Approve
        </button>
        <button type="submit" class="deny" data-key="d" formaction={`${path}/deny`}>
          Deny
        </button>
      </div>
    </form>
  )
}
