import { VERDICTS, type Verdict } from '../core/decision.ts'
import { AegisError } from '../core/errors.ts'
import { ROOM_MODES, ROOM_PERMISSIONS, ROOM_ROLES, type RoomFact } from '../core/facts.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import { hint } from '../core/spelling.ts'
import type { KeyRecord } from '../identity/ports.ts'
import { type Counts, quoted, type Room, type RoomReport, repositoryText } from '../rooms/index.ts'
import { keyWire } from './key-wire.ts'

export function roomWire(room: Room): JsonObject {
  const { id, repository, members, tools, permission, mode, version, createdAt, updatedAt } = room
  return {
    id,
    repository: repositoryText(repository),
    mode,
    permission: permission === null ? null : { ...permission },
    members: members.map(({ name, role }) => ({ member: name, role })),
    tools: { DEVELOPER: { ...tools.DEVELOPER }, ADMIN: { ...tools.ADMIN }, OWNER: { ...tools.OWNER } },
    version,
    created_at: rfc3339(createdAt),
    updated_at: rfc3339(updatedAt),
  }
}

/** A room's key: its role is that in the room. */
export function roomKeyWire(key: KeyRecord, now: number): JsonObject {
  return { ...keyWire(key, now), role: key.room?.role ?? null }
}

const WORDS = { allow: 'allowed', rewrite: 'rewritten', review: 'held', block: 'blocked' } as const satisfies Record<
  Verdict,
  string
>

export function reportWire(report: RoomReport): JsonObject {
  const { calls, would, decisions, tools, blast, moments, more } = report
  return {
    calls,
    would: countsWire(would),
    decisions: { ...decisions },
    tools: tools.map(({ tool, calls, would }) => ({ tool, calls, would: countsWire(would) })),
    blast_radius: Object.fromEntries(Object.entries(blast).map(([level, counts]) => [level, countsWire(counts)])),
    moments: moments.map(({ envelope, blast, score, would, ...moment }) => ({
      ...moment,
      envelope_id: envelope,
      would: WORDS[would],
      blast_radius: blast,
      blast_score: score,
    })),
    moments_left_out: more,
  }
}

function countsWire(counts: Counts): JsonObject {
  return Object.fromEntries(VERDICTS.map((verdict) => [WORDS[verdict], counts[verdict]]))
}

/** The body as an object of these members alone. @throws AegisError `invalid_request` */
export function bodyOf(body: Json, known: readonly string[]): JsonObject {
  if (!isObject(body)) throw new AegisError('invalid_request', 'the body must be a JSON object')
  for (const member of Object.keys(body)) {
    if (known.includes(member)) continue
    throw new AegisError('invalid_request', `unknown member ${quoted(member)}`, {
      path: member.slice(0, 64),
      advice: `known are: ${known.join(', ')}`,
    })
  }
  return body
}

/** @throws AegisError `invalid_request` */
export function neededText(body: JsonObject, member: string): string {
  const value = body[member]
  if (typeof value === 'string') return value
  throw new AegisError('invalid_request', `\`${member}\` must be text`, { path: member })
}

export function optionalText(body: JsonObject, member: string): string | undefined {
  return body[member] === undefined ? undefined : neededText(body, member)
}

/** One of these words. @throws AegisError `invalid_request` with the word that may have been meant */
export function oneOf<T extends string>(value: Json | undefined, member: string, known: readonly T[]): T {
  const found = known.find((word) => word === value)
  if (found !== undefined) return found
  const said = typeof value === 'string' ? `: ${quoted(value)}${hint(value, known)}` : `; known: ${known.join(', ')}`
  throw new AegisError('invalid_request', `\`${member}\` is no word I know${said}`, { path: member })
}

export const modeOf = (body: JsonObject) => oneOf(body['mode'], 'mode', ROOM_MODES)
export const roleOf = (body: JsonObject) => oneOf(body['role'], 'role', ROOM_ROLES)

/** `{"read": "allow", "write": "hold"}`, or null. @throws AegisError `invalid_request` */
export function permissionOf(body: JsonObject): RoomFact['permission'] {
  const value = body['permission'] ?? null
  if (value === null) return null
  const { read, write } = bodyOf(value, ['read', 'write'])
  return {
    read: oneOf(read, 'permission.read', ROOM_PERMISSIONS),
    write: oneOf(write, 'permission.write', ROOM_PERMISSIONS),
  }
}

/** The version a change was made for; null where the caller names none. @throws AegisError `invalid_request` */
export function versionOf(body: JsonObject): number | null {
  const value = body['version'] ?? null
  if (value === null || (typeof value === 'number' && Number.isSafeInteger(value) && value > 0)) return value
  throw new AegisError('invalid_request', '`version` must be a whole number', { path: 'version' })
}
