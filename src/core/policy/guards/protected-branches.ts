import type { Act } from '../../envelope.ts'
import type { FactKey } from '../../facts.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { ownGlobs, readGlobs, readSettings, type TighteningGlobs } from './settings.ts'
import { FILE_WRITES, plainBranch, shownBranch, type WrittenBranch, writtenBranches } from './writes.ts'

const BRANCHES = ['main', 'master', 'release/**', 'release-*']
const DECISIONS = ['rewrite', 'review', 'block'] as const
const SUGGESTION = 'Push to a branch of your own and open a pull request.'

interface Settings {
  readonly decision: (typeof DECISIONS)[number]
  readonly branches: TighteningGlobs
  /** Whether GitHub is asked what it protects, and which branch is the default one. */
  readonly github: boolean
}

/** `protected_branches`: direct writes to branches that change only by pull request. */
export function readProtectedBranches(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const list = entry.value.kind === 'list'
  const read = list
    ? { decision: undefined, members: { branches: entry } }
    : readSettings(reader, entry, {
        decisions: DECISIONS,
        keys: ['branches', 'github'],
        example: '{ branches: [main, "release/**"], decision: rewrite }',
      })
  if (read === null) return null
  const texts = reader.texts(read.members.branches)
  const branches = texts === undefined ? ownGlobs(BRANCHES) : readGlobs(reader, texts)
  const github = list ? undefined : reader.flag(read.members.github)
  if (branches === null || reader.problems.length !== before) return null
  return configured({ decision: read.decision ?? 'rewrite', branches, github: github ?? false })
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'protected_branches',
    destination: true,
    needs: (view) => needs(settings, view),
    judge: (view) => judge(settings, view),
  }
  const { decision, branches, github } = settings
  return { guard, settings: { decision, branches: branches.texts, github } }
}

function needs(settings: Settings, { act, envelope }: Omit<GuardView, 'facts'>): readonly FactKey[] {
  const { repository } = act.resource
  if (repository === null) return []
  if (updatesHead(act)) return ['pull']
  const found = new Set<FactKey>()
  for (const branch of writtenBranches(act, envelope)) {
    const sure = branch.kind !== 'named' || settings.branches.matching(branch.name) !== null
    if (!sure && !settings.github) continue
    if (isPlanned(branch, envelope)) continue
    if (!sure || (branch.kind === 'default' && rewrites(settings, act))) found.add('branch')
    if (rewrites(settings, act)) found.add('rewriting')
  }
  return [...found]
}

function judge(settings: Settings, view: GuardView): readonly GuardFinding[] {
  const { act, envelope } = view
  if (updatesHead(act)) return judgeHead(settings, view)
  for (const branch of writtenBranches(act, envelope)) {
    const why = protection(settings, view, branch)
    if (why !== null) return [finding(settings, view, why, branch.kind === 'unnamed')]
  }
  return []
}

function finding(settings: Settings, view: GuardView, why: string, unnamed: boolean): GuardFinding {
  const suggestion = unnamed ? 'Name the branch: git push origin <branch>.' : SUGGESTION
  if (settings.decision !== 'rewrite') return { verdict: settings.decision, reason: why, suggestion }
  const { act, envelope, facts } = view
  const planned = envelope.plan?.acts.includes(act) === true
  if (planned || !rewrites(settings, act)) return { verdict: 'block', reason: why, suggestion }
  const fact = factOf(facts, 'rewriting')
  if (!fact.known) {
    const reason = `${why}, and whether it can become a pull request is unknown: ${fact.reason}`
    return { verdict: 'block', reason, suggestion }
  }
  if (!fact.value.possible) {
    return { verdict: 'block', reason: `${why}, and cannot become a pull request: ${fact.value.reason}`, suggestion }
  }
  return { verdict: 'rewrite', reason: `${why}, so the change becomes a pull request` }
}

/** Why a branch may not be written directly, null where it may. */
function protection(settings: Settings, { act, envelope, facts }: GuardView, branch: WrittenBranch): string | null {
  const shown = shownBranch(branch, act.resource.repository)
  if (branch.kind === 'unnamed') return `${shown} is not known, and may be a protected one`
  if (branch.kind === 'default') return `${shown} is protected`
  const glob = settings.branches.matching(branch.name)
  if (glob !== null) return `${shown} is protected (${glob})`
  // The plan's branch does not exist yet: facts are about the branch that was asked for.
  if (isPlanned(branch, envelope) || act.resource.repository === null) return null
  const fact = factOf(facts, 'branch')
  if (!fact.known) return settings.github ? `whether GitHub protects ${shown} is unknown: ${fact.reason}` : null
  if (plainBranch(fact.value.name) !== branch.name) {
    return settings.github ? `whether GitHub protects ${shown} is unknown: it was asked about another branch` : null
  }
  if (fact.value.isDefault) return `${shown} is the default branch, which is protected`
  return settings.github && fact.value.protected ? `${shown} is protected on GitHub` : null
}

function rewrites({ decision }: Settings, { tool }: Act): boolean {
  return decision === 'rewrite' && FILE_WRITES.has(tool)
}

function isPlanned(branch: WrittenBranch, { plan }: GuardView['envelope']): boolean {
  return branch.kind === 'named' && branch.name === plan?.branch
}

/** Merges the base into the pull request's own branch: a direct write where that branch is a protected one. */
function updatesHead({ tool }: Act): boolean {
  return tool === 'github.update_pull_request_branch'
}

function judgeHead({ decision, branches }: Settings, { act, facts }: GuardView): readonly GuardFinding[] {
  const verdict = decision === 'review' ? 'review' : 'block'
  const fact = factOf(facts, 'pull')
  if (!fact.known) {
    const reason = `whether the pull request's branch is a protected one is unknown: ${fact.reason}`
    return [{ verdict: decision === 'block' ? 'block' : 'review', reason }]
  }
  const branch = { kind: 'named', name: fact.value.headRef } as const
  const glob = branches.matching(branch.name)
  if (glob === null) return []
  return [{ verdict, reason: `${shownBranch(branch, act.resource.repository)} is protected (${glob})` }]
}
