import type { Repository } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import { ROOM_ROLES, type RoomFact, type RoomMode, type RoomRole } from '../core/facts.ts'

/** A person in a room: the text that keys have as `owner` or `sponsor`. */
export interface Member {
  readonly name: string
  readonly role: RoomRole
}

/** Canonical `tool` or `tool:method` to whether the role may use it; what is not in it may be used. */
export type ToolMap = Readonly<Record<string, boolean>>

/** The access scope of one repository. Times in milliseconds since the epoch. */
export interface Room {
  /** `room_<16 hex>`, or a slug somebody chose. Names the room in rules, findings and addresses; opens nothing. */
  readonly id: string
  /** One room a repository, whatever the case of its letters. */
  readonly repository: Repository
  /** By name, each once. */
  readonly members: readonly Member[]
  readonly tools: Readonly<Record<RoomRole, ToolMap>>
  readonly permission: RoomFact['permission']
  readonly mode: RoomMode
  /** Counts changes: who changes a room says which version of it. */
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$/
const NAME = /^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}$/i
const SLUG = /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/
const MEMBER_LIMIT = 160

/** `owner/name` as GitHub writes it. @throws AegisError `invalid_request` */
export function parseRepository(text: string): Repository {
  const [owner = '', name = '', ...more] = text.split('/')
  if (more.length === 0 && OWNER.test(owner) && NAME.test(name)) return { owner, name }
  throw new AegisError('invalid_request', `${quoted(text)} is no repository`, {
    path: 'repository',
    advice: 'write owner/name, such as acme/site',
  })
}

/** The same for all spellings of one repository: GitHub's names differ by more than case. */
export function repositoryKey({ owner, name }: Repository): string {
  return `${owner}/${name}`.toLowerCase()
}

export function repositoryText({ owner, name }: Repository): string {
  return `${owner}/${name}`
}

/** A room's id that somebody chose. @throws AegisError `invalid_request` */
export function parseRoomId(text: string): string {
  if (SLUG.test(text)) return text
  throw new AegisError('invalid_request', `${quoted(text)} is no room id`, {
    path: 'id',
    advice: 'use 1 to 64 small letters, digits, - and _, or leave it out',
  })
}

/** @throws AegisError `invalid_request` where it could be nobody's owner text */
export function parseMember(text: string): string {
  if (text.length >= 1 && text.length <= MEMBER_LIMIT && text.trim() === text && /^[^\p{C}]*$/u.test(text)) return text
  throw new AegisError('invalid_request', `a member is named by 1 to ${MEMBER_LIMIT} printable characters`, {
    path: 'member',
    advice: 'use the owner or sponsor of their keys',
  })
}

/** Of two roles the higher one. */
export function higherRole(one: RoomRole, other: RoomRole): RoomRole {
  return ROOM_ROLES.indexOf(one) >= ROOM_ROLES.indexOf(other) ? one : other
}

/** What a caller sent, as it can stand in a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}

export const NO_TOOLS: Room['tools'] = { DEVELOPER: {}, ADMIN: {}, OWNER: {} }
