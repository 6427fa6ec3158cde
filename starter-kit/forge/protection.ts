/** What keeps a branch from being written to: classic protection and rulesets, and what GitHub says when they do. */
import type { JsonObject } from '../../src/core/json.ts'
import { isObject } from '../../src/core/json.ts'
import { checksOf, latestStatuses } from './checks.ts'
import { Refusal } from './problem.ts'
import type { Repository } from './repository.ts'
import type { RepositoryAsk, Site } from './router.ts'
import { repositoryApi } from './shapes.ts'
import type { ProtectionRecord, ReviewRecord, RulesetRecord } from './state.ts'
import type { PullThread } from './threads.ts'

/** How a branch is moved. */
export type Way =
  | { readonly by: 'contents' | 'ref' }
  | { readonly by: 'merge'; readonly thread: PullThread; readonly head: string }

export function protectionOf(site: Site, repository: Repository, branch: string): ProtectionRecord | undefined {
  const { protections } = site.state.current()
  return protections.find((known) => known.repository === repository.key && known.branch === branch)
}

/** Rules in force for the branch, whether or not it is there, each with its ruleset. */
export function rulesFor(site: Site, repository: Repository, branch: string) {
  const { rulesets } = site.state.current()
  return rulesets
    .filter((set) => set.repository === repository.key && set.enforcement === 'active' && aims(set, repository, branch))
    .flatMap((ruleset) => ruleset.rules.map((rule) => ({ rule, ruleset })))
}

export function isProtected(site: Site, repository: Repository, branch: string): boolean {
  return protectionOf(site, repository, branch) !== undefined || rulesFor(site, repository, branch).length > 0
}

/** `branch-protection` as a branch shows it to whoever may read the repository. */
export function protectionSummary(site: Site, repository: Repository, branch: string): JsonObject {
  const found = protectionOf(site, repository, branch)
  if (found === undefined) {
    return { enabled: false, required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] } }
  }
  return { enabled: true, required_status_checks: checksSummary(found) }
}

export function checksSummary({ checks, demandsChecks, admins }: ProtectionRecord): JsonObject {
  return {
    enforcement_level: demandsChecks ? (admins ? 'everyone' : 'non_admins') : 'off',
    contexts: checks.map(({ context }) => context),
    checks: checks.map(({ context, app }) => ({ context, app_id: app })),
  }
}

/** @throws Refusal 409, 422 or 405, by the way, where the branch's protection is against it. */
export async function guardBranch(
  ask: RepositoryAsk,
  ref: string,
  from: string | null,
  to: string,
  way: Way,
): Promise<void> {
  const branch = branchOf(ref)
  if (branch === null) return
  const forced = from !== null && (await ask.repository.git.mergeBase(from, to)) !== from
  const move: Move = { ask, branch, created: from === null, forced, to, way }
  const problems = [...againstProtection(move), ...againstRules(move)]
  if (problems.length > 0) throw refused(way, problems)
}

/** @throws Refusal 422 where the branch may not be deleted. */
export function guardDeletion(ask: RepositoryAsk, ref: string): void {
  const branch = branchOf(ref)
  if (branch === null) return
  if (protectionOf(ask.site, ask.repository, branch) !== undefined) {
    throw new Refusal(422, 'Cannot delete this protected branch')
  }
  const rules = rulesFor(ask.site, ask.repository, branch)
  if (rules.some(({ rule }) => rule['type'] === 'deletion')) {
    throw new Refusal(422, 'Repository rule violations found\n\nCannot delete this branch\n\n')
  }
}

interface Move {
  readonly ask: RepositoryAsk
  readonly branch: string
  readonly created: boolean
  readonly forced: boolean
  readonly to: string
  readonly way: Way
}

const branchOf = (ref: string): string | null => /^refs\/heads\/(.+)$/s.exec(ref)?.[1] ?? null

function refused(way: Way, problems: readonly string[]): Refusal {
  const status = { contents: 409, ref: 422, merge: 405 } as const
  return new Refusal(status[way.by], problems.join('\n'))
}

