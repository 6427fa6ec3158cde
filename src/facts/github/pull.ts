import type { Repository } from '../../core/envelope.ts'
import type { PullFact } from '../../core/facts.ts'
import { isObject, type JsonObject } from '../../core/json.ts'
import type { Place } from './place.ts'
import { checkRepository, flag, fullName, login, member, objectOf, sha, text, whole } from './shapes.ts'

/** Longest part of a title that is looked at, in characters: GitHub allows 256. */
const TITLE = 1024

export interface PullState extends PullFact {
  /** How many files GitHub counts in it. */
  readonly changedFiles: number
}

/** `GET /repos/{o}/{r}/pulls/{n}`. */
export async function readPull(place: Place, number: number): Promise<PullState> {
  const what = `pull request ${number}`
  const { body, moved } = await place.rest.get(place.path('pulls', String(number)), place.mutable)
  const pull = objectOf(body, what)
  const [base, head] = [member(pull, 'base', what), member(pull, 'head', what)]
  checkRepository(member(base, 'repo', what), place.repository, moved)
  if (whole(pull, 'number', what) !== number)
    throw new Error(`GitHub answers about another pull request than ${number}`)
  return {
    number,
    url: text(pull, 'html_url', what),
    state: stateOf(pull, what),
    draft: flag(pull, 'draft', what),
    title: text(pull, 'title', what).slice(0, TITLE),
    author: login(pull, 'user'),
    base: text(base, 'ref', what),
    headRef: text(head, 'ref', what),
    headSha: sha(head, 'sha', what),
    headRepository: headRepository(head),
    changedFiles: whole(pull, 'changed_files', what),
  }
}

export function pullFact({ changedFiles: _, ...fact }: PullState): PullFact {
  return fact
}

function stateOf(pull: JsonObject, what: string): PullFact['state'] {
  const state = text(pull, 'state', what)
  if (state !== 'open' && state !== 'closed') throw new Error(`GitHub says nothing known of the state of ${what}`)
  return flag(pull, 'merged', what) ? 'merged' : state
}

function headRepository(head: JsonObject): Repository | null {
  const repository = head['repo']
  return isObject(repository) ? fullName(repository, 'the head') : null
}
