import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import { isCommitted } from '../ledger/commitment.ts'
import { COMMITTED, type Committed } from '../ledger/draft.ts'
import type { LedgerOperations } from '../ledger/ledger.ts'
import type { LedgerReader } from '../ledger/store.ts'
import { resolveSession } from '../oversight/sessions.ts'
import { type AdminContext, type AdminEnv, demandRole, jsonBody } from './door.ts'

export interface KeepingParts {
  readonly ledger: LedgerOperations
  readonly reader: LedgerReader
}

/** How long evidence is kept: closing, holding, erasing, pruning. For administrators only. */
export function keepingRoutes(app: Hono<AdminEnv>, { ledger, reader }: KeepingParts): void {
  const named = async (context: AdminContext, body: Fields) =>
    resolveSession(reader, body.text('session'), context.get('key'))

  app.post('/admin/v1/evidence/erase', async (context) => {
    const key = demandRole(context, 'admin')
    const body = fields(await jsonBody(context), ['entry', 'paths', 'reason', 'authority', 'everywhere'])
    const receipt = await ledger.erase({
      entry: body.position('entry'),
      paths: body.paths('paths'),
      reason: body.text('reason'),
      authority: body.text('authority', `key ${key.name}`),
      by: key.id,
      everywhere: body.flag('everywhere'),
    })
    return context.json({ ...receipt })
  })

  app.get('/admin/v1/evidence/holds', async (context) => {
    demandRole(context, 'viewer')
    const holds = await reader.holds()
    return context.json({ holds: holds.map(({ session, reason, at }) => ({ session, reason, since: rfc3339(at) })) })
  })
  app.post('/admin/v1/evidence/hold', async (context) => {
    demandRole(context, 'admin')
    const body = fields(await jsonBody(context), ['session', 'reason'])
    const why = body.text('reason')
    const { session, reason, at } = await ledger.hold(await named(context, body), why)
    return context.json({ session, reason, since: rfc3339(at) })
  })
  app.post('/admin/v1/evidence/unhold', async (context) => {
    demandRole(context, 'admin')
    const session = await named(context, fields(await jsonBody(context), ['session']))
    await ledger.unhold(session)
    return context.json({ session })
  })

  app.post('/admin/v1/evidence/close', async (context) => {
    demandRole(context, 'admin')
    const session = await named(context, fields(await jsonBody(context), ['session']))
    await ledger.closeSession(session)
    return context.json({ session, status: 'closed' })
  })

  app.post('/admin/v1/evidence/prune', async (context) => {
    const key = demandRole(context, 'admin')
    const body = fields(await jsonBody(context), ['min_index', 'archive_sha256', 'root'])
    const { n, minIndex, deleted } = await ledger.prune({
      minIndex: body.position('min_index'),
      archiveSha256: body.hash('archive_sha256'),
      root: body.hash('root'),
      by: key.id,
    })
    return context.json({ n, min_index: minIndex, deleted })
  })
}

/** A body whose members are checked as they are asked for. */
interface Fields {
  text(name: string, fallback?: string): string
  position(name: string): number
  flag(name: string): boolean
  hash(name: string): string
  paths(name: string): Committed[]
}

/** @throws AegisError `invalid_request` naming the member to mend, as each of its methods does */
function fields(body: Json, known: readonly string[]): Fields {
  if (!isObject(body)) throw new AegisError('invalid_request', 'the body must be a JSON object')
  const unknown = Object.keys(body).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw wrong(unknown, `unknown member \`${unknown.slice(0, 64)}\`; known are: ${known.join(', ')}`)
  }
  return {
    text: (name, fallback) => textOf(body, name, fallback),
    position(name) {
      const value = body[name]
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
      throw wrong(name, `\`${name}\` must be a whole number`)
    },
    flag(name) {
      const value = body[name] ?? false
      if (typeof value === 'boolean') return value
      throw wrong(name, `\`${name}\` must be true or false`)
    },
    hash(name) {
      const value = textOf(body, name)
      if (/^[0-9a-f]{64}$/.test(value)) return value
      throw wrong(name, `\`${name}\` must be 64 hex digits`)
    },
    paths: (name) => pathsOf(body, name),
  }
}

function textOf(body: JsonObject, name: string, fallback?: string): string {
  const value = body[name] ?? fallback
  if (typeof value === 'string' && value !== '') return value
  throw wrong(name, `\`${name}\` must be text`)
}

function pathsOf(body: JsonObject, name: string): Committed[] {
  const value = body[name]
  const paths = Array.isArray(value) ? value : []
  const found = paths.filter((path): path is Committed => typeof path === 'string' && isCommitted(path))
  if (found.length === paths.length && found.length > 0) return found
  throw wrong(name, `\`${name}\` must be a list of: ${COMMITTED.join(', ')}`)
}

function wrong(path: string, message: string): AegisError {
  return new AegisError('invalid_request', message, { path })
}
