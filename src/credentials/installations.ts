import type { Repository } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { GithubAppConfig } from './credential-config.ts'
import type { ApiAnswer } from './github-api.ts'
import { refusal } from './github-refusal.ts'

/** Which installation of an App a repository belongs to. */
export interface Installations {
  /** True where an installation is configured for this owner, or may be found. */
  serves(owner: string): boolean
  /** @throws AegisError (data.sent: false) `forbidden` for an owner without one; `upstream_unreachable` where none is found. */
  of(repository: Repository): Promise<number>
  /** Looked up again next time: it may have moved. */
  forget(repository: Repository): void
}

/** Looked up by repository, so that many are remembered; the oldest go all at once. */
const KEPT = 1000

/** @param look asks GitHub, signed in as the App. */
export function createInstallations(
  name: string,
  config: GithubAppConfig,
  look: (path: string) => Promise<ApiAnswer>,
): Installations {
  const configured = byOwner(config.installations)
  const found = new Map<string, number>()

  async function lookUp(repository: Repository): Promise<number> {
    const fullName = fullNameOf(repository)
    const known = found.get(fullName)
    if (known !== undefined) return known
    const { status, body } = await look(`/repos/${repository.owner}/${repository.name}/installation`)
    const { id } = body
    if (status !== 200 || typeof id !== 'number' || !Number.isSafeInteger(id)) {
      throw refusal(config, { status, body }, fullName, '')
    }
    if (found.size >= KEPT) found.clear()
    found.set(fullName, id)
    return id
  }

  return {
    serves: (owner) => configured === null || configured.has(owner.toLowerCase()),
    async of(repository) {
      if (config.installationId !== null) return config.installationId
      if (configured === null) return lookUp(repository)
      return configured.get(repository.owner.toLowerCase()) ?? notServed(name, repository.owner)
    },
    forget: (repository) => void found.delete(fullNameOf(repository)),
  }
}

/** GitHub compares names without case. */
export function fullNameOf({ owner, name }: Repository): string {
  return `${owner}/${name}`.toLowerCase()
}

function byOwner(installations: GithubAppConfig['installations']): ReadonlyMap<string, number> | null {
  if (installations === undefined) return null
  return new Map(Object.entries(installations).map(([owner, id]) => [owner.toLowerCase(), id]))
}

/** @throws AegisError always. Whose installations there are is not for an agent to list. */
export function notServed(credential: string, owner: string): never {
  throw new AegisError('forbidden', `credential \`${credential}\` has no installation for the owner ${owner}`, {
    advice: `install the App for ${owner} and add it to \`installations\` of the credential in aegis.yaml`,
    data: { sent: false },
  })
}
