import type { JsonObject } from '../../src/core/json.ts'
import { ADMINISTER, forRepository, METADATA, READ_CONTENTS } from './access.ts'
import { flag, optionalText } from './body.ts'
import { commitShape } from './commit-shapes.ts'
import { hostedAs } from './hosting.ts'
import { isRepositoryName } from './names.ts'
import { pageReply } from './page.ts'
import { invalid, notFound, notPermitted, Refusal } from './problem.ts'
import { isProtected, protectionSummary } from './protection.ts'
import { branchSha, type Repository } from './repository.ts'
import { ok, type Reply, type RepositoryAsk, type Route, route, type Site } from './router.ts'
import { fullRepository, repositoryApi } from './shapes.ts'

/** The repository itself and its branches. */
export const repositoryRoutes: readonly Route[] = [
  forRepository('GET /repos/{owner}/{repo}', [METADATA], ({ site, repository }) =>
    ok(fullRepository(site, repository)),
  ),
  forRepository('PATCH /repos/{owner}/{repo}', [ADMINISTER], edit),
  forRepository('GET /repos/{owner}/{repo}/branches', [READ_CONTENTS], async (ask) => {
    const heads = await ask.repository.git.refs('refs/heads/')
    return pageReply(ask, `/repos/${ask.repository.fullName}/branches`, heads, ({ name, sha }) => ({
      name: name.slice('refs/heads/'.length),
      commit: { sha, url: `${repositoryApi(ask.site, ask.repository)}/commits/${sha}` },
      protected: isProtected(ask.site, ask.repository, name.slice('refs/heads/'.length)),
    }))
  }),
  forRepository('GET /repos/{owner}/{repo}/branches/{branch+}', [READ_CONTENTS], branch),
  forRepository('GET /repos/{owner}/{repo}/collaborators', [METADATA], () => ok([])),
  // An installation token may not act for a person: these two are theirs.
  route('POST /user/repos', () => {
    throw notPermitted()
  }),
  route('GET /user', () => {
    throw notPermitted()
  }),
  forRepository('POST /repos/{owner}/{repo}/forks', [METADATA], () => {
    throw notPermitted('administration=write,contents=read')
  }),
  route('POST /graphql', () => ok(NO_GRAPHQL)),
  route('POST /api/graphql', () => ok(NO_GRAPHQL)),
]

const NO_GRAPHQL = {
  data: null,
  errors: [
    { type: 'NOT_IMPLEMENTED', message: 'This local forge has no GraphQL API: use the tools that go over REST.' },
  ],
} as const

async function branch(ask: RepositoryAsk): Promise<Reply> {
  const name = ask.part('branch')
  const sha = await branchSha(ask.repository, name)
  if (sha === null) throw new Refusal(404, 'Branch not found')
  const [commit] = await ask.repository.git.commits([sha])
  if (commit === undefined) throw notFound()
  const self = `${repositoryApi(ask.site, ask.repository)}/branches/${name}`
  return ok({
    name,
    commit: commitShape(ask.site, ask.repository, commit),
    _links: { self, html: branchPage(ask.site, ask.repository, name) },
    protected: isProtected(ask.site, ask.repository, name),
    protection: protectionSummary(ask.site, ask.repository, name),
    protection_url: `${self}/protection`,
  })
}

/** Renaming, hiding, archiving. The former name leads to the repository from then on. */
async function edit(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, body } = ask
  const name = optionalText(body, 'name') ?? repository.name
  if (!isRepositoryName(`${repository.owner}/${name}`)) throw invalid('Repository', 'name')
  const twin = hostedAs(site, `${repository.owner}/${name}`)
  if (twin !== undefined && twin !== repository)
    throw invalid('Repository', 'name', 'name already exists on this account')
  const defaultBranch = optionalText(body, 'default_branch') ?? repository.defaultBranch
  if ((await branchSha(repository, defaultBranch)) === null) throw invalid('Repository', 'default_branch')
  const visibility = optionalText(body, 'visibility')
  const hidden = visibility === undefined ? flagOr(body, 'private', repository.private) : visibility !== 'public'
  const archived = flagOr(body, 'archived', repository.archived)
  const former = repository.fullName.toLowerCase()
  await site.state.change((draft) => {
    const old = draft.settings.find((known) => known.repository === repository.key)
    const names = new Set([...(old?.formerNames ?? []), former])
    names.delete(`${repository.owner}/${name}`.toLowerCase())
    const settings = {
      repository: repository.key,
      name,
      private: hidden,
      archived,
      defaultBranch,
      formerNames: [...names],
    }
    draft.settings = [...draft.settings.filter((known) => known !== old), settings]
  })
  return ok(fullRepository(site, repository))
}

function flagOr(body: JsonObject, key: string, fallback: boolean): boolean {
  return body[key] === undefined ? fallback : flag(body, key)
}

const branchPage = (site: Site, repository: Repository, name: string): string =>
  `${site.origin}/${repository.fullName}/tree/${name}`
