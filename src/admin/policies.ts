import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import type { NamedPolicy, PolicyDesk } from '../oversight/policies.ts'
import type { WhyDesk } from '../oversight/why.ts'
import { type AdminContext, type AdminEnv, demandRole, intQuery, jsonBody } from './door.ts'
import { diffWire, refusedWire, replayWire, sourcesWire, versionWire, whyWire } from './policy-wire.ts'
import { bodyOf } from './room-wire.ts'

export interface PolicyParts {
  readonly policies: PolicyDesk
  readonly why: WhyDesk
}

/** `/admin/v1/policies/*`, and why an action came out as it did. */
export function policyRoutes(app: Hono<AdminEnv>, { policies, why }: PolicyParts): void {
  app.use('/admin/v1/policies/*', async (context, next) => {
    // Before a body is read.
    demandRole(context, 'viewer')
    await next()
  })
  app.get('/admin/v1/policies/versions', async (context) => {
    const who = context.get('key')
    const before = context.req.query('before')
    const older = before === undefined ? [] : [intQuery(context, 'before', 1, Number.MAX_SAFE_INTEGER)]
    const versions = await policies.history(who, intQuery(context, 'limit', 50, 1000), ...older)
    return context.json({ versions: versions.map(versionWire), refused: refusedWire(policies.refused(who)) })
  })
  app.get('/admin/v1/policies/versions/:version', async (context) => {
    const shown = await policies.version(context.get('key'), numberOf(context.req.param('version')))
    return context.json({ ...versionWire(shown), sources: sourcesWire(shown), findings: [...shown.findings] })
  })
  app.post('/admin/v1/policies/versions/:version/rollback', async (context) => {
    const who = demandRole(context, 'admin')
    const { expected } = bodyOf(await jsonBody(context), ['expected'])
    const number = numberOf(context.req.param('version'))
    return context.json(versionWire(await policies.rollback(who, number, expectedOf(expected))), 201)
  })
  app.get('/admin/v1/policies/diff', async (context) => {
    const { from, to } = context.req.query()
    const [was, is] = [numberOf(from ?? ''), numberOf(to ?? '')]
    return context.json(diffWire(await policies.diff(context.get('key'), { version: was }, { version: is })))
  })
  app.post('/admin/v1/policies/diff', async (context) => {
    const { from, to } = bodyOf(await jsonBody(context), ['from', 'to'])
    return context.json(diffWire(await policies.diff(context.get('key'), named(from, 'from'), named(to, 'to'))))
  })
  app.post('/admin/v1/policies/replay', (context) => replayed(context, policies))
  app.get('/admin/v1/actions/:id/why', async (context) => {
    return context.json(whyWire(await why.why(context.get('key'), context.req.param('id'))))
  })
}

async function replayed(context: AdminContext, policies: PolicyDesk): Promise<Response> {
  const { policy, from } = bodyOf(await jsonBody(context), ['policy', 'from'])
  const start = from ?? 0
  if (typeof start !== 'number' || !Number.isSafeInteger(start) || start < 0) {
    throw new AegisError('invalid_request', '`from` must be the number of an entry', { path: 'from' })
  }
  const { report, next, size } = await policies.replay(context.get('key'), named(policy, 'policy'), start)
  return context.json({ from: start, next, size, ...replayWire(report) })
}

/** A policy by version or by its texts. Texts of a hundred files are more than anybody has. */
const MOST_SOURCES = 100

function named(value: Json | undefined, path: string): NamedPolicy {
  const { version, sources } = isObject(value) ? value : {}
  if (typeof version === 'number' && sources === undefined) return { version }
  const texts = Array.isArray(sources) && sources.length <= MOST_SOURCES ? sources.flatMap(sourceOf) : []
  if (version === undefined && Array.isArray(sources) && texts.length === sources.length && texts.length > 0) {
    return { sources: texts }
  }
  throw new AegisError('invalid_request', `\`${path}\` must be {"version": 3} or {"sources": [{"file", "text"}]}`, {
    path,
  })
}

function sourceOf(value: Json): { file: string; text: string }[] {
  const source: JsonObject = isObject(value) ? value : {}
  const [file, text] = [textMember(source, 'file'), textMember(source, 'text')]
  return file === undefined || text === undefined || !/^[\w. -]{1,128}$/.test(file) ? [] : [{ file, text }]
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new AegisError('invalid_request', `${JSON.stringify(text.slice(0, 32))} is no policy version`, {
    path: 'version',
    advice: 'a version is a whole number from 1 on; `aegisctl policy history` lists them',
  })
}

function expectedOf(value: Json | undefined): number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw new AegisError('invalid_request', '`expected` must be the number of a version', { path: 'expected' })
}
