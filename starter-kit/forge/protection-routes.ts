import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'
import { ADMINISTER, forRepository, METADATA } from './access.ts'
import { flag, objectList, optionalText, requiredText, textList, wholeNumber } from './body.ts'
import { isRefName } from './names.ts'
import { pageReply } from './page.ts'
import { invalid, notFound, Refusal } from './problem.ts'
import { checksSummary, protectionOf, rulesetUrl, rulesFor } from './protection.ts'
import { branchSha } from './repository.ts'
import { created, ok, type Reply, type RepositoryAsk, type Route } from './router.ts'
import { instant, repositoryApi } from './shapes.ts'
import type { ProtectionRecord, RulesetRecord } from './state.ts'

/** Branch protection and rulesets: an administrator's; what they demand of a branch anybody may read who sees the repository. */
export const protectionRoutes: readonly Route[] = [
  forRepository('GET /repos/{owner}/{repo}/branches/{branch+}/protection', [{ administration: 'read' }], (ask) =>
    ok(protectionShape(ask, stored(ask))),
  ),
  forRepository('PUT /repos/{owner}/{repo}/branches/{branch+}/protection', [ADMINISTER], protect),
  forRepository('DELETE /repos/{owner}/{repo}/branches/{branch+}/protection', [ADMINISTER], async (ask) => {
    const found = stored(ask)
    await ask.site.state.change((draft) => {
      draft.protections = draft.protections.filter((known) => !same(known, found))
    })
    return { status: 204 }
  }),
  forRepository('GET /repos/{owner}/{repo}/rules/branches/{branch+}', [METADATA], (ask) => {
    const branch = ask.part('branch')
    if (!isRefName(branch)) throw notFound()
    const rules = rulesFor(ask.site, ask.repository, branch)
    return pageReply(ask, `/repos/${ask.repository.fullName}/rules/branches/${branch}`, rules, ({ rule, ruleset }) => ({
      ...rule,
      ruleset_source_type: 'Repository',
      ruleset_source: ask.repository.fullName,
      ruleset_id: ruleset.id,
    }))
  }),
  forRepository('GET /repos/{owner}/{repo}/rulesets', [METADATA], (ask) => {
    const mine = ask.site.state.current().rulesets.filter(({ repository }) => repository === ask.repository.key)
    return pageReply(ask, `/repos/${ask.repository.fullName}/rulesets`, mine, (set) => rulesetShape(ask, set))
  }),
  forRepository('POST /repos/{owner}/{repo}/rulesets', [ADMINISTER], createRuleset),
  forRepository('GET /repos/{owner}/{repo}/rulesets/{id}', [METADATA], (ask) => ok(rulesetShape(ask, rulesetAt(ask)))),
  forRepository('DELETE /repos/{owner}/{repo}/rulesets/{id}', [ADMINISTER], async (ask) => {
    const { id } = rulesetAt(ask)
    await ask.site.state.change((draft) => {
      draft.rulesets = draft.rulesets.filter((known) => known.id !== id)
    })
    return { status: 204 }
  }),
]

const same = (one: ProtectionRecord, other: ProtectionRecord): boolean =>
  one.repository === other.repository && one.branch === other.branch

function stored(ask: RepositoryAsk): ProtectionRecord {
  const found = protectionOf(ask.site, ask.repository, ask.part('branch'))
  if (found === undefined) throw new Refusal(404, 'Branch not protected')
  return found
}

async function protect(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, body } = ask
  const branch = ask.part('branch')
  if ((await branchSha(repository, branch)) === null) throw new Refusal(404, 'Branch not found')
  for (const key of ['required_status_checks', 'enforce_admins', 'required_pull_request_reviews', 'restrictions']) {
    if (body[key] === undefined) throw new Refusal(422, `Invalid request.\n\n"${key}" wasn't supplied.`)
  }
  const [demanded, reviews] = [body['required_status_checks'], body['required_pull_request_reviews']]
  const record: ProtectionRecord = {
    repository: repository.key,
    branch,
    checks: isObject(demanded) ? demandedChecks(demanded) : [],
    demandsChecks: isObject(demanded),
    strict: isObject(demanded) && flag(demanded, 'strict'),
    reviews: isObject(reviews) ? (wholeNumber(reviews, 'required_approving_review_count') ?? 1) : null,
    admins: flag(body, 'enforce_admins'),
  }
  await site.state.change((draft) => {
    draft.protections = [...draft.protections.filter((known) => !same(known, record)), record]
  })
  return ok(protectionShape(ask, record))
}

