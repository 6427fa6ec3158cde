import type { Act, ActionEnvelope, Repository } from '../../envelope.ts'
import { isObject, type JsonObject, textMember } from '../../json.ts'
import { excerpt } from '../../paths.ts'

/** The tools that write files of a repository: the ones that can be carried out as a pull request. */
export const FILE_WRITES: ReadonlySet<string> = new Set([
  'github.push_files',
  'github.create_or_update_file',
  'github.delete_file',
])

/** Tools that name a branch and do not write it: a pull request's head, what a workflow runs on. */
const NAMES_A_BRANCH: ReadonlySet<string> = new Set(['github.create_pull_request', 'github.actions_run_trigger'])

/** A branch that an act writes. */
export type WrittenBranch =
  | { readonly kind: 'named'; readonly name: string }
  /** The repository's default branch, which the caller meant by naming none. */
  | { readonly kind: 'default' }
  /** `git push` without a branch: the configuration on the machine decides. */
  | { readonly kind: 'unnamed' }

export function isWrite(act: Act): boolean {
  return act.capability !== 'read'
}

/** The branches that an act itself writes: files, the branch as such, a push. Merges are none, they have guards of their own. */
export function writtenBranches(act: Act, { action }: ActionEnvelope): readonly WrittenBranch[] {
  const { branch, pull } = act.resource
  if (!isWrite(act) || pull !== null || NAMES_A_BRANCH.has(act.tool)) return []
  if (branch.kind === 'none') return guessedBranches(act, action.parameters)
  if (act.tool.startsWith('github.')) {
    return branch.kind === 'default' ? [branch] : [{ kind: 'named', name: plainBranch(branch.name) }]
  }
  if (!isPush(act)) return []
  const written: WrittenBranch = branch.kind === 'named' ? branch : { kind: 'unnamed' }
  return [written, ...otherRefs(act)]
}

/** Tools that no catalog knows and that are called after what they change: `rename_branch`, `delete_ref`. */
const REF_TOOL = /^github\.(?:[a-z0-9]+_)*(?:branch|branches|refs?)(?:_|$)/i
const REF_ARGUMENTS = ['branch', 'branch_name', 'ref', 'name', 'old_name', 'new_name', 'from', 'to'] as const

function guessedBranches({ tool, doubt }: Act, parameters: JsonObject): readonly WrittenBranch[] {
  if (doubt === null || !REF_TOOL.test(tool)) return []
  const names = REF_ARGUMENTS.flatMap((key) => textMember(parameters, key) ?? [])
  return names.map((name) => ({ kind: 'named', name: plainBranch(name) }))
}

/** The text that each file of a write is to hold, in the order of the act's paths; null for one that is deleted. */
export function writtenTexts({ tool }: Act, { action }: ActionEnvelope): readonly (string | null)[] {
  const { files, content } = action.parameters
  if (!FILE_WRITES.has(tool)) return []
  if (!Array.isArray(files)) return [typeof content === 'string' ? content : null]
  return files.map((file) => (isObject(file) ? (textMember(file, 'content') ?? null) : null))
}

/** A push by git itself, from a shell or through a server for local repositories. */
export function isPush(act: Act): boolean {
  if (act.protocol === 'shell') return /^git push(?: |$)/.test(act.resource.target)
  return act.tool.startsWith('git.') && /(?:^|[._])push$/.test(act.tool)
}

/** The remote ends of all refspecs of a push: its first is the act's branch, others stand only in the line. */
function otherRefs({ protocol, resource }: Act): WrittenBranch[] {
  if (protocol !== 'shell') return []
  const words = resource.target.split(' ').filter((word) => !word.startsWith('-'))
  return words.slice(4).map((refspec) => {
    const end = refspec.slice(refspec.lastIndexOf(':') + 1).replace(/^\+/, '')
    return { kind: 'named', name: plainBranch(end) }
  })
}

/** Without the prefixes that make a full ref of it, however often they stand there. */
export function plainBranch(name: string): string {
  return name.replace(/^(?:(?:refs\/)?heads\/)+/, '')
}

/** `acme/app`, for a sentence. */
export function shownRepository(repository: Repository | null): string {
  return repository === null ? 'a repository that is not known' : shownName(`${repository.owner}/${repository.name}`)
}

/** The name of a tool or a repository: as it is where it is a plain one, else quoted and cut. */
export function shownName(name: string): string {
  return /^[\w./-]{1,160}$/.test(name) ? name : excerpt(name)
}

/** `"main" of acme/app`. */
export function shownBranch(branch: WrittenBranch, repository: Repository | null): string {
  const where = repository === null ? '' : ` of ${shownRepository(repository)}`
  switch (branch.kind) {
    case 'named':
      return `${excerpt(branch.name)}${where}`
    case 'default':
      return `the default branch${where}`
    case 'unnamed':
      return 'the branch that git is configured to push to'
    default:
      return branch satisfies never
  }
}

/** True for one act among those of the call (or of the plan): what holds for all of them is said once. */
export function speaksForAll(act: Act, { action, plan }: ActionEnvelope): boolean {
  for (const acts of plan === undefined ? [action.acts] : [action.acts, plan.acts]) {
    if (acts.includes(act)) return act === (acts.find(isWrite) ?? acts[0])
  }
  return true
}
