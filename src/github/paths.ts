import type { Repository } from '../core/envelope.ts'

/** `/repos/acme/site/branches/feat/x`: each part escaped, slashes inside a part kept, for branches and paths hold them. */
export function repositoryPath(repository: Repository, ...parts: readonly string[]): string {
  return ['/repos', repository.owner, repository.name, ...parts.flatMap((part) => part.split('/'))]
    .map((part, index) => (index === 0 ? part : encodeURIComponent(part)))
    .join('/')
}

/** The same request under the repository's number, which no rename changes; null where the path is about no repository. */
export function underId(path: string, id: number): string | null {
  const rest = /^\/repos\/[^/?]+\/[^/?]+((?:[/?].*)?)$/.exec(path)?.[1]
  return rest === undefined ? null : `/repositories/${id}${rest}`
}

/** The path of one page of 100 items. */
export function pageOf(path: string, page: number): string {
  return `${path}${path.includes('?') ? '&' : '?'}per_page=100&page=${page}`
}
