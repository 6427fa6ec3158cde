import type { Hono } from 'hono'
import type { JsonObject } from '../core/json.ts'
import type { CompiledPolicy } from '../core/policy/compiled.ts'
import type { EntryFilter, SessionSummary, StoredCheckpoint } from '../ledger/store.ts'
import { reportJson } from '../ledger/verify/report.ts'
import { entryJson } from '../oversight/audit-export.ts'
import type { EvidenceDesk } from '../oversight/evidence.ts'
import { type AdminContext, type AdminEnv, intQuery } from './door.ts'
import { type KeepingParts, keepingRoutes } from './keeping.ts'

export interface EvidenceParts extends KeepingParts {
  readonly evidence: EvidenceDesk
  readonly policy: () => CompiledPolicy
}

/** The page brings its own policy; here it is no part of our site: it runs nothing, sends nothing, and is in no frame. */
const REPORT_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-disposition': 'attachment; filename="evidence-report.html"',
  'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const

/** Reading what happened. */
export function evidenceRoutes(app: Hono<AdminEnv>, parts: EvidenceParts): void {
  const { evidence, policy } = parts
  const listSessions = async (context: AdminContext) => {
    const at = { first: intQuery(context, 'limit', 200, 1000), after: context.req.query('after') ?? null }
    const { sessions, more, cursorOf } = await evidence.sessionPage(context.get('key'), at)
    const last = sessions.at(-1)
    return context.json({
      sessions: sessions.map(sessionWire),
      ...(more && last !== undefined ? { next: cursorOf(last) } : {}),
    })
  }
  app.get('/admin/v1/evidence/sessions', listSessions)
  app.get('/admin/v1/sessions', listSessions)

  // A session id holds a slash, so it is the rest of the path: `.../sessions/<principal>/<label>/export` or `.../<label>/export`.
  app.get('/admin/v1/evidence/sessions/:path{.+}/export', async (context) => {
    return context.json(await evidence.export(context.get('key'), context.req.param('path')))
  })
  app.get('/admin/v1/evidence/sessions/:path{.+}/statement', async (context) => {
    return context.json(await evidence.statement(context.get('key'), context.req.param('path')))
  })
  app.get('/admin/v1/evidence/sessions/:path{.+}/report.html', async (context) => {
    const page = await evidence.report(context.get('key'), context.req.param('path'))
    return context.body(page, 200, REPORT_HEADERS)
  })
  app.post('/admin/v1/evidence/sessions/:path{.+}/verify', async (context) => {
    return context.json(reportJson(await evidence.verify(context.get('key'), context.req.param('path'))))
  })

  app.get('/admin/v1/evidence/checkpoint', async (context) => {
    return context.json(checkpointWire(await evidence.checkpoint(), evidence.origin))
  })
  app.get('/admin/v1/evidence/anchors', async (context) => {
    return context.json({ anchors: [...(await evidence.anchors(context.get('key')))] })
  })
  app.post('/admin/v1/evidence/rotate-key', async (context) => {
    const { checkpoint, vkey } = await evidence.rotateLogKey(context.get('key'))
    return context.json({ vkey, checkpoint: checkpointWire(checkpoint, evidence.origin) })
  })

  keepingRoutes(app, parts)

  app.get('/admin/v1/logs', async (context) => {
    return context.json({ entries: (await evidence.entries(context.get('key'), filterOf(context))).map(entryJson) })
  })

  app.get('/admin/v1/policies', (context) => {
    const { name, digest } = policy()
    return context.json({ policies: [{ name, sha256: digest }] })
  })
}

function filterOf(context: AdminContext): EntryFilter {
  const { session, kind, envelope, before } = context.req.query()
  return {
    limit: intQuery(context, 'limit', 50, 1000),
    ...(session === undefined ? {} : { session }),
    ...(kind === undefined ? {} : { kind }),
    ...(envelope === undefined ? {} : { env: envelope }),
    ...(before === undefined ? {} : { before: intQuery(context, 'before', 1, Number.MAX_SAFE_INTEGER) }),
  }
}

function checkpointWire({ size, root, note }: StoredCheckpoint, origin: string): JsonObject {
  return { origin, size, root: Buffer.from(root).toString('base64'), note }
}

function sessionWire(session: SessionSummary): JsonObject {
  return {
    session: session.session,
    label: session.label,
    principal: session.principal,
    entries: session.entries,
    started_at: session.first,
    last_at: session.last,
    status: session.status,
    counts: session.counts,
  }
}
