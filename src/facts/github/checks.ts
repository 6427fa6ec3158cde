import type { ChecksFact } from '../../core/facts.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import { type RequiredCheck, readBranch } from './branch.ts'
import type { Place } from './place.ts'
import { readPull } from './pull.ts'
import { listOf, member, objectOf, sha, text, whole } from './shapes.ts'

/** Most check runs and statuses of one commit that are read: ten pages each. More make the fact unknown. */
const PAGES = 10

const FINE: ReadonlySet<string> = new Set(['success', 'neutral', 'skipped'])

interface Result {
  readonly name: string
  /** The App that a check run is of; null for a status, which does not tell. */
  readonly app: number | null
  readonly state: 'green' | 'pending' | 'red'
}

/** Every check run and status of the head commit, against what the base demands. */
export async function readChecks(place: Place, number: number): Promise<ChecksFact> {
  const pull = await readPull(place, number)
  const commit = pull.headSha
  const [base, runs, statuses] = await Promise.all([
    readBranch(place, pull.base),
    readRuns(place, commit),
    readStatuses(place, commit),
  ])
  return judged(commit, [...runs, ...statuses], base.required)
}

function judged(commit: string, results: readonly Result[], required: readonly RequiredCheck[]): ChecksFact {
  const missing = required.filter((check) => !results.some((result) => answers(result, check)))
  const named = (state: Result['state']): string[] =>
    results.filter((one) => one.state === state).map(({ name }) => name)
  const failing = distinct(named('red'))
  const pending = distinct([...named('pending'), ...missing.map(({ context }) => context)])
  const state = failing.length > 0 ? 'red' : pending.length > 0 ? 'pending' : results.length > 0 ? 'green' : 'none'
  return { sha: commit, state, failing, pending }
}

/** A run of another App under the same name is no answer to what one App is to say. */
function answers(result: Result, check: RequiredCheck): boolean {
  const rightApp = check.app === null || result.app === null || check.app === result.app
  return result.name === check.context && rightApp
}

async function readRuns(place: Place, commit: string): Promise<Result[]> {
  const path = `${place.path('commits', commit, 'check-runs')}?filter=latest`
  const items = (body: Json) => (isObject(body) ? listOf(body['check_runs'], 'check runs') : null)
  const found = await place.rest.pages(path, { ...place.mutable, most: PAGES, items })
  countAll(found.first, found.items.length, found.complete, 'check runs')
  return found.items.map((item) => {
    const run = objectOf(item, 'check run')
    if (sha(run, 'head_sha', 'a check run') !== commit)
      throw new Error('GitHub answers with a check run of another commit')
    const app = run['app']
    const id = isObject(app) ? whole(app, 'id', 'an App') : 0
    return { name: text(run, 'name', 'a check run'), app: id, state: stateOfRun(run) }
  })
}

function stateOfRun(run: JsonObject): Result['state'] {
  if (text(run, 'status', 'a check run') !== 'completed') return 'pending'
  return FINE.has(text(run, 'conclusion', 'a check run')) ? 'green' : 'red'
}

async function readStatuses(place: Place, commit: string): Promise<Result[]> {
  const path = place.path('commits', commit, 'status')
  const items = (body: Json) => (isObject(body) ? listOf(body['statuses'], 'statuses') : null)
  const found = await place.rest.pages(path, { ...place.mutable, most: PAGES, items })
  const first = objectOf(found.first, 'status')
  if (sha(first, 'sha', 'the status') !== commit) throw new Error('GitHub answers with the status of another commit')
  if (found.moved === null) checkSameRepository(first, place)
  countAll(first, found.items.length, found.complete, 'statuses')
  return found.items.map((item) => {
    const status = objectOf(item, 'status')
    return {
      name: text(status, 'context', 'a status'),
      app: null,
      state: stateOfStatus(text(status, 'state', 'a status')),
    }
  })
}

function checkSameRepository(status: JsonObject, place: Place): void {
  const { owner, name } = place.repository
  const about = text(member(status, 'repository', 'the status'), 'full_name', 'the status')
  if (about.toLowerCase() !== `${owner}/${name}`.toLowerCase())
    throw new Error(`GitHub answers about another repository than ${owner}/${name}`)
}

function stateOfStatus(state: string): Result['state'] {
  if (state === 'success') return 'green'
  return state === 'pending' ? 'pending' : 'red'
}

/** What was not listed could be what failed. */
function countAll(first: Json, listed: number, complete: boolean, what: string): void {
  const total = whole(objectOf(first, what), 'total_count', what)
  if (!complete || listed < total) throw new Error(`only ${listed} of ${total} ${what} could be read`)
}

const distinct = (names: readonly string[]): string[] => [...new Set(names)]
