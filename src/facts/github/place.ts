import type { ActionEnvelope, Repository } from '../../core/envelope.ts'
import type { Clock } from '../../core/runtime.ts'
import { type GithubRest, type ReadOptions, repositoryPath } from '../../github/index.ts'

/** The API to look at this repository by, with a token that may only read it; null where this upstream has none. */
export type FactsApi = (repository: Repository, upstream: string) => GithubRest | null

/** How GitHub is looked at. */
export interface Sight {
  readonly api: FactsApi
  readonly clock: Clock
}

/** The repository that an action names, and how to look at it. */
export interface Place {
  readonly repository: Repository
  readonly rest: GithubRest
  readonly signal: AbortSignal
  /** The path of something in the repository, escaped. */
  path(...parts: readonly string[]): string
  /** For what changes: an answer that was asked for after the call came in will do, for the facts of one decision look at the same things. */
  readonly mutable: ReadOptions
  /** For what a SHA names. */
  readonly immutable: ReadOptions
}

/** @throws Error with the reason why nothing can be looked at. */
export function placeOf({ api, clock }: Sight, envelope: ActionEnvelope, signal: AbortSignal): Place {
  const { route, acts } = envelope.action
  const { repository } = envelope.resource
  if (repository === null) throw new Error('the action names no repository')
  if (acts.some(({ resource }) => !same(resource.repository, repository))) {
    throw new Error('the action is about more than one repository')
  }
  if (route === null) throw new Error('nothing here carries the action out, so there is no credential to look with')
  const rest = api(repository, route.upstream)
  if (rest === null) throw new Error(`the upstream \`${route.upstream}\` has no GitHub App to look with`)
  return {
    repository,
    rest,
    signal,
    path: (...parts) => repositoryPath(repository, ...parts),
    // At each use, for time goes on while facts are looked up: all of them are to speak of the same answers. The call came in at
    // some part of a millisecond, hence one more.
    get mutable() {
      return { signal, keep: Math.max(0, clock.now() - envelope.receivedAt) + 1 }
    },
    immutable: { signal, keep: 'for good' },
  }
}

/** GitHub compares names without case. */
export function same(one: Repository | null, other: Repository | null): boolean {
  const name = (repository: Repository | null) => `${repository?.owner}/${repository?.name}`.toLowerCase()
  return name(one) === name(other)
}
