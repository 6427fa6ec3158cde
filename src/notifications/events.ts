import { isObject, type JsonObject, textMember } from '../core/json.ts'
import { parseObject } from '../ledger/format/body.ts'
import type { StoredEntry } from '../ledger/store.ts'

/**
 * What people are told of.
 * `approval`: an action waits for a reviewer. `approved`, `denied`, `expired`: how it ended; `denied` is also a call that policy blocked.
 * `reminder`: an action still waits, and its time is nearly over. `rewrite`: a guard has an action run as something else.
 * `policy`: another policy is in force. `anomaly`: what came of an action is not known, or refusals could not be recorded.
 * `result`: an action has run.
 */
export const EVENTS = [
  'approval',
  'approved',
  'denied',
  'expired',
  'reminder',
  'rewrite',
  'policy',
  'anomaly',
  'result',
] as const
export type EventName = (typeof EVENTS)[number]

/** What an endpoint hears of where its settings name nothing. */
export const DEFAULT_EVENTS: readonly EventName[] = ['approval', 'denied']

const BY_KIND: Readonly<Record<string, EventName>> = {
  block: 'denied',
  deny: 'denied',
  approve: 'approved',
  override: 'approved',
  expire: 'expired',
  rewrite: 'rewrite',
  orphan: 'anomaly',
  gap: 'anomaly',
  policy: 'policy',
  result: 'result',
}

/** What an entry of the log tells, and since when; null where nobody is told of it. */
export interface Happening {
  readonly id: string
  readonly event: EventName
  readonly body: JsonObject
  /** RFC 3339. */
  readonly at: string
}

export function happeningOf({ n, eid, kind, body: bytes }: StoredEntry): Happening | null {
  const event = kind === 'review' ? 'approval' : Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind] : undefined
  if (event === undefined) return null
  const body = parseObject(Buffer.from(bytes).toString('utf8'))
  // A review that refers to another asks again for what is being asked already.
  if (body === null || (kind === 'review' && body['ref'] !== undefined)) return null
  return { id: eid ?? `leaf-${n}`, event, body, at: textMember(body, 'ts') ?? '' }
}

/** A member of a member, as text. */
export function textAt(body: JsonObject, outer: string, inner: string): string | null {
  const object = body[outer]
  return isObject(object) ? (textMember(object, inner) ?? null) : null
}
