/** Which repository a name means, and who may know of it. */
import type { Caller } from './app.ts'
import { Refusal } from './problem.ts'
import type { Repository } from './repository.ts'
import type { Site } from './router.ts'

/** The repository of this name now; GitHub compares names without case. */
export function hostedAs(site: Site, fullName: string): Repository | undefined {
  const name = fullName.toLowerCase()
  return [...site.repositories.values()].find((repository) => repository.fullName.toLowerCase() === name)
}

/** What a caller does not reach does not exist for them. */
export function reaches(caller: Caller, repository: Repository): boolean {
  if (caller.kind !== 'token') return false
  const { repositories, association } = caller.token
  if (association === 'NONE') return !repository.private
  return repositories === null || repositories.includes(repository.key)
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: string
}

/**
 * The path as the routes know it: `/repositories/{id}` is the repository by its number.
 * @throws Refusal 301 (307 for what is not a read) to the number, where the name is a former one that nothing else has taken.
 */
export function resolvePath(site: Site, caller: Caller, { method, path, query }: Asked): string {
  const numbered = /^\/repositories\/(\d+)(\/.*)?$/.exec(path)
  if (numbered !== null) {
    const found = [...site.repositories.values()].find(({ id }) => String(id) === numbered[1])
    return found === undefined ? path : `/repos/${found.fullName}${numbered[2] ?? ''}`
  }
  const [, name = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(path) ?? []
  if (name === '' || hostedAs(site, name) !== undefined) return path
  const moved = formerly(site, name)
  if (moved === undefined || !reaches(caller, moved)) return path
  const location = `${site.origin}/repositories/${moved.id}${rest}${query === '' ? '' : `?${query}`}`
  const status = method === 'GET' ? 301 : 307
  throw new Refusal(status, status === 301 ? 'Moved Permanently' : 'Temporary Redirect', { headers: { location } })
}

function formerly(site: Site, name: string): Repository | undefined {
  const settings = site.state.current().settings.find(({ formerNames }) => formerNames.includes(name.toLowerCase()))
  return settings === undefined ? undefined : site.repositories.get(settings.repository)
}
