import { join } from 'node:path'
import { AegisError } from '../../src/core/errors.ts'
import { openAppDesk } from './app.ts'
import { appRoutes } from './app-routes.ts'
import { checkRoutes } from './check-routes.ts'
import { commitRoutes } from './commit-routes.ts'
import { contentsRoutes } from './contents-routes.ts'
import { gitRoutes } from './git-routes.ts'
import { issueRoutes } from './issue-routes.ts'
import { mergeRoutes } from './merge-routes.ts'
import { isRepositoryName } from './names.ts'
import { pageRoutes } from './pages.ts'
import { openPeople } from './people.ts'
import { DEFAULT_GRANTS, type Permissions } from './permissions.ts'
import { protectionRoutes } from './protection-routes.ts'
import { pullRoutes } from './pull-routes.ts'
import { openRepository, type Repository } from './repository.ts'
import { repositoryRoutes } from './repository-routes.ts'
import { reviewRoutes } from './review-routes.ts'
import type { Route, Site } from './router.ts'
import { searchRoutes } from './search-routes.ts'
import { seedRepository } from './seed.ts'
import { listen } from './server.ts'
import type { Stage } from './stage.ts'
import { type Association, openState, type StateFile } from './state.ts'

export interface ForgeOptions extends Stage {
  /** 0 takes any free port. */
  readonly port: number
  /** Holds the bare repositories and `state.json`; made where it is missing. */
  readonly dataDir: string
  /** `owner/name`. */
  readonly repository: string
  readonly app: {
    readonly appId: number
    readonly publicKeyPem: string
    readonly slug?: string
    readonly grants?: Permissions
  }
  readonly installationId: number
  /** Further repositories of the same owner, by name alone. */
  readonly otherRepositories?: readonly string[]
  /** Number of a repository's first issue or pull request; 1247 where nothing is said. */
  readonly firstNumber?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export interface Forge {
  /** `http://127.0.0.1:PORT`: the API's base URL, and under `/api/v3` that of an Enterprise server. */
  readonly url: string
  readonly port: number
  /** The bare repository of `repository`. */
  readonly gitDir: string
  /** A token of a person, who need not be there beforehand; gone with the process. A collaborator where nothing is said. */
  person(login: string, association?: Association): string
  close(): Promise<void>
}

const FIRST_NUMBER = 1247
const SEEDED_AT = Date.parse('2026-04-06T09:00:00Z')

/**
 * A small GitHub on loopback over real bare git repositories.
 * @throws AegisError `config` on a bad repository name, key or state file; the listener's own error on a busy port.
 */
export async function startForge(options: ForgeOptions): Promise<Forge> {
  const now = options.now ?? Date.now
  const state = await openState(join(options.dataDir, 'state.json'))
  const repositories = await openRepositories(options, state)
  const [main] = repositories.values()
  if (main === undefined) throw new AegisError('config', 'the forge needs a repository')
  const { appId, publicKeyPem, slug = 'aegis-local', grants = DEFAULT_GRANTS } = options.app
  const people = openPeople()
  const installation = { appId, publicKeyPem, slug, grants, installationId: options.installationId }
  const desk = openAppDesk(installation, people, state, now)
  const routes = allRoutes(options.firstNumber ?? FIRST_NUMBER)
  const origin = (port: number): string => `http://127.0.0.1:${port}`
  const site = (port: number): Site => ({ origin: origin(port), desk, repositories, state, now })
  const { port, close } = await listen(options.port, routes, site, options)
  return { url: origin(port), port, gitDir: main.git.gitDir, person: people.invite, close }
}

async function openRepositories(options: ForgeOptions, state: StateFile): Promise<ReadonlyMap<string, Repository>> {
  const [owner = ''] = options.repository.split('/')
  const names = [options.repository, ...(options.otherRepositories ?? []).map((name) => `${owner}/${name}`)]
  const repositories = new Map<string, Repository>()
  for (const [index, name] of names.entries()) {
    if (!isRepositoryName(name)) {
      throw new AegisError('config', `\`${name}\` is no repository name`, { advice: 'give it as owner/name' })
    }
    const repository = await openRepository(options.dataDir, name, 1000 + index, SEEDED_AT, state)
    await seedRepository(repository)
    repositories.set(repository.key, repository)
  }
  return repositories
}

/** Narrow patterns come before wide ones of the same shape. */
function allRoutes(first: number): readonly Route[] {
  return [
    ...appRoutes,
    ...contentsRoutes,
    ...gitRoutes,
    ...checkRoutes,
    ...commitRoutes,
    ...reviewRoutes,
    ...mergeRoutes,
    ...pullRoutes(first),
    ...issueRoutes(first),
    ...searchRoutes,
    ...protectionRoutes,
    ...repositoryRoutes,
    ...pageRoutes,
  ]
}
