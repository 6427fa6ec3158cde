import type { ActionEnvelope } from '../../core/envelope.ts'
import type { BranchFact } from '../../core/facts.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import { statusOf } from '../../github/index.ts'
import type { Place } from './place.ts'
import { readPull } from './pull.ts'
import { readRepository } from './repository.ts'
import { flag, listOf, member, objectOf, sha, text } from './shapes.ts'

/** A check that must pass before a merge; `app` where only one App's word counts. */
export interface RequiredCheck {
  readonly context: string
  readonly app: number | null
}

export interface BranchState extends BranchFact {
  readonly required: readonly RequiredCheck[]
}

/** The branch that the action writes, null for the default one: of a pull request's action its base. */
export async function branchName(place: Place, { resource }: ActionEnvelope): Promise<string | null> {
  if (resource.base !== null) return resource.base
  if (resource.pull !== null) return (await readPull(place, resource.pull)).base
  if (resource.branch.kind === 'none') throw new Error('the action names no branch')
  return resource.branch.kind === 'named' ? resource.branch.name : null
}

/**
 * The branch as GitHub has it, from `GET /branches/{b}` (which repeats the protection's demanded checks for whoever may read the
 * repository) and `GET /rules/branches/{b}`. `name` null: the default one.
 */
export async function readBranch(place: Place, name: string | null): Promise<BranchState> {
  const about = readRepository(place)
  const known = name ?? (await about).defaultBranch
  const [repository, stored, rules] = await Promise.all([about, readStored(place, known), readRules(place, known)])
  const required = [...(stored?.required ?? []), ...rules.flatMap(checksOfRule)]
  return {
    name: known,
    isDefault: known === repository.defaultBranch,
    sha: stored?.sha ?? null,
    protected: stored?.protected === true || rules.some(guardsTheBranch),
    requiredChecks: [...new Set(required.map(({ context }) => context))],
    required,
  }
}

export function branchFact({ required: _, ...fact }: BranchState): BranchFact {
  return fact
}

/** What the branch holds, null where it is not there: its commit's tree. `name` null: the default one. */
export async function readBranchTree(place: Place, name: string | null): Promise<string | null> {
  const stored = await readStored(place, name ?? (await readRepository(place)).defaultBranch)
  return stored?.tree ?? null
}

interface Stored {
  readonly sha: string
  readonly tree: string
  readonly protected: boolean
  readonly required: readonly RequiredCheck[]
}

/** Null where there is no such branch; that the repository is there is what `readRepository` proves. */
async function readStored(place: Place, name: string): Promise<Stored | null> {
  const what = `the branch ${name}`
  try {
    const { body } = await place.rest.get(place.path('branches', name), place.mutable)
    const branch = objectOf(body, what)
    if (text(branch, 'name', what) !== name) throw new Error(`GitHub answers about another branch than ${name}`)
    const commit = member(branch, 'commit', what)
    const tree = sha(member(member(commit, 'commit', what), 'tree', what), 'sha', what)
    const guarded = flag(branch, 'protected', what)
    return { sha: sha(commit, 'sha', what), tree, protected: guarded, required: checksOfProtection(branch) }
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

function checksOfProtection(branch: JsonObject): RequiredCheck[] {
  const protection = branch['protection']
  const demanded = isObject(protection) ? protection['required_status_checks'] : undefined
  if (!isObject(demanded)) return []
  const checks = listOf(demanded['checks'] ?? [], 'checks').map((check) => required(check, 'app_id'))
  const contexts = listOf(demanded['contexts'] ?? [], 'contexts').map((context) => {
    if (typeof context === 'string') return context
    throw new Error("GitHub's answer names a demanded check that is no text")
  })
  const plain = contexts.filter((context) => !checks.some((check) => check.context === context))
  return [...checks, ...plain.map((context) => ({ context, app: null }))]
}

/** Most rules of a branch: five pages. */
const RULE_PAGES = 5

async function readRules(place: Place, name: string): Promise<readonly JsonObject[]> {
  try {
    const found = await place.rest.pages(place.path('rules/branches', name), { ...place.mutable, most: RULE_PAGES })
    if (!found.complete) throw new Error(`the branch ${name} has more rules than can be read`)
    return found.items.map((item) => objectOf(item, 'rule'))
  } catch (error) {
    // What GitHub says of a private repository on a plan without rulesets: then there are none.
    if (statusOf(error) === 403 && error instanceof Error && /\(Upgrade to GitHub /.test(error.message)) return []
    throw error
  }
}

/** Rules about what a commit may look like, or what may happen before the branch is there: they keep nobody from writing to it. */
const OTHER_RULES: ReadonlySet<string> = new Set([
  ...['creation', 'branch_name_pattern', 'tag_name_pattern', 'commit_message_pattern', 'commit_author_email_pattern'],
  ...['committer_email_pattern', 'file_path_restriction', 'max_file_path_length', 'file_extension_restriction'],
  ...['max_file_size', 'copilot_code_review', 'required_signatures', 'required_linear_history'],
])

/** A rule that is not known counts as one that guards. */
function guardsTheBranch(rule: JsonObject): boolean {
  return !OTHER_RULES.has(text(rule, 'type', 'a rule'))
}

function checksOfRule(rule: JsonObject): RequiredCheck[] {
  if (rule['type'] !== 'required_status_checks') return []
  const parameters = member(rule, 'parameters', 'a rule')
  return listOf(parameters['required_status_checks'], 'demanded checks').map((check) =>
    required(check, 'integration_id'),
  )
}

function required(value: Json, key: 'app_id' | 'integration_id'): RequiredCheck {
  const check = objectOf(value, 'demanded check')
  const app = check[key]
  // -1 stands for "any App".
  return { context: text(check, 'context', 'a demanded check'), app: typeof app === 'number' && app > 0 ? app : null }
}