function againstProtection(move: Move): string[] {
  const { ask, branch, way } = move
  const found = protectionOf(ask.site, ask.repository, branch)
  const exempt = ask.caller.kind === 'token' && ask.caller.token.association === 'OWNER'
  if (found === undefined || (exempt && !found.admins)) return []
  const checks = found.checks.map(({ context }) => context)
  return [
    ...(move.forced ? ['Cannot force-push to this protected branch'] : []),
    ...(found.reviews === null ? [] : reviewProblems(move, found.reviews)),
    ...checkProblems(ask, way.by === 'merge' ? way.head : move.to, checks),
  ]
}

function againstRules(move: Move): string[] {
  const { ask, branch } = move
  const problems = rulesFor(ask.site, ask.repository, branch).flatMap(({ rule }) => againstRule(move, rule))
  return problems.length === 0 ? [] : ['Repository rule violations found', ...problems.map((text) => `\n${text}\n`)]
}

function againstRule(move: Move, rule: JsonObject): string[] {
  const { ask, way } = move
  const parameters = isObject(rule['parameters']) ? rule['parameters'] : {}
  switch (rule['type']) {
    case 'creation':
      return move.created ? ['Cannot create ref due to creations being restricted.'] : []
    case 'update':
      return move.created ? [] : ['Cannot update this protected ref.']
    case 'non_fast_forward':
      return move.forced ? ['Cannot force-push to this branch'] : []
    case 'pull_request':
      return move.created ? [] : reviewProblems(move, Number(parameters['required_approving_review_count'] ?? 0))
    case 'required_status_checks': {
      const list = parameters['required_status_checks']
      const contexts = Array.isArray(list) ? list.flatMap((one) => (isObject(one) ? [String(one['context'])] : [])) : []
      return move.created ? [] : checkProblems(ask, way.by === 'merge' ? way.head : move.to, contexts)
    }
    default:
      return []
  }
}

function reviewProblems({ ask, way }: Move, needed: number): string[] {
  if (way.by !== 'merge') return ['Changes must be made through a pull request.']
  const approvals = approvers(ask, way.thread.number)
  if (approvals >= needed) return []
  return [`At least ${needed} approving review is required by reviewers with write access.`]
}

/** Insiders whose last word was an approval. */
function approvers(ask: RepositoryAsk, number: number): number {
  const last = new Map<string, ReviewRecord>()
  for (const review of ask.site.state.current().reviews) {
    const counts = review.repository === ask.repository.key && review.number === number && review.state !== 'COMMENTED'
    if (counts && review.association !== undefined && review.association !== 'NONE') last.set(review.user, review)
  }
  return [...last.values()].filter(({ state }) => state === 'APPROVED').length
}

const FINE: ReadonlySet<string | null> = new Set(['success', 'neutral', 'skipped'])

function checkProblems(ask: RepositoryAsk, sha: string, contexts: readonly string[]): string[] {
  const passed = [
    ...checksOf(ask, sha, 'latest').flatMap(({ name, conclusion }) => (FINE.has(conclusion) ? [name] : [])),
    ...latestStatuses(ask, sha).flatMap(({ context, state }) => (state === 'success' ? [context] : [])),
  ]
  const missing = contexts.filter((context) => !passed.includes(context))
  return missing.map((context) => `Required status check "${context}" is expected.`)
}

/** fnmatch(3) with `**` across slashes, as rulesets write their patterns. */
function aims({ include }: RulesetRecord, repository: Repository, branch: string): boolean {
  return include.some((pattern) => {
    if (pattern === '~ALL') return true
    if (pattern === '~DEFAULT_BRANCH') return branch === repository.defaultBranch
    const source = pattern
      .split(/(\*\*|\*|\?)/)
      .map((part) => GLOB[part] ?? part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('')
    return new RegExp(`^${source}$`).test(`refs/heads/${branch}`)
  })
}

const GLOB: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' }

export const rulesetUrl = (site: Site, repository: Repository, id: number): string =>
  `${repositoryApi(site, repository)}/rulesets/${id}`
