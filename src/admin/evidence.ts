import type { Hono } from 'hono'
import type { JsonObject } from '../core/json.ts'
import type { CompiledPolicy } from '../core/policy/compiled.ts'
import { hasRole } from '../identity/keyring.ts'
import type { LedgerOperations } from '../ledger/ledger.ts'
import type { EntryFilter, LedgerReader, SessionSummary, StoredCheckpoint, StoredEntry } from '../ledger/store.ts'
import { reportJson } from '../ledger/verify/report.ts'
import { type AdminContext, type AdminEnv, demandRole, intQuery } from './door.ts'
import { keepingRoutes } from './keeping.ts'
import { resolveSession } from './sessions.ts'

export interface EvidenceParts {
  readonly ledger: LedgerOperations
  readonly reader: LedgerReader
  /** Where checkpoints were taken to, and how far behind each place is. */
  readonly anchorStatus: () => Promise<JsonObject[]>
  /** Hands the signing over to a new key. */
  readonly rotateLogKey: () => Promise<{ readonly checkpoint: StoredCheckpoint; readonly vkey: string }>
  readonly policy: () => CompiledPolicy
}

/** Reading what happened. An agent key reads its own sessions; a viewer's reads all. */
export function evidenceRoutes(app: Hono<AdminEnv>, parts: EvidenceParts): void {
  const { ledger, reader, policy } = parts
  const listSessions = async (context: AdminContext) => {
    const key = context.get('key')
    const limit = intQuery(context, 'limit', 200, 1000)
    const shown = hasRole(key, 'viewer') ? await reader.sessions(limit) : await reader.sessions(limit, key.id)
    return context.json({ sessions: shown.map(sessionWire) })
  }
  app.get('/admin/v1/evidence/sessions', listSessions)
  app.get('/admin/v1/sessions', listSessions)

  // A session id holds a slash, so it is the rest of the path: `.../sessions/<principal>/<label>/export` or `.../<label>/export`.
  app.get('/admin/v1/evidence/sessions/:path{.+}/export', async (context) => {
    const session = await resolveSession(reader, context.req.param('path'), context.get('key'))
    return context.json(await ledger.export(session))
  })
  app.get('/admin/v1/evidence/sessions/:path{.+}/statement', async (context) => {
    const session = await resolveSession(reader, context.req.param('path'), context.get('key'))
    return context.json(await ledger.statement(session))
  })
  app.post('/admin/v1/evidence/sessions/:path{.+}/verify', async (context) => {
    const session = await resolveSession(reader, context.req.param('path'), context.get('key'))
    return context.json(reportJson(await ledger.verify(session)))
  })

  // Public by nature: whoever holds an old checkpoint can prove that the log only grew.
  app.get('/admin/v1/evidence/checkpoint', async (context) =>
    context.json(checkpointWire(await ledger.sign(), ledger.origin)),
  )

  app.get('/admin/v1/evidence/anchors', async (context) => {
    demandRole(context, 'viewer')
    return context.json({ anchors: await parts.anchorStatus() })
  })
  app.post('/admin/v1/evidence/rotate-key', async (context) => {
    demandRole(context, 'admin')
    const { checkpoint, vkey } = await parts.rotateLogKey()
    return context.json({ vkey, checkpoint: checkpointWire(checkpoint, ledger.origin) })
  })

  keepingRoutes(app, { ledger, reader })

  app.get('/admin/v1/logs', async (context) => {
    const entries = await reader.list(await filterOf(context, reader))
    return context.json({ entries: entries.filter(({ session }) => session !== null).map(entryWire) })
  })

  app.get('/admin/v1/stats', async (context) => {
    demandRole(context, 'viewer')
    const { size, queued } = ledger.stats()
    const sessions = await reader.sessions(1000)
    const decisions: Record<string, number> = {}
    for (const [kind, count] of sessions.flatMap(({ counts }) => Object.entries(counts))) {
      decisions[kind] = (decisions[kind] ?? 0) + count
    }
    return context.json({ entries: size, queued, decisions, sessions: sessions.length })
  })

  app.get('/admin/v1/policies', (context) => {
    const { name, digest } = policy()
    return context.json({ policies: [{ name, sha256: digest }] })
  })
}

async function filterOf(context: AdminContext, reader: LedgerReader): Promise<EntryFilter> {
  const key = context.get('key')
  const named = context.req.query('session')
  if (named === undefined) demandRole(context, 'viewer')
  const kind = context.req.query('kind')
  const env = context.req.query('envelope')
  const before = context.req.query('before')
  return {
    limit: intQuery(context, 'limit', 50, 1000),
    ...(named === undefined ? {} : { session: await resolveSession(reader, named, key) }),
    ...(kind === undefined ? {} : { kind }),
    ...(env === undefined ? {} : { env }),
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

/** An entry as a list shows it: place, hash, and its body as recorded. */
function entryWire(entry: StoredEntry): JsonObject {
  return { n: entry.n, hash: entry.hash, ...(JSON.parse(Buffer.from(entry.body).toString('utf8')) as JsonObject) }
}
