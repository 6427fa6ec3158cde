import { Hono } from 'hono'
import type { ResolutionChannel } from '../approvals/approvals.ts'
import { AegisError } from '../core/errors.ts'
import type { Clock, Log } from '../core/runtime.ts'
import type { IncomingCall } from '../gateway/ports.ts'
import type { Gateway } from '../gateway/reply.ts'
import type { Limiter } from '../identity/limiter.ts'
import type { Oversight } from '../oversight/index.ts'
import { parseActionBody } from './action-body.ts'
import { approvalRoutes } from './approvals.ts'
import { auditRoutes } from './audit.ts'
import { type CredentialParts, credentialRoutes } from './credentials.ts'
import { delegationRoutes } from './delegations.ts'
import { type AdminContext, type AdminEnv, answerError, type Doorkeeping, demandKey, jsonBody } from './door.ts'
import { type EvidenceParts, evidenceRoutes } from './evidence.ts'
import { keyRoutes } from './keys.ts'
import { type PinParts, pinRoutes } from './pins.ts'
import { policyRoutes } from './policies.ts'
import { roomRoutes } from './rooms.ts'
import { actionReply, simulationWire } from './wire.ts'

export interface AdminParts
  extends Oversight,
    Omit<EvidenceParts, keyof Oversight>,
    PinParts,
    CredentialParts,
    Doorkeeping {
  readonly gateway: Gateway
  /** What one key may do at most. */
  readonly limiter: Limiter
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** Other bindings of the same use cases: routes that they add to this door's. */
export type AdminWing = (app: Hono<AdminEnv>, via: (context: AdminContext) => ResolutionChannel) => void

export interface AdminWings {
  /** Before a key is demanded: each asks for who calls in its own way. */
  readonly open: readonly AdminWing[]
  /** Behind the key. */
  readonly keyed: readonly AdminWing[]
}

/**
 * The admin API of one door (`docs/api.md`): `/admin/v1/*`. `via` is how requests through this door reached us;
 * it is known from the socket they came in by, never from a header.
 */
export function adminRoutes(
  parts: AdminParts,
  via: (context: AdminContext) => ResolutionChannel,
  wings: AdminWings = { open: [], keyed: [] },
): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>()
  app.onError(answerError(parts.log))
  for (const wing of wings.open) wing(app, via)
  app.use('/admin/v1/*', demandKey(parts))
  actionRoutes(app, parts)
  approvalRoutes(app, parts, via)
  evidenceRoutes(app, parts)
  auditRoutes(app, parts)
  pinRoutes(app, parts)
  credentialRoutes(app, parts)
  roomRoutes(app, parts)
  keyRoutes(app, parts)
  policyRoutes(app, parts)
  delegationRoutes(app, parts)
  for (const wing of wings.keyed) wing(app, via)
  app.get('/admin/v1/whoami', (context) => {
    const { id, name, role, owner } = context.get('key')
    const csrf = context.get('csrf')
    return context.json({ principal: id, name, role, owner, via: context.get('via'), ...(csrf && { csrf }) })
  })
  app.all('/admin/v1/*', (context) => {
    throw new AegisError('not_found', `nothing at ${context.req.method} ${context.req.path}`)
  })
  return app
}

function actionRoutes(app: Hono<AdminEnv>, { gateway, limiter, adminUrl }: AdminParts): void {
  const submit = async (context: AdminContext) => {
    const reply = await gateway.handle(await callOf(context), context.req.raw.signal)
    return context.json(actionReply(reply, adminUrl))
  }
  app.use('/admin/v1/:action{test-action|actions|simulate}', async (context, next) => {
    const slot = limiter.begin(context.get('key').id)
    try {
      await next()
    } finally {
      slot.release()
    }
  })
  app.post('/admin/v1/test-action', submit)
  app.post('/admin/v1/actions', submit)
  app.post('/admin/v1/simulate', async (context) => {
    return context.json(simulationWire(await gateway.preview(await callOf(context), context.req.raw.signal)))
  })
}

async function callOf(context: AdminContext): Promise<IncomingCall> {
  const body = parseActionBody(await jsonBody(context), context.req.header('x-aegis-session') ?? null)
  return { ...body, caller: context.get('key'), meta: null, channel: null }
}
