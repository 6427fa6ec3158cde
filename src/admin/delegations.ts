import type { Hono } from 'hono'
import type { Delegation } from '../approvals/delegations.ts'
import type { JsonObject } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import type { DelegationDesk } from '../oversight/delegations.ts'
import { type AdminEnv, demandRole, jsonBody } from './door.ts'
import { bodyOf, neededText } from './room-wire.ts'

/** `/admin/v1/delegations`: reviewers who let another speak in their place. */
export function delegationRoutes(app: Hono<AdminEnv>, { delegations }: { readonly delegations: DelegationDesk }): void {
  for (const path of ['/admin/v1/delegations', '/admin/v1/delegations/*']) {
    app.use(path, async (context, next) => {
      // Before a body is read.
      demandRole(context, 'reviewer')
      await next()
    })
  }
  app.get('/admin/v1/delegations', async (context) => {
    return context.json({ delegations: (await delegations.list(context.get('key'))).map(delegationWire) })
  })
  app.post('/admin/v1/delegations', async (context) => {
    const body = bodyOf(await jsonBody(context), ['to', 'until'])
    const given = await delegations.give(context.get('key'), neededText(body, 'to'), body['until'])
    return context.json(delegationWire(given), 201)
  })
  app.delete('/admin/v1/delegations/:id', async (context) => {
    return context.json(delegationWire(await delegations.end(context.get('key'), context.req.param('id'))))
  })
}

function delegationWire({ id, from, to, createdAt, until, endedAt }: Delegation): JsonObject {
  return {
    id,
    from: from.owner,
    principal: from.principal,
    to,
    since: rfc3339(createdAt),
    until: rfc3339(until),
    ended_at: endedAt === null ? null : rfc3339(endedAt),
  }
}
