import { forRepository, METADATA, READ_CONTENTS } from './access.ts'
import { commitShape } from './commit-shapes.ts'
import { isRefName } from './names.ts'
import { pageReply } from './page.ts'
import { notFound, notPermitted, Refusal } from './problem.ts'
import { branchSha, type Repository } from './repository.ts'
import { ok, type Reply, type RepositoryAsk, type Route, route, type Site } from './router.ts'
import { fullRepository, repositoryApi } from './shapes.ts'

/** The repository itself and its branches. */
export const repositoryRoutes: readonly Route[] = [
  forRepository('GET /repos/{owner}/{repo}', [METADATA], ({ site, repository }) =>
    ok(fullRepository(site, repository)),
  ),
  forRepository('GET /repos/{owner}/{repo}/branches', [READ_CONTENTS], async (ask) => {
    const heads = await ask.repository.git.refs('refs/heads/')
    return pageReply(ask, `/repos/${ask.repository.fullName}/branches`, heads, ({ name, sha }) => ({
      name: name.slice('refs/heads/'.length),
      commit: { sha, url: `${repositoryApi(ask.site, ask.repository)}/commits/${sha}` },
      protected: false,
    }))
  }),
  forRepository('GET /repos/{owner}/{repo}/branches/{branch+}/protection', [{ administration: 'read' }], () => {
    throw new Refusal(404, 'Branch not protected')
  }),
  forRepository('GET /repos/{owner}/{repo}/branches/{branch+}', [READ_CONTENTS], branch),
  forRepository('GET /repos/{owner}/{repo}/rules/branches/{branch+}', [METADATA], ({ part }) => {
    if (!isRefName(part('branch'))) throw notFound()
    return ok([])
  }),
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
    protected: false,
    protection: { enabled: false, required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] } },
    protection_url: `${self}/protection`,
  })
}

const branchPage = (site: Site, repository: Repository, name: string): string =>
  `${site.origin}/${repository.fullName}/tree/${name}`
