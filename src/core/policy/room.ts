import { DEFAULT_TERMS, type RuleVerdict } from '../decision.ts'
import type { Act } from '../envelope.ts'
import type { Facts, RoomFact, RoomPermission } from '../facts.ts'
import type { ToolClass } from './compiled.ts'
import type { Opinion } from './opinion.ts'

/** What the room of an act's repository says of it. */
export interface RoomSays {
  /** In place of the policy's default, where no rule matches; null leaves it to the policy. */
  readonly fallback: Opinion | null
  /** Holds whatever the rules say, and in shadow mode too: who may use what is no experiment. */
  readonly access: Opinion | null
  /** That the act is this room's, which decides nothing: entries tell of which room they are. */
  readonly presence: Opinion | null
}

const SILENT: RoomSays = { fallback: null, access: null, presence: null }

/** @param policy the document that is named where the room decides. */
export function roomSays(act: Act, facts: Facts, policy: string): RoomSays {
  const fact = facts.room
  if (fact === undefined) return SILENT
  if (!fact.known) {
    return { ...SILENT, access: opinion(policy, 'room', 'review', `its room is unknown: ${fact.reason}`) }
  }
  const room = fact.value
  if (room === null) return SILENT
  const label = `room:${room.id}`
  if (!isOf(act, room)) return { ...SILENT, access: room.confined ? confinement(act, room, label, policy) : null }
  return {
    fallback: fallbackOf(act, room, label, policy),
    access: accessOf(act, room, label, policy),
    presence: opinion(policy, label, 'allow', `${room.role} in a room in mode ${room.mode}`),
  }
}

/** Whether the act names the room's repository. */
export function isOf({ resource }: Act, { repository }: RoomFact): boolean {
  const named = resource.repository
  return named !== null && nameOf(named) === nameOf(repository)
}

function nameOf({ owner, name }: RoomFact['repository']): string {
  return `${owner}/${name}`.toLowerCase()
}

/** A search names no repository and reads them all: it is not for a key of one. */
function confinement({ protocol, resource }: Act, room: RoomFact, label: string, policy: string): Opinion | null {
  if (protocol !== 'git') return null
  const named = resource.repository
  const what = named === null ? 'what names no repository' : `${named.owner}/${named.name}`
  return opinion(policy, label, 'block', `the key is for ${nameOf(room.repository)}, not for ${what}`)
}

const VERDICTS = { allow: 'allow', hold: 'review', deny: 'block' } as const satisfies Record<
  RoomPermission,
  RuleVerdict
>

function fallbackOf(act: Act, { permission }: RoomFact, label: string, policy: string): Opinion | null {
  if (permission === null) return null
  const side = act.capability === 'read' ? 'read' : 'write'
  const held = permission[side]
  return opinion(policy, label, VERDICTS[held], `no rule matches, and the room's ${side} permission is ${held}`)
}

/** The narrower key wins: `github.issue_write:update` before `github.issue_write`. */
function accessOf({ tool, method }: Act, { tools, role }: RoomFact, label: string, policy: string): Opinion | null {
  const keys = method === undefined ? [tool] : [`${tool}:${method}`, tool]
  const key = keys.find((one) => Object.hasOwn(tools, one))
  if (key === undefined || tools[key] !== false) return null
  return opinion(policy, label, 'block', `${key} is not for the role ${role} in this room`)
}

/** False where no method of the tool is for the role, or nothing of it is for a key of one room. */
export function isFor({ tools, confined }: RoomFact, { tool, scoped = true }: ToolClass): boolean {
  if (confined && !scoped) return false
  if (tools[tool] !== false) return true
  return Object.entries(tools).some(([key, open]) => open && key.startsWith(`${tool}:`))
}

function opinion(policy: string, label: string, verdict: RuleVerdict, reason: string): Opinion {
  return {
    verdict,
    ref: { policy, index: null, label },
    finding: { source: 'room', name: label, verdict, reason },
    terms: DEFAULT_TERMS,
    suggestion: verdict === 'block' ? 'ask an owner of the room' : null,
  }
}
