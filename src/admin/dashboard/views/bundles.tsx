import type { Approval } from '../../../core/approval.ts'
import { AegisError } from '../../../core/errors.ts'
import { hasRole } from '../../../identity/keyring.ts'
import type { ApprovalBundle, BundledResolution } from '../../../oversight/bundles.ts'
import { formOf } from '../../door.ts'
import { Blast } from '../parts/badges.tsx'
import { Sentence } from '../parts/phrase.tsx'
import { Said } from '../parts/said.tsx'
import { approvalSummary, byRisk, isRisky, labelOf, sessionPath } from '../queue.ts'
import type { Shown, ViaOf, View, Viewing } from '../viewing.ts'
import { byDashboard } from '../visitor.ts'

/** What begins the name of a box that chooses an approval. */
const CHOSEN = 'id.'

/** What waits, by session: several harmless things of one session are approved in one go. */
export const bundlesView: View = async (viewing) => shown(viewing, null)

export function approveBundle(via: ViaOf): View {
  return async (viewing) => {
    const { parts, context, visitor } = viewing
    const form = await formOf(context)
    const ids = [...form.keys()].filter((name) => name.startsWith(CHOSEN)).map((name) => name.slice(CHOSEN.length))
    const comment = form.get('comment') ?? ''
    const waiting = await parts.oversight.approvals.list(visitor.key, { status: 'pending', limit: 1000 })
    const risky = waiting.some((one) => ids.includes(one.id) && isRisky(one))
    if (risky && form.get('sure') !== 'yes') {
      throw new AegisError('invalid_request', 'one of them has a high blast radius: nothing was approved', {
        advice: 'tick the box that says that you have read it',
      })
    }
    const how = byDashboard(via(context))
    const request = { ids, by: visitor.key, claimed: null, comment, via: how }
    return shown(viewing, await parts.oversight.bundles.approveAll(request))
  }
}

async function shown(viewing: Viewing, done: readonly BundledResolution[] | null): Promise<Shown> {
  const { parts, visitor } = viewing
  const bundles = await parts.oversight.bundles.bundles(visitor.key)
  const may = hasRole(visitor.key, 'reviewer')
  return {
    ...{ title: 'Approvals by session', place: 'approvals' },
    notice: done === null ? undefined : <Done results={done} />,
    body: (
      <>
        <h1>Approvals by session</h1>
        <p>
          <a href="/approvals">One by one, the riskiest first</a>
        </p>
        {bundles.length === 0 ? <p class="dim">Nothing waits for a person.</p> : null}
        {bundles.map((bundle) => (
          <Bundle bundle={bundle} csrf={visitor.csrf} may={may} />
        ))}
      </>
    ),
  }
}

function Bundle({
  bundle,
  csrf,
  may,
}: {
  readonly bundle: ApprovalBundle
  readonly csrf: string | null
  readonly may: boolean
}) {
  const { session, agent, approvals, tool, target } = bundle
  const several = approvals.filter(({ blast }) => blast !== 'critical')
  return (
    <form method="post" action="/bundles/approve" class="card bundle">
      {csrf === null ? null : <input type="hidden" name="csrf" value={csrf} />}
      <h2>
        <a href={sessionPath(session)}>
          <Said text={labelOf(session)} name="strict" brief={80} />
        </a>{' '}
        <span class="dim">
          of <Said text={agent} name="strict" brief={80} />, {approvals.length}{' '}
          {approvals.length === 1 ? 'waits' : 'wait'}
        </span>
      </h2>
      {tool === null && target === null ? null : (
        <p class="dim">
          All of them: {tool === null ? null : <Said text={tool} name="strict" brief={120} />}{' '}
          {target === null ? null : (
            <>
              on <Said text={target} name="strict" brief={120} />
            </>
          )}
        </p>
      )}
      <ul class="plain">
        {byRisk(approvals).map((approval) => (
          <Choice approval={approval} may={may} />
        ))}
      </ul>
      {may && several.length > 0 ? (
        <div class="line">
          <label>
            Comment <input name="comment" maxlength={4000} autocomplete="off" />
          </label>
          {several.some(isRisky) ? (
            <label>
              <input type="checkbox" name="sure" value="yes" /> I have read those of high blast radius
            </label>
          ) : null}
          <button type="submit" class="approve">
            Approve what is ticked
          </button>
        </div>
      ) : null}
    </form>
  )
}

function Choice({ approval, may }: { readonly approval: Approval; readonly may: boolean }) {
  const alone = approval.blast === 'critical'
  const id = `choose-${approval.id}`
  return (
    <li class="line">
      {alone || !may ? null : <input type="checkbox" id={id} name={`${CHOSEN}${approval.id}`} value="yes" />}
      <label for={alone || !may ? undefined : id}>
        <Blast level={approval.blast} score={approval.risk?.score} /> <Sentence of={approvalSummary(approval)} />
      </label>
      <a href={`/approvals/${approval.id}`}>{alone ? 'by itself only' : 'open'}</a>
    </li>
  )
}

/** Each is answered singly: one that failed kept none of the others back. */
function Done({ results }: { readonly results: readonly BundledResolution[] }) {
  const failed = results.filter((one) => 'error' in one)
  return (
    <div class={`callout k-${failed.length === 0 ? 'approve' : 'deny'}`}>
      <p>
        Recorded: {results.length - failed.length} of {results.length} approved.
      </p>
      <ul>
        {failed.map((one) =>
          'error' in one ? (
            <li>
              <a href={`/approvals/${one.id}`}>{one.id}</a>: <Said text={one.error.message} lines />
            </li>
          ) : null,
        )}
      </ul>
    </div>
  )
}
