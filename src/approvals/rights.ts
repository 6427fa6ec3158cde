import type { Approval, Reviewer, Vote } from '../core/approval.ts'
import type { Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import { areTwoPeople, isSameVoice, type Voice } from '../core/voice.ts'

/** Somebody whose word may count: a key, and whose it is. */
export interface Person extends Voice {
  readonly name: string
}

/** What has to be known of people to say whose yes counts. What nobody knows counts for nobody. */
export interface Standing {
  /** Whether the reviewer counts as the one who asked (same key, same owner, or not independent enough). */
  isSelf(person: Person, approval: Approval): Promise<boolean>
  /** Owners of the room of a repository (`owner/name`); none where it has no room. */
  roomOwners(repository: string): readonly string[]
  /** Who put the policies into force that asked for this and that hold now; files have no author. */
  authors(approval: Approval): Promise<readonly Person[]>
  /** Who lets this person speak in their place now, each with the role of their own key. */
  delegators(person: Person): Promise<readonly (Person & { readonly role: Role })[]>
  /** Whether an administrator revoked the key, or the login, of somebody who spoke. */
  isShutOut(person: Voice): Promise<boolean>
}

/** A yes that counts: in whose place it was said, where not in one's own. */
export interface Slot {
  readonly onBehalfOf: Person | null
}

/**
 * Whose slot a reviewer's yes fills: their own before that of somebody who lets them speak.
 * @throws AegisError `forbidden`, `conflict` where they have spoken
 */
export async function slotOf(
  approval: Approval,
  reviewer: Reviewer & { readonly role: Role },
  standing: Standing,
): Promise<Slot> {
  await demandOther(approval, reviewer, standing)
  await demandInForce(approval, standing)
  demandNewVoice(approval, reviewer)
  if (isNamed(approval, reviewer, standing)) return { onBehalfOf: null }
  for (const delegator of await standing.delegators(reviewer)) {
    const free = !approval.votes.some((vote) => isBy(vote, delegator))
    // Somebody's place, not their role.
    const named = isNamed(approval, delegator, standing) && hasRole(approval, reviewer)
    const other = free && named && (await isOther(approval, delegator, standing))
    if (other) return { onBehalfOf: { principal: delegator.principal, name: delegator.name, owner: delegator.owner } }
  }
  throw unnamed(approval, reviewer, standing)
}

/** Said by them, or in their place. */
function isBy(vote: Vote, person: Voice): boolean {
  return voicesOf(vote).some((voice) => isSameVoice(voice, person))
}

function voicesOf({ reviewer, onBehalfOf }: Vote): readonly Person[] {
  return onBehalfOf === undefined ? [reviewer] : [reviewer, onBehalfOf]
}

/**
 * A yes ends with whoever said it: a stolen key that was revoked has approved nothing, nor has the author of a policy that came into
 * force afterwards.
 */
export async function isUndone(
  approval: Approval,
  standing: Pick<Standing, 'isShutOut' | 'authors'>,
): Promise<boolean> {
  for (const voice of approval.votes.flatMap(voicesOf)) {
    if ((await standing.isShutOut(voice)) || (await isAuthor(approval, voice, standing))) return true
  }
  return false
}

async function demandInForce(approval: Approval, standing: Standing): Promise<void> {
  if (!(await isUndone(approval, standing))) return
  throw new AegisError(
    'conflict',
    `a yes to ${approval.id} counts no more: whoever said it was shut out since, or put a policy into force`,
    {
      advice: 'deny it: then the agent must ask anew',
    },
  )
}

function demandNewVoice(approval: Approval, reviewer: Reviewer): void {
  if (approval.votes.some((vote) => isBy(vote, reviewer))) throw spoken(approval, reviewer)
  const other = approval.votes.flatMap(voicesOf).find((voice) => !areTwoPeople(voice, reviewer))
  if (other === undefined) return
  throw new AegisError('forbidden', `nobody can tell ${reviewer.name} from ${other.name}, who has approved`, {
    advice: 'use a key with an owner; a login has one by a verified address, or by `auth.login.owner_claim`',
  })
}

async function isOther(approval: Approval, person: Person, standing: Standing): Promise<boolean> {
  return !(await standing.isSelf(person, approval)) && !(await isAuthor(approval, person, standing))
}

async function isAuthor(approval: Approval, person: Voice, standing: Pick<Standing, 'authors'>): Promise<boolean> {
  if (approval.terms.notAuthor !== true) return false
  return (await standing.authors(approval)).some((author) => isSameVoice(author, person))
}

async function demandOther(approval: Approval, reviewer: Reviewer, standing: Standing): Promise<void> {
  if (await standing.isSelf(reviewer, approval)) {
    throw new AegisError('forbidden', `${reviewer.name} may not approve this: it is their own request`, {
      advice: approval.terms.independent
        ? 'the policy asks for an independent reviewer: somebody else must decide'
        : 'another reviewer must decide',
    })
  }
  if (await isAuthor(approval, reviewer, standing)) {
    throw new AegisError('forbidden', `${reviewer.name} put the policy into force that asks for this`, {
      advice: 'the policy asks for somebody else than its author: another reviewer must decide',
    })
  }
}

function isNamed(approval: Approval, person: Person & { readonly role: Role }, standing: Standing): boolean {
  const { from = [] } = approval.terms
  return hasRole(approval, person) && from.every((names) => namesOf(approval, names, standing).includes(person.owner))
}

function hasRole({ terms }: Approval, { role }: { readonly role: Role }): boolean {
  return terms.role !== 'admin' || role === 'admin'
}

/** The word in a policy for the owners of the repository's room. */
const ROOM_OWNERS = 'owners'

function namesOf({ repository }: Approval, names: readonly string[], standing: Standing): readonly string[] {
  const owners = names.includes(ROOM_OWNERS) && repository !== undefined ? standing.roomOwners(repository) : []
  return [...names.filter((name) => name !== ROOM_OWNERS), ...owners].filter((name) => name !== '')
}

function spoken(approval: Approval, reviewer: Reviewer): AegisError {
  const by = approval.votes.find((vote) => vote.onBehalfOf !== undefined && isSameVoice(vote.onBehalfOf, reviewer))
  const how = by === undefined ? '' : `, by the word of ${by.reviewer.name}`
  return new AegisError('conflict', `${reviewer.name} has already approved ${approval.id}${how}`, {
    advice: `${approval.terms.reviewers} different reviewers are needed`,
  })
}

function unnamed(approval: Approval, reviewer: Reviewer, standing: Standing): AegisError {
  const { role, from = [] } = approval.terms
  const groups = from.map((names) => {
    const known = namesOf(approval, names, standing).join(', ')
    return known === '' ? 'nobody, for no room has owners' : `one of ${known}`
  })
  const who = [...(role === 'admin' ? ['an administrator'] : []), ...groups].join('; and ')
  return new AegisError('forbidden', `the policy names who may approve this, and ${reviewer.name} is not among them`, {
    advice: `it asks for ${who}${from.length === 0 ? '' : ', or somebody they delegated to'}`,
  })
}
