import type { Approval, Reviewer, Vote } from '../core/approval.ts'
import type { Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Principal } from '../core/ids.ts'

/** Somebody whose word may count: a key, and whose it is. */
export interface Person {
  readonly principal: Principal
  readonly name: string
  /** `''` where it is not known. */
  readonly owner: string
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
  if (approval.votes.some((vote) => isBy(vote, reviewer))) throw spoken(approval, reviewer)
  if (isNamed(approval, reviewer, standing)) return { onBehalfOf: null }
  for (const delegator of await standing.delegators(reviewer)) {
    const free = !approval.votes.some((vote) => isBy(vote, delegator))
    const other = free && isNamed(approval, delegator, standing) && (await isOther(approval, delegator, standing))
    if (other) return { onBehalfOf: { principal: delegator.principal, name: delegator.name, owner: delegator.owner } }
  }
  throw unnamed(approval, reviewer, standing)
}

/** Said by them, or in their place. */
function isBy({ reviewer, onBehalfOf }: Vote, person: Person): boolean {
  return isSame(reviewer, person) || (onBehalfOf !== undefined && isSame(onBehalfOf, person))
}

function isSame(one: Person, other: Person): boolean {
  return one.principal === other.principal || (one.owner !== '' && one.owner === other.owner)
}

async function isOther(approval: Approval, person: Person, standing: Standing): Promise<boolean> {
  return !(await standing.isSelf(person, approval)) && !(await isAuthor(approval, person, standing))
}

async function isAuthor(approval: Approval, person: Person, standing: Standing): Promise<boolean> {
  if (approval.terms.notAuthor !== true) return false
  return (await standing.authors(approval)).some((author) => isSame(author, person))
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
  const { role, from = [] } = approval.terms
  if (role === 'admin' && person.role !== 'admin') return false
  return from.every((names) => namesOf(approval, names, standing).includes(person.owner))
}

/** The word in a policy for the owners of the repository's room. */
const ROOM_OWNERS = 'owners'

function namesOf({ repository }: Approval, names: readonly string[], standing: Standing): readonly string[] {
  const owners = names.includes(ROOM_OWNERS) && repository !== undefined ? standing.roomOwners(repository) : []
  return [...names.filter((name) => name !== ROOM_OWNERS), ...owners].filter((name) => name !== '')
}

function spoken(approval: Approval, reviewer: Reviewer): AegisError {
  const by = approval.votes.find((vote) => vote.onBehalfOf !== undefined && isSame(vote.onBehalfOf, reviewer))
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
    advice: `it asks for ${who}, or somebody they delegated to`,
  })
}
