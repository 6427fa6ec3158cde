import { createHmac } from 'node:crypto'
import { describeAction } from '../core/catalog/index.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import type { StoredEntry, StoredPayload } from '../ledger/store.ts'
import type { Field } from './ports.ts'

export interface Term {
  readonly field: Field
  readonly value: string
}

/** What an entry can be found by, read from what the log shows of it. */
export interface EntryTerms {
  readonly terms: readonly Term[]
  /** Milliseconds since the epoch, as the entry claims; NaN where it claims none. */
  readonly at: number
  /** How long its approval had waited when a reviewer spoke, in milliseconds; null for other entries. */
  readonly waited: number | null
  /** Whose target may be known by a committed value, and how that value is to be read. */
  readonly action: { readonly protocol: string; readonly tool: string } | null
}

/** Values longer than this are found by no filter, bytes: no database indexes them. The format bounds them at it. */
const LONGEST = 1024

/** Bodies are read as they are stored: what cannot be read is found by its kind alone. */
export function termsOf(entry: StoredEntry): EntryTerms {
  const body = parsed(entry.body)
  const { session } = entry
  const slash = session?.indexOf('/') ?? -1
  const tool = inside(body, 'action', 'tool')
  const found: (readonly [Field, string | undefined | null])[] = [
    ['kind', entry.kind],
    ['session', session],
    ['principal', slash > 0 ? session?.slice(0, slash) : null],
    ['agent', inside(body, 'actor', 'agent')],
    ['catalog', tool === undefined ? null : catalogOf(tool)],
    ['tool', tool],
    ['policy', inside(body, 'decision', 'policy')],
    ['reviewer', inside(body, 'reviewer', 'principal')],
    ...roomsOf(body).map((room) => ['room', room] as const),
  ]
  const terms = found.flatMap(([field, value]) =>
    value && Buffer.byteLength(value) <= LONGEST ? [{ field, value: storable(value) }] : [],
  )
  const at = Date.parse(entry.ts ?? textMember(body, 'ts') ?? '')
  return { terms, at, waited: waitedOf(entry, at), action: actionOf(body) }
}

/** `github` of `github.push_files`: what names thousands of tools is one value. Null where there is no dot. */
export function catalogOf(tool: string): string | null {
  const dot = tool.indexOf('.')
  return dot > 0 ? tool.slice(0, dot) : null
}

/** PostgreSQL holds no NUL in text, and an agent may call itself what it likes. */
export function storable(value: string): string {
  return value.replaceAll('\0', '\ufffd')
}

function parsed(bytes: Uint8Array): JsonObject {
  try {
    const value: Json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function inside(body: JsonObject, outer: string, member: string): string | undefined {
  const value = body[outer]
  return isObject(value) ? textMember(value, member) : undefined
}

const DECIDED_BY = /^(?:room|shadow):([a-z0-9][a-z0-9_-]{0,63})$/
const FOUND = /^room:([a-z0-9][a-z0-9_-]{0,63})$/

/** Rooms that the decision names, as the deciding rule or among its findings. */
function roomsOf(body: JsonObject): readonly string[] {
  const findings = Array.isArray(body['findings']) ? body['findings'] : []
  const names = findings.flatMap((one: Json) => (isObject(one) ? (textMember(one, 'name') ?? []) : []))
  const decided = DECIDED_BY.exec(inside(body, 'decision', 'rule') ?? '')?.[1] ?? []
  return [...new Set([decided, names.flatMap((name) => FOUND.exec(name)?.[1] ?? [])].flat())]
}

/** An approval's id is a UUIDv7, whose first 48 bits are when it was asked for (RFC 9562 section 5.7). */
function waitedOf({ kind, env }: StoredEntry, at: number): number | null {
  if ((kind !== 'approve' && kind !== 'deny') || env === null) return null
  const asked = Number.parseInt(env.slice(0, 13).replace('-', ''), 16)
  const waited = at - asked
  return waited >= 0 ? waited : null
}

function actionOf(body: JsonObject): EntryTerms['action'] {
  const commit = body['commit']
  const protocol = inside(body, 'action', 'protocol')
  const tool = inside(body, 'action', 'tool')
  if (!isObject(commit) || protocol === undefined || tool === undefined) return null
  return Object.hasOwn(commit, 'target') || Object.hasOwn(commit, 'params') ? { protocol, tool } : null
}

/** The committed values by which a target is known. */
export const TARGET_PATHS = ['target', 'params'] as const

/**
 * What the action was about, from the values that the entry commits to: the target itself, or what the catalog reads from the
 * parameters. Null where neither says it, or both were erased.
 */
export function targetOf(action: NonNullable<EntryTerms['action']>, payloads: readonly StoredPayload[]): string | null {
  const values = new Map(payloads.map(({ path, value }) => [path, value]))
  const named = jsonOf(values.get('target'))
  if (typeof named === 'string') return named === '' ? null : named
  const parameters = jsonOf(values.get('params'))
  if (!isObject(parameters)) return null
  const tool = action.tool.replace(/:.*/, '')
  try {
    const { resource } = describeAction({ ...action, tool, target: '', capability: null, parameters })
    return resource.target === '' ? null : resource.target
  } catch {
    // Recorded as it was asked, which may be wrong: such a call names nothing.
    return null
  }
}

function jsonOf(bytes: Uint8Array | undefined): Json | undefined {
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch {
    return undefined
  }
}

/** Bytes of the HMAC that are kept: enough that no two targets of one log are the same. */
const KEPT = 16

/**
 * Stands for a target in the index. Targets are few and easily guessed, so that a plain hash would tell them to whoever has the
 * database; the key is not in it.
 */
export function hiddenTarget(key: Uint8Array, target: string): string {
  return createHmac('sha256', key).update('target\0').update(target).digest().subarray(0, KEPT).toString('hex')
}
