import { isObject, type JsonObject } from '../../src/core/json.ts'
import { forRepository } from './access.ts'
import { optionalText, requiredText } from './body.ts'
import { checksOf } from './checks.ts'
import { commitNamed } from './commit-routes.ts'
import { pageOfObject } from './page.ts'
import { notFound, Refusal } from './problem.ts'
import { created, ok, type Reply, type RepositoryAsk, type Route } from './router.ts'
import { instant, integration, maybeInstant, nodeId, repositoryApi } from './shapes.ts'
import type { CheckRunRecord, CheckStatus } from './state.ts'

/** Check runs: an App's word on a commit. */
export const checkRoutes: readonly Route[] = [
  forRepository('GET /repos/{owner}/{repo}/commits/{ref+}/check-runs', [{ checks: 'read' }], async (ask) => {
    const { sha } = await commitNamed(ask, ask.part('ref'))
    const filter = ask.query.get('filter') === 'all' ? 'all' : 'latest'
    const name = ask.query.get('check_name')
    const runs = checksOf(ask, sha, filter).filter((run) => name === null || run.name === name)
    const path = `/repos/${ask.repository.fullName}/commits/${ask.part('ref')}/check-runs`
    return pageOfObject(ask, path, runs, (shown) => ({
      total_count: runs.length,
      check_runs: shown.map((run) => checkRun(ask, run)),
    }))
  }),
  forRepository('POST /repos/{owner}/{repo}/check-runs', [{ checks: 'write' }], create),
  forRepository('GET /repos/{owner}/{repo}/check-runs/{id}', [{ checks: 'read' }], (ask) => ok(checkRun(ask, at(ask)))),
  forRepository('PATCH /repos/{owner}/{repo}/check-runs/{id}', [{ checks: 'write' }], update),
]

const STATUSES: readonly CheckStatus[] = ['queued', 'in_progress', 'completed']
const CONCLUSIONS = ['success', 'failure', 'neutral', 'cancelled', 'skipped', 'timed_out', 'action_required']

async function create(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, body } = ask
  const { sha } = await commitNamed(ask, requiredText(body, 'head_sha', 'CheckRun'))
  const name = requiredText(body, 'name', 'CheckRun')
  const said = wordOf(body)
  const record = await site.state.change((draft) => {
    const common = { id: draft.nextId++, repository: repository.key, sha, name, startedAt: site.now() }
    const completedAt = said.status === 'completed' ? site.now() : null
    const run: CheckRunRecord = {
      ...common,
      ...said,
      completedAt,
      detailsUrl: optionalText(body, 'details_url') ?? null,
    }
    draft.checkRuns.push(run)
    return run
  })
  return created(checkRun(ask, record))
}

async function update(ask: RepositoryAsk): Promise<Reply> {
  const { site, body } = ask
  const { id } = at(ask)
  const said = body['status'] === undefined && body['conclusion'] === undefined ? {} : wordOf(body)
  const name = optionalText(body, 'name')
  const changed = await site.state.change((draft) => {
    const run = draft.checkRuns.find((known) => known.id === id)
    if (run === undefined) throw notFound()
    Object.assign(run, said, name === undefined ? {} : { name })
    run.completedAt = run.status === 'completed' ? site.now() : null
    return run
  })
  return ok(checkRun(ask, changed))
}

/** Status and conclusion of the body: a conclusion completes the run, and nothing else does. */
function wordOf(body: JsonObject): { readonly status: CheckStatus; readonly conclusion: string | null } {
  const conclusion = optionalText(body, 'conclusion') ?? null
  if (conclusion !== null && !CONCLUSIONS.includes(conclusion)) throw wrong('conclusion')
  const asked = optionalText(body, 'status') ?? (conclusion === null ? 'queued' : 'completed')
  const status = STATUSES.find((known) => known === asked)
  if (status === undefined || (status === 'completed') !== (conclusion !== null)) throw wrong('status')
  return { status, conclusion }
}

function wrong(field: string): Refusal {
  return new Refusal(422, 'Validation Failed', { errors: [{ resource: 'CheckRun', field, code: 'invalid' }] })
}

function at(ask: RepositoryAsk): CheckRunRecord {
  const runs = ask.site.state.current().checkRuns
  const run = runs.find(({ id, repository }) => String(id) === ask.part('id') && repository === ask.repository.key)
  if (run === undefined) throw notFound()
  return run
}

/** `check-run`. */
function checkRun({ site, repository }: RepositoryAsk, run: CheckRunRecord): JsonObject {
  const url = `${repositoryApi(site, repository)}/check-runs/${run.id}`
  const app = integration(site)
  return {
    id: run.id,
    node_id: nodeId('CheckRun', run.id),
    head_sha: run.sha,
    external_id: '',
    url,
    html_url: `${site.origin}/${repository.fullName}/runs/${run.id}`,
    details_url: run.detailsUrl,
    status: run.status,
    conclusion: run.conclusion,
    started_at: instant(run.startedAt),
    completed_at: maybeInstant(run.completedAt),
    output: { title: null, summary: null, text: null, annotations_count: 0, annotations_url: `${url}/annotations` },
    name: run.name,
    check_suite: { id: 1 },
    app: isObject(app) ? app : null,
    pull_requests: [],
  }
}
