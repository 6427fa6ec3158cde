import { canonicalBody, MAX_BODY_BYTES } from '../core/canonical.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { isHash } from './chain.ts'
import { ENTRY_KINDS, type EntryKind } from './draft.ts'
import { VERSION } from './entry.ts'

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

/** Parses a canonical JSON object of the body profile. Duplicate keys, odd numbers, escapes or white space show as a changed re-serialisation. */
export function parseCanonical(text: string): JsonObject | null {
  if (text.length > MAX_BODY_BYTES) return null
  try {
    const value: Json = JSON.parse(text)
    return isObject(value) && canonicalBody(value) === text ? value : null
  } catch {
    return null
  }
}

/** Reads a session entry, strictly: an unknown member or a missing one is no entry of this format. */
export function readBody(text: string): EntryBody | Unreadable {
  const whole = parseCanonical(text)
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
