import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { isHash } from './chain.ts'
import { ENTRY_KINDS, type EntryKind, VERSION } from './version.ts'

/** A session entry as verify reads it out of stored bytes: the members that its checks rest on. */
export interface EntryBody {
  readonly log: string
  readonly session: string
  readonly seq: number
  readonly prev: string
  readonly eid: string
  readonly kind: EntryKind
  readonly env: string
  readonly ts: string
  readonly ref: string | null
  readonly effect: string | null
  readonly tool: string
  readonly status: string | null
  readonly commit: Readonly<Record<string, string>>
  readonly whole: JsonObject
}

/** Why bytes are not an honest body: their form, or a format version this code does not know. */
export type Unreadable = { readonly canonical: boolean; readonly reason: string; readonly unknownVersion: boolean }

const MEMBERS = new Set(
  'action actor blast commit decision effect eid env findings gw kind log outcome prev ref reviewer seq session ts v'.split(
    ' ',
  ),
)
const KINDS: ReadonlySet<string> = new Set(ENTRY_KINDS)

/**
 * Parses a canonical JSON object of the body profile (RFC 8785, whole numbers only, at most 8 deep and 32 KiB); null for every
 * other text. What is canonical comes out again as it went in: the engine writes strings and numbers as RFC 8785 has them, so
 * only the order of the members and the values need a look. Objects with names like 10 and 9, which the engine would
 * reorder, are no part of this format.
 */
export function parseCanonical(text: string): JsonObject | null {
  const value = parseObject(text)
  return value !== null && isProfile(value, MAX_DEPTH) && JSON.stringify(value) === text ? value : null
}

/** The same, whatever the form. */
export function parseObject(text: string): JsonObject | null {
  if (text.length > MAX_BYTES || (text.length * 3 > MAX_BYTES && Buffer.byteLength(text) > MAX_BYTES)) return null
  try {
    const value: Json = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** Limits of a body, as `core/canonical.ts` writes it. */
const MAX_DEPTH = 8
const MAX_BYTES = 32 * 1024

function isProfile(value: Json | undefined, depth: number): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (isObject(value)) return isSorted(value, depth - 1)
  return value.every((item) => isProfile(item, depth - 1))
}

function isSorted(object: JsonObject, depth: number): boolean {
  let last: string | null = null
  for (const key in object) {
    if ((last !== null && last >= key) || !key.isWellFormed() || !isProfile(object[key], depth)) return false
    last = key
  }
  return true
}

/**
 * Reads a session entry, strictly: an unknown member or a missing one is no entry of this format.
 * @param anyForm does not ask whether the text is canonical: what was hashed is the same either way
 */
export function readBody(text: string, anyForm = false): EntryBody | Unreadable {
  const whole = anyForm ? parseObject(text) : parseCanonical(text)
  if (whole === null) return { canonical: false, reason: 'not canonical JSON', unknownVersion: false }
  const version = textMember(whole, 'v')
  if (version !== VERSION) return { canonical: true, reason: 'unknown format version', unknownVersion: true }
  return entryOf(whole) ?? { canonical: true, reason: `not an entry of ${VERSION}`, unknownVersion: false }
}

export function isBody(read: EntryBody | Unreadable): read is EntryBody {
  return 'whole' in read
}

function entryOf(whole: JsonObject): EntryBody | null {
  const { log, session, seq, prev, eid, kind, env, ts, ref, effect } = whole
  const action = whole['action']
  if (typeof log !== 'string' || typeof session !== 'string' || typeof seq !== 'number' || seq < 0) return null
  if (!isHash(prev) || typeof eid !== 'string' || typeof env !== 'string' || typeof ts !== 'string') return null
  if (!isKind(kind) || !isObject(action) || !isObject(whole['actor']) || typeof whole['gw'] !== 'string') return null
  const tool = textMember(action, 'tool')
  const commit = commitOf(whole['commit'])
  if (tool === undefined || commit === null) return null
  for (const key of Object.keys(whole)) if (!MEMBERS.has(key)) return null
  const outcome = whole['outcome']
  return {
    log,
    session,
    seq,
    prev,
    eid,
    kind,
    env,
    ts,
    ref: typeof ref === 'string' ? ref : null,
    effect: typeof effect === 'string' ? effect : null,
    tool,
    status: isObject(outcome) ? (textMember(outcome, 'status') ?? null) : null,
    commit,
    whole,
  }
}

function isKind(kind: Json | undefined): kind is EntryKind {
  return typeof kind === 'string' && KINDS.has(kind)
}

const NOTHING: Readonly<Record<string, string>> = {}

function commitOf(value: Json | undefined): Readonly<Record<string, string>> | null {
  if (value === undefined) return NOTHING
  if (!isObject(value)) return null
  const commit: Record<string, string> = {}
  for (const [path, mac] of Object.entries(value)) {
    if (!isHash(mac)) return null
    commit[path] = mac
  }
  return commit
}
