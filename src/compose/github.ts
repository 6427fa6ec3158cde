import type { Config } from '../config.ts'
import { GATEWAY_STEPS } from '../core/catalog/index.ts'
import { changeOf } from '../core/changes.ts'
import type { Repository } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { RewritingFact } from '../core/facts.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Clock, Random } from '../core/runtime.ts'
import type { CredentialBroker } from '../credentials/ports.ts'
import { createGithubActions } from '../executors/github/index.ts'
import { createGithubFacts } from '../facts/github/index.ts'
import type { StandIn } from '../gateway/ports.ts'
import { createGithubRest, createRestMemory, type Fetch, type GithubRest } from '../github/index.ts'
import type { LendGithub } from '../notifications/index.ts'

type Credentials = Config['credentials']

/** What Aegis itself asks of GitHub and does there, each with a credential lent for it. */
export function composeGithub(
  config: Pick<Config, 'credentials' | 'upstreams'>,
  parts: { readonly broker: CredentialBroker; readonly clock: Clock; readonly random: Random; readonly fetch?: Fetch },
): { readonly facts: ReturnType<typeof createGithubFacts>; readonly standIn: StandIn; readonly lend: LendGithub } {
  const { broker, clock, random, fetch = globalThis.fetch } = parts
  const { credentials } = config
  const memory = createRestMemory(clock)
  const credentialOf = (upstream: string): string | null => config.upstreams[upstream]?.credential ?? null

  /** A client whose requests each run inside a loan: no token outlives the request it is for. */
  function lent(credential: string, repository: Repository, apiUrl: string): GithubRest {
    const request = { credential, repository, tool: GATEWAY_STEPS.facts, parameters: {}, approved: false }
    const lentFetch: Fetch = async (input, init) => {
      const envelope = uuidv7(clock.now(), random)
      const { value } = await broker.lend({ ...request, envelope }, (secret) => {
        const headers = new Headers(init?.headers)
        headers.set('authorization', `Bearer ${secret.reveal()}`)
        return fetch(input, { ...init, headers })
      })
      return value
    }
    const account = `${credential}/${repository.owner}`.toLowerCase()
    const subject = `${account}/${repository.name}`.toLowerCase()
    return createGithubRest({ apiUrl, fetch: lentFetch, clock, token: async () => '', subject, account, memory })
  }

  /** For what pull requests are told: the upstream's own credential, or that of the first upstream which has one for GitHub. */
  const lend: LendGithub = async ({ repository, upstream, mode }, use) => {
    const names = upstream === null ? Object.keys(config.upstreams) : [upstream]
    const found = names.flatMap((name) => {
      const credential = config.upstreams[name]?.catalog === 'github' ? credentialOf(name) : null
      const apiUrl = credential === null ? null : apiUrlOf(credentials, credential, repository.owner)
      return credential === null || apiUrl === null ? [] : [{ credential, apiUrl }]
    })[0]
    if (found === undefined) {
      throw new AegisError('config', 'no upstream has a credential for GitHub to tell pull requests with', {
        advice: 'give the upstream a `credential`, or set notifications.github.mode to off',
      })
    }
    const { credential, apiUrl } = found
    const request = { envelope: uuidv7(clock.now(), random), credential, repository, parameters: {}, approved: false }
    const { value } = await broker.lend({ ...request, tool: GATEWAY_STEPS[mode] }, (secret) =>
      use({
        rest: createGithubRest({ apiUrl: secret.apiUrl ?? apiUrl, fetch, clock, token: async () => secret.reveal() }),
        app: appOf(credentials, credential, repository.owner),
      }),
    )
    return value
  }

  return {
    lend,
    facts: createGithubFacts({
      clock,
      changeOf,
      api(repository, upstream) {
        const credential = credentialOf(upstream)
        const apiUrl = credential === null ? null : apiUrlOf(credentials, credential, repository.owner)
        return credential === null || apiUrl === null ? null : lent(credential, repository, apiUrl)
      },
      rewriting: (upstream) => rewritingOf(credentials, credentialOf(upstream), upstream),
    }),
    standIn: createGithubActions((apiUrl, token) =>
      createGithubRest({ apiUrl, fetch, clock, token: async () => token() }),
    ),
  }
}

/** The API that takes the credential; null where it is none of GitHub's. */
function apiUrlOf(credentials: Credentials, name: string, owner: string): string | null {
  const credential = credentials[name]
  if (credential?.type === 'first_of') return servingApp(credentials, credential.names, owner)?.apiUrl ?? null
  return credential?.apiUrl ?? null
}

/** Number of the App that acts for an owner; null where the credential is no App's. */
function appOf(credentials: Credentials, name: string, owner: string): string | null {
  const credential = credentials[name]
  const app = credential?.type === 'first_of' ? servingApp(credentials, credential.names, owner) : credential
  return app?.type === 'github_app' ? app.appId : null
}

/** Of several Apps the first that has an installation for the owner. */
function servingApp(credentials: Credentials, names: readonly string[], owner: string) {
  const apps = names.map((one) => credentials[one]).filter((one) => one?.type === 'github_app')
  return apps.find(({ installations = {} }) =>
    Object.keys(installations).some((known) => known.toLowerCase() === owner.toLowerCase()),
  )
}

function rewritingOf(credentials: Credentials, name: string | null, upstream: string): RewritingFact {
  const credential = name === null ? undefined : credentials[name]
  if (credential?.type === 'first_of' || credential?.apiUrl !== undefined) return { possible: true }
  return { possible: false, reason: `the upstream \`${upstream}\` has no credential that GitHub's API takes` }
}
