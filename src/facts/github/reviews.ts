import type { ReviewsFact } from '../../core/facts.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import type { Place } from './place.ts'
import { readPull } from './pull.ts'
import { objectOf, text } from './shapes.ts'

/** Most reviews that are read: ten pages. More make the fact unknown. */
const PAGES = 10

/** Who may write to the repository, or belongs to its owner: anybody can press "approve" on a public pull request. */
const INSIDERS: ReadonlySet<string> = new Set(['OWNER', 'MEMBER', 'COLLABORATOR'])
/** States that replace what a reviewer said before; a comment does not. */
const SETTLING: ReadonlySet<string> = new Set(['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED'])

interface Review {
  readonly by: string
  readonly bot: boolean
  readonly insider: boolean
  readonly state: string
  /** Null where the commit is gone. */
  readonly commit: string | null
}

/**
 * What the reviewers last said. An approval holds for the commit it was given to, by a person of the repository who is not the
 * author; a wish for changes holds until it is withdrawn, as at GitHub.
 */
export async function readReviews(place: Place, number: number): Promise<ReviewsFact> {
  const path = place.path('pulls', String(number), 'reviews')
  const [pull, found] = await Promise.all([
    readPull(place, number),
    place.rest.pages(path, { ...place.mutable, most: PAGES }),
  ])
  if (!found.complete) throw new Error(`pull request ${number} has more reviews than can be read`)
  const latest = new Map<string, Review>()
  for (const item of found.items) {
    const review = reviewOf(item, number)
    // GitHub lists them in the order they were given.
    if (review !== null && SETTLING.has(review.state)) latest.set(review.by.toLowerCase(), review)
  }
  latest.delete(pull.author.toLowerCase())
  const said = [...latest.values()].filter(({ insider, bot }) => insider || bot)
  const approving = said.filter(({ state, bot, commit }) => state === 'APPROVED' && !bot && commit === pull.headSha)
  return {
    sha: pull.headSha,
    approvedBy: approving.map(({ by }) => by),
    changesRequestedBy: said.filter(({ state }) => state === 'CHANGES_REQUESTED').map(({ by }) => by),
  }
}

/** Null where the reviewer's account is gone. */
function reviewOf(item: Json, number: number): Review | null {
  const review = objectOf(item, 'review')
  const url = text(review, 'pull_request_url', 'a review')
  if (!url.endsWith(`/pulls/${number}`))
    throw new Error(`GitHub answers with a review of another pull request than ${number}`)
  const state = text(review, 'state', 'a review')
  const user = review['user']
  if (!isObject(user)) return null
  const by = text(user, 'login', 'a reviewer')
  const bot = text(user, 'type', 'a reviewer') !== 'User'
  return { by, bot, insider: insider(review), state, commit: commitOf(review) }
}

const insider = (review: JsonObject): boolean => INSIDERS.has(text(review, 'author_association', 'a review'))

function commitOf(review: JsonObject): string | null {
  const commit = review['commit_id']
  return typeof commit === 'string' ? commit : null
}
