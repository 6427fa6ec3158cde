import type { ActionEnvelope } from '../../core/envelope.ts'
import type { RewritingFact } from '../../core/facts.ts'
import type { Collectors } from '../facts.ts'
import { branchFact, branchName, readBranch } from './branch.ts'
import { type ChangeOf, readChanges } from './changes.ts'
import { readChecks } from './checks.ts'
import { placeOf, type Sight } from './place.ts'
import { pullFact, readPull } from './pull.ts'
import { readRepository } from './repository.ts'
import { readReviews } from './reviews.ts'

export type { ChangeOf } from './changes.ts'
export type { FactsApi } from './place.ts'

export interface GithubFactsOptions extends Sight {
  /** Whether the credential of this upstream can carry a write out over REST. */
  readonly rewriting: (upstream: string) => RewritingFact
  readonly changeOf: ChangeOf
}

type GithubFact = 'repository' | 'branch' | 'pull' | 'checks' | 'reviews' | 'changes' | 'rewriting'

/** What GitHub knows of the action's repository, branch and pull request. A collector that fails throws its reason. */
export function createGithubFacts(options: GithubFactsOptions): Required<Pick<Collectors, GithubFact>> {
  const { rewriting, changeOf } = options
  return {
    repository: async (envelope, signal) => readRepository(placeOf(options, envelope, signal)),
    async branch(envelope, signal) {
      const place = placeOf(options, envelope, signal)
      return branchFact(await readBranch(place, await branchName(place, envelope)))
    },
    pull: async (envelope, signal) =>
      pullFact(await readPull(placeOf(options, envelope, signal), pullNumber(envelope))),
    checks: async (envelope, signal) => readChecks(placeOf(options, envelope, signal), pullNumber(envelope)),
    reviews: async (envelope, signal) => readReviews(placeOf(options, envelope, signal), pullNumber(envelope)),
    changes: async (envelope, signal) => readChanges(placeOf(options, envelope, signal), envelope, changeOf),
    rewriting: async ({ action }) =>
      action.route === null
        ? { possible: false, reason: 'nothing here carries the action out' }
        : rewriting(action.route.upstream),
  }
}

function pullNumber({ resource }: ActionEnvelope): number {
  if (resource.pull === null) throw new Error('the action names no pull request')
  return resource.pull
}
