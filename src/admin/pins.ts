import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import type { Sha256 } from '../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import type { Upstreams } from '../gateway/ports.ts'
import { definitionDiff, type Pin, type PinKey, type PinnedDefinition, type ToolPins } from '../tool-pins/index.ts'
import { type AdminContext, type AdminEnv, demandRole, jsonBody } from './door.ts'

export interface PinParts {
  readonly pins: ToolPins
  readonly upstreams: Pick<Upstreams, 'get' | 'list'>
}

/** Definitions decided on in one request. */
const MOST = 2000

/**
 * The definitions of tools: what is in force, what waits, and the decision of a person. An accepted definition is in force for
 * every caller from then on, so that it takes an administrator.
 */
export function pinRoutes(app: Hono<AdminEnv>, { pins, upstreams }: PinParts): void {
  app.get('/admin/v1/pins', async (context) => {
    demandRole(context, 'viewer')
    const upstream = context.req.query('upstream')
    if (upstream !== undefined) configured(upstreams, upstream)
    const all = await pins.store.index()
    const known = acceptedTools(all)
    const shown = all.filter((pin) => upstream === undefined || pin.upstream === upstream)
    return context.json({ pins: shown.filter(chosenBy(context)).map((pin) => pinWire(pin, known)) })
  })

  app.get('/admin/v1/pins/diff', async (context) => {
    demandRole(context, 'viewer')
    const upstream = configured(upstreams, context.req.query('upstream') ?? '')
    const found = await pins.store.of(upstream, context.req.query('tool') ?? null)
    const waiting = found.filter(({ status }) => status === 'waiting')
    const known = acceptedTools(found)
    return context.json({ changes: waiting.map((pin) => ({ ...pinWire(pin, known), differs: differs(pin, found) })) })
  })

  for (const verb of ['accept', 'reject'] as const) {
    app.post(`/admin/v1/pins/${verb}`, async (context) => {
      const key = demandRole(context, 'admin')
      const chosen = chosenPins(await jsonBody(context))
      for (const pin of chosen) await pins[verb](pin, key.id)
      return context.json({ [verb === 'accept' ? 'accepted' : 'rejected']: chosen.length })
    })
  }
}

function configured(upstreams: PinParts['upstreams'], name: string): string {
  if (upstreams.get(name) !== null) return name
  const names = upstreams.list().map((upstream) => upstream.name)
  throw new AegisError('not_found', `no upstream \`${name.slice(0, 64)}\``, {
    advice: names.length === 0 ? 'none is configured' : `configured are: ${names.join(', ')}`,
    path: 'upstream',
  })
}

/** `?status=waiting` leaves out what is in force. */
function chosenBy(context: AdminContext): (pin: Pin) => boolean {
  const status = context.req.query('status') ?? 'all'
  if (status === 'all') return () => true
  if (status === 'waiting' || status === 'accepted') return (pin) => pin.status === status
  throw new AegisError('invalid_request', `unknown status \`${status.slice(0, 32)}\``, {
    path: 'status',
    advice: 'known are: waiting, accepted, all',
  })
}

/** The tools of which something is in force. */
function acceptedTools(all: readonly Pin[]): ReadonlySet<string> {
  return new Set(all.filter(({ status }) => status === 'accepted').map(nameOf))
}

function nameOf({ upstream, tool }: Pin): string {
  return `${upstream} ${tool}`
}

/** `new` waits and nothing of the tool is in force; `changed` waits in place of what is. */
function pinWire(pin: Pin, known: ReadonlySet<string>): JsonObject {
  const { upstream, tool, digest, findings, seenAt, decidedAt, decidedBy } = pin
  return {
    upstream,
    tool,
    status: pin.status === 'accepted' ? 'accepted' : known.has(nameOf(pin)) ? 'changed' : 'new',
    digest,
    findings: [...findings],
    seen_at: rfc3339(seenAt),
    decided_at: decidedAt === null ? null : rfc3339(decidedAt),
    decided_by: decidedBy,
  }
}

/** Against what was accepted last. */
function differs(pin: PinnedDefinition, all: readonly PinnedDefinition[]): JsonObject[] {
  const before = all.filter(({ tool, status }) => tool === pin.tool && status === 'accepted').at(-1) ?? null
  return definitionDiff(before?.definition ?? null, pin.definition).map((change) => ({ ...change }))
}

/** @throws AegisError `invalid_request` */
function chosenPins(body: Json): readonly PinKey[] {
  const list = isObject(body) ? body['pins'] : undefined
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST) {
    throw new AegisError('invalid_request', `\`pins\` must be a list of 1 to ${MOST} definitions`, {
      path: 'pins',
      advice: 'send {"pins": [{"upstream", "tool", "digest"}]}',
    })
  }
  return list.map((item: Json, index) => {
    const [upstream, tool, digest] = isObject(item) ? MEMBERS.map((name) => textMember(item, name)) : []
    if (upstream === undefined || tool === undefined || digest === undefined || !/^[0-9a-f]{64}$/.test(digest)) {
      throw new AegisError('invalid_request', 'a definition is named by upstream, tool and digest', {
        path: `pins.${index}`,
      })
    }
    return { upstream, tool, digest: digest as Sha256 }
  })
}

const MEMBERS = ['upstream', 'tool', 'digest'] as const
