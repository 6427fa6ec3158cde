import type { Json, JsonObject } from '../../src/core/json.ts'
import { METADATA, READ_CONTENTS, READ_ISSUES, READ_PULLS, visible } from './access.ts'
import { contentEntry } from './commit-shapes.ts'
import type { TreeEntry } from './git.ts'
import { linkHeader, pageOf } from './page.ts'
import { Refusal } from './problem.ts'
import type { Repository } from './repository.ts'
import { type Ask, type Reply, type Route, route } from './router.ts'
import { account, repositoryShape } from './shapes.ts'
import type { ThreadRecord } from './state.ts'
import { issueShape, threadsOf } from './threads.ts'

/** Search, over what the token can see: words and the qualifiers in common use. */
export const searchRoutes: readonly Route[] = [
  route('GET /search/code', async (ask) => {
    const query = parseQuery(ask)
    const hits = await Promise.all(
      inRepositories(visible(ask, READ_CONTENTS), query).map((one) => codeHits(ask, one, query)),
    )
    return results(ask, '/search/code', hits.flat())
  }),
  route('GET /search/issues', (ask) => {
    const query = parseQuery(ask)
    const issues = inRepositories(visible(ask, READ_ISSUES), query)
    const pulls = inRepositories(visible(ask, READ_PULLS), query)
    const found = [
      ...threadHits(ask, issues, query, (thread) => thread.pull === null),
      ...threadHits(ask, pulls, query, (thread) => thread.pull !== null),
    ]
    return results(ask, '/search/issues', found, { search_type: 'lexical' })
  }),
  route('GET /search/repositories', (ask) => {
    const query = parseQuery(ask)
    const found = inRepositories(visible(ask, METADATA), query).filter(({ key }) =>
      query.words.every((word) => key.includes(word)),
    )
    return results(
      ask,
      '/search/repositories',
      found.map((one) => ({ ...repositoryShape(ask.site, one), score: 1 })),
    )
  }),
  route('GET /search/users', (ask) => {
    const query = parseQuery(ask)
    const owners = visible(ask, METADATA).map(({ owner }) => owner)
    const logins = [...new Set([...owners, `${ask.site.desk.config.slug}[bot]`])]
    const found = logins.filter((login) => query.words.every((word) => login.toLowerCase().includes(word)))
    return results(
      ask,
      '/search/users',
      found.map((login) => ({ ...account(ask.site, login), score: 1 })),
    )
  }),
]

interface Query {
  /** In lower case; all must fit. */
  readonly words: readonly string[]
  readonly qualifiers: ReadonlyMap<string, readonly string[]>
}

function parseQuery(ask: Ask): Query {
  const text = ask.query.get('q') ?? ''
  if (text.trim() === '' || text.length > 1024) {
    throw new Refusal(422, 'Validation Failed', { errors: [{ resource: 'Search', field: 'q', code: 'missing_field' }] })
  }
  const words: string[] = []
  const qualifiers = new Map<string, string[]>()
  for (const [, key, quoted, plain = ''] of text.matchAll(/(?:([a-z]+):)?(?:"([^"]*)"|(\S+))/g)) {
    const value = (quoted ?? plain).toLowerCase()
    if (key === undefined) words.push(value)
    else qualifiers.set(key, [...(qualifiers.get(key) ?? []), value])
  }
  return { words, qualifiers }
}

function inRepositories(all: readonly Repository[], query: Query): Repository[] {
  const names = query.qualifiers.get('repo') ?? []
  const owners = [...(query.qualifiers.get('org') ?? []), ...(query.qualifiers.get('user') ?? [])]
  return all
    .filter(({ key }) => names.length === 0 || names.includes(key))
    .filter(({ owner }) => owners.length === 0 || owners.includes(owner.toLowerCase()))
}

async function codeHits(ask: Ask, repository: Repository, query: Query): Promise<Json[]> {
  const { git, defaultBranch } = repository
  const head = await git.ref(`refs/heads/${defaultBranch}`)
  const [first, ...others] = query.words
  if (head === null || first === undefined) return []
  const found = await Promise.all([first, ...others].map((word) => git.grep(head, word)))
  const [paths = [], ...rest] = found
  const hits = paths.filter((path) => rest.every((list) => list.includes(path)) && pathFits(path, query))
  const shaped = hits.map(async (path) => {
    const entry = await git.entry(head, path)
    return entry === null ? [] : [codeHit(ask, repository, head, path, entry)]
  })
  return (await Promise.all(shaped)).flat()
}

function codeHit(ask: Ask, repository: Repository, head: string, path: string, entry: TreeEntry): JsonObject {
  const { size, type, _links, download_url, ...hit } = contentEntry(ask.site, repository, head, path, entry)
  return { ...hit, repository: repositoryShape(ask.site, repository), score: 1 }
}

function pathFits(path: string, query: Query): boolean {
  const lower = path.toLowerCase()
  const every = (key: string, fits: (value: string) => boolean): boolean =>
    (query.qualifiers.get(key) ?? []).every(fits)
  return (
    every('path', (value) => lower.includes(value)) &&
    every('filename', (value) => lower.slice(lower.lastIndexOf('/') + 1).includes(value)) &&
    every('extension', (value) => lower.endsWith(`.${value}`))
  )
}

function threadHits(ask: Ask, all: readonly Repository[], query: Query, kind: (one: ThreadRecord) => boolean): Json[] {
  const is = [...(query.qualifiers.get('is') ?? []), ...(query.qualifiers.get('type') ?? [])]
  const states = [
    ...(query.qualifiers.get('state') ?? []),
    ...is.filter((word) => word === 'open' || word === 'closed'),
  ]
  const fits = (thread: ThreadRecord): boolean => {
    const text = `${thread.title}\n${thread.body ?? ''}`.toLowerCase()
    const wrongKind = thread.pull === null ? is.includes('pr') : is.includes('issue')
    return (
      !wrongKind && states.every((state) => thread.state === state) && query.words.every((word) => text.includes(word))
    )
  }
  return all.flatMap((repository) =>
    threadsOf(ask.site, repository)
      .filter(kind)
      .filter(fits)
      .map((thread) => ({ ...issueShape(ask.site, repository, thread), score: 1 })),
  )
}

function results(ask: Ask, path: string, found: readonly Json[], more: JsonObject = {}): Reply {
  const { page, size } = pageOf(ask)
  const link = linkHeader(ask, path, page, Math.ceil(found.length / size))
  const items = found.slice((page - 1) * size, page * size)
  const json = { total_count: found.length, incomplete_results: false, ...more, items }
  return { status: 200, json, headers: link === '' ? {} : { link } }
}
