import type { Hono } from 'hono'
import type { ResolutionChannel } from '../approvals/approvals.ts'
import { APPROVAL_STATUSES } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import type { ApprovalDesk } from '../oversight/approvals.ts'
import type { ApprovalBundle, BundleDesk, BundledResolution } from '../oversight/bundles.ts'
import type { Resolver } from '../oversight/resolver.ts'
import { type AdminContext, type AdminEnv, demandRole, intQuery, jsonBody } from './door.ts'
import { approvalWire, errorWire, resolutionWire } from './wire.ts'

export interface ApprovalParts {
  readonly approvals: ApprovalDesk
  readonly resolver: Resolver
  readonly bundles: BundleDesk
}

/** `/admin/v1/approvals`: what waits, and settling it, one by one or several of a session at once. */
export function approvalRoutes(
  app: Hono<AdminEnv>,
  { approvals, resolver, bundles }: ApprovalParts,
  via: (context: AdminContext) => ResolutionChannel,
): void {
  app.get('/admin/v1/approvals', async (context) => {
    const status = statusOf(context.req.query('status') ?? 'pending')
    const { tool, after } = context.req.query()
    const filter = { status, order: 'oldest' as const, ...(tool === undefined ? {} : { tool }) }
    const at = { first: intQuery(context, 'limit', 200, 1000), after: after ?? null }
    const page = await approvals.page(context.get('key'), filter, at)
    const last = page.approvals.at(-1)
    return context.json({
      [status === 'all' ? 'approvals' : status]: page.approvals.map(approvalWire),
      ...(page.more && last !== undefined ? { next: page.cursorOf(last) } : {}),
    })
  })

  app.get('/admin/v1/approvals/bundles', async (context) => {
    return context.json({ bundles: (await bundles.bundles(context.get('key'))).map(bundleWire) })
  })

  app.post('/admin/v1/approvals/approve', async (context) => {
    const by = demandRole(context, 'reviewer')
    const body = bodyOf(await jsonBody(context), ['ids', 'comment', 'reviewer'])
    const { comment, claimed } = wordsOf(body)
    const results = await bundles.approveAll({ ids: idsOf(body['ids']), by, claimed, comment, via: via(context) })
    return context.json({ results: results.map((result) => resultWire(result, comment)) })
  })

  app.get('/admin/v1/approvals/:id', async (context) => {
    return context.json(approvalWire(await approvals.get(context.get('key'), context.req.param('id'))))
  })

  for (const verb of ['approve', 'deny'] as const) {
    const members = verb === 'approve' ? ['comment', 'reviewer', 'repeat'] : ['comment', 'reviewer']
    app.post(`/admin/v1/approvals/:id/${verb}`, async (context) => {
      const body = bodyOf(await jsonBody(context), members)
      const { comment, claimed } = wordsOf(body)
      const who = { by: context.get('key'), claimed, comment, via: via(context) }
      const { approval, entry } = await resolver.resolve({
        ...{ id: context.req.param('id'), verb, repeat: repeatOf(body['repeat']) },
        ...who,
      })
      return context.json(resolutionWire(approval, verb, comment, entry))
    })
  }
}

function bodyOf(body: Json, members: readonly string[]): JsonObject {
  if (!isObject(body))
    throw new AegisError('invalid_request', 'the body must be a JSON object, such as {"comment": "..."}')
  const unknown = Object.keys(body).find((key) => !members.includes(key))
  if (unknown === undefined) return body
  throw new AegisError('invalid_request', `unknown member \`${unknown.slice(0, 64)}\``, {
    path: unknown,
    advice: `known are: ${members.join(', ')}`,
  })
}

function wordsOf(body: JsonObject): { comment: string; claimed: string | null } {
  for (const key of ['comment', 'reviewer']) {
    if (body[key] === undefined || typeof body[key] === 'string') continue
    throw new AegisError('invalid_request', `\`${key}\` must be text`, { path: key })
  }
  return { comment: textMember(body, 'comment') ?? '', claimed: textMember(body, 'reviewer') ?? null }
}

function repeatOf(value: Json | undefined): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw new AegisError('invalid_request', '`repeat` must be true or false', { path: 'repeat' })
}

function idsOf(value: Json | undefined): readonly string[] {
  const ids = Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
  if (Array.isArray(value) && ids.length === value.length) return ids
  throw new AegisError('invalid_request', '`ids` must be a list of approvals', { path: 'ids' })
}

function bundleWire({ session, agent, approvals, tool, target, together }: ApprovalBundle): JsonObject {
  return { session, agent, tool, target, together, approvals: approvals.map(approvalWire) }
}

function resultWire(result: BundledResolution, comment: string): JsonObject {
  if ('error' in result) {
    const { status, body } = errorWire(result.error)
    return { envelope_id: result.id, http_status: status, ...body }
  }
  return { ...resolutionWire(result.approval, 'approve', comment, result.entry), http_status: 200 }
}

function statusOf(text: string) {
  const known = [...APPROVAL_STATUSES, 'all'] as const
  const found = known.find((status) => status === text)
  if (found !== undefined) return found
  throw new AegisError('invalid_request', `unknown status \`${text.slice(0, 32)}\``, {
    path: 'status',
    advice: `known are: ${known.join(', ')}`,
  })
}