function demandedChecks(demanded: JsonObject): ProtectionRecord['checks'] {
  const contexts = (textList(demanded, 'contexts') ?? []).map((context) => ({ context, app: null }))
  const checks = objectList(demanded, 'checks').map((check) => ({
    context: requiredText(check, 'context', 'ProtectedBranch'),
    app: wholeNumber(check, 'app_id'),
  }))
  return [...checks, ...contexts.filter(({ context }) => !checks.some((check) => check.context === context))]
}

/** `protected-branch`, or `branch-protection` as it is read: both have these members. */
function protectionShape({ site, repository }: RepositoryAsk, found: ProtectionRecord): JsonObject {
  const url = `${repositoryApi(site, repository)}/branches/${found.branch}/protection`
  const checks = { url: `${url}/required_status_checks`, strict: found.strict, ...checksSummary(found) }
  const reviews = {
    url: `${url}/required_pull_request_reviews`,
    dismiss_stale_reviews: false,
    require_code_owner_reviews: false,
    required_approving_review_count: found.reviews ?? 0,
    require_last_push_approval: false,
  }
  return {
    url,
    enforce_admins: { url: `${url}/enforce_admins`, enabled: found.admins },
    ...(found.demandsChecks ? { required_status_checks: { ...checks, contexts_url: `${checks.url}/contexts` } } : {}),
    ...(found.reviews === null ? {} : { required_pull_request_reviews: reviews }),
    required_linear_history: { enabled: false },
    allow_force_pushes: { enabled: false },
    allow_deletions: { enabled: false },
  }
}

async function createRuleset(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, body } = ask
  const name = requiredText(body, 'name', 'Ruleset')
  const enforcement = requiredText(body, 'enforcement', 'Ruleset')
  if (enforcement !== 'active' && enforcement !== 'evaluate' && enforcement !== 'disabled') {
    throw invalid('Ruleset', 'enforcement')
  }
  if ((optionalText(body, 'target') ?? 'branch') !== 'branch') throw invalid('Ruleset', 'target')
  const rules = objectList(body, 'rules')
  for (const rule of rules) requiredText(rule, 'type', 'Rule')
  const record = await site.state.change((draft) => {
    const common = { id: draft.nextId++, repository: repository.key, at: site.now() }
    const set: RulesetRecord = { ...common, name, enforcement, include: included(body['conditions']), rules }
    draft.rulesets.push(set)
    return set
  })
  return created(rulesetShape(ask, record))
}

function included(conditions: Json | undefined): string[] {
  const names = isObject(conditions) && isObject(conditions['ref_name']) ? conditions['ref_name'] : {}
  return textList(names, 'include') ?? []
}

function rulesetAt(ask: RepositoryAsk): RulesetRecord {
  const { rulesets } = ask.site.state.current()
  const found = rulesets.find(
    ({ id, repository }) => String(id) === ask.part('id') && repository === ask.repository.key,
  )
  if (found === undefined) throw notFound()
  return found
}

/** `repository-ruleset`. */
function rulesetShape({ site, repository }: RepositoryAsk, set: RulesetRecord): JsonObject {
  return {
    id: set.id,
    name: set.name,
    target: 'branch',
    source_type: 'Repository',
    source: repository.fullName,
    enforcement: set.enforcement,
    conditions: { ref_name: { include: set.include, exclude: [] } },
    rules: set.rules,
    _links: { self: { href: rulesetUrl(site, repository, set.id) } },
    created_at: instant(set.at),
    updated_at: instant(set.at),
  }
}
