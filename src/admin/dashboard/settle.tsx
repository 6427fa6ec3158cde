import { AegisError, ERROR_CODES } from '../../core/errors.ts'
import { formOf } from '../door.ts'
import { Said } from './parts/said.tsx'
import { isRisky } from './queue.ts'
import type { Shown, ViaOf, View, Viewing } from './viewing.ts'
import { unsettledView } from './views/approvals.tsx'
import { byDashboard } from './visitor.ts'

/** Approving and denying by a form. What cannot be recorded is told on the approval's own page, the comment kept. */
export function settleView(via: ViaOf): View {
  return async (viewing) => {
    const { parts, context, visitor } = viewing
    const id = context.req.param('id') ?? ''
    const verb = context.req.param('verb') === 'approve' ? 'approve' : 'deny'
    const form = await formOf(context)
    const comment = (form.get('comment') ?? '').replaceAll('\r\n', '\n')
    try {
      await demandSure(viewing, id, verb, form.get('sure'))
      const how = byDashboard(via(context))
      const repeat = verb === 'approve' && form.get('repeat') === 'yes'
      await parts.oversight.resolver.resolve({ id, verb, by: visitor.key, claimed: null, comment, repeat, via: how })
    } catch (error) {
      return unsettled(viewing, error, comment)
    }
    return context.redirect(`/approvals/${id}?done=${verb}`, 303)
  }
}

/** One press is enough for what is harmless; what is not is confirmed. @throws AegisError `invalid_request` */
async function demandSure({ parts, visitor }: Viewing, id: string, verb: string, sure: string | null): Promise<void> {
  if (verb === 'deny' || sure === 'yes') return
  const approval = await parts.oversight.approvals.get(visitor.key, id)
  if (!isRisky(approval)) return
  throw new AegisError(
    'invalid_request',
    `the blast radius is ${approval.blast}: say that you have read what will run`,
    {
      path: 'sure',
      advice: 'tick the box beside Approve',
    },
  )
}

async function unsettled(viewing: Viewing, error: unknown, comment: string): Promise<Shown> {
  if (!(error instanceof AegisError)) throw error
  const { http } = ERROR_CODES[error.code]
  if (http === 404 || http >= 500) throw error
  const status = http === 403 || http === 409 ? http : 422
  const notice = (
    <div class="callout k-deny" id="refused">
      Not recorded: <Said text={error.message} lines />.{error.advice === null ? '' : ` ${error.advice}.`}
      {comment === '' ? null : (
        <>
          <br />
          Your comment was: <Said text={comment} lines />
        </>
      )}
    </div>
  )
  return unsettledView(viewing, { status, notice, comment })
}
