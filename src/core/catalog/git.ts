import { doubtOf, NO_RESOURCE } from '../acts.ts'
import type { Branch, Capability } from '../envelope.ts'
import type { JsonObject } from '../json.ts'
import { readBranch } from './branches.ts'
import type { Described } from './catalog.ts'
import {
  member,
  misTyped,
  notePath,
  oneAct,
  optionalText,
  type Reading,
  reading,
  spelling,
  unknownTool,
} from './reading.ts'

/**
 * Local git servers (`mcp-server-git`, `@cyanheads/git-mcp-server`), by the verb after `git_`. Tools that both list and
 * change by argument (branch, stash, tag) count as writes.
 */
const TOOLS: ReadonlyMap<string, Capability> = new Map<string, Capability>([
  ...['status', 'diff', 'diff_unstaged', 'diff_staged', 'log', 'show', 'blame', 'reflog', 'changelog_analyze'].map(
    (name): [string, Capability] => [name, 'read'],
  ),
  ...['add', 'commit', 'create_branch', 'checkout', 'branch', 'init', 'clone', 'fetch', 'pull', 'push', 'merge'].map(
    (name): [string, Capability] => [name, 'write'],
  ),
  ...['rebase', 'cherry_pick', 'stash', 'tag', 'remote', 'worktree', 'set_working_dir', 'wrapup_instructions'].map(
    (name): [string, Capability] => [name, 'write'],
  ),
  ...['reset', 'clean', 'clear_working_dir'].map((name): [string, Capability] => [name, 'delete']),
])

const DANGEROUS = ['force', 'forceWithLease', 'hard', 'delete', 'prune', 'amend', 'noVerify', 'no_verify'] as const

/** A call of a local git server's tool. */
export function describeGit(tool: string, parameters: JsonObject): Described {
  const from = reading(parameters)
  const capability = gitCapability(tool)
  if (capability === undefined) from.doubts.push(unknownTool(`git.${tool}`))
  for (const key of DANGEROUS) {
    const value = member(parameters, key)
    if (value !== undefined && value !== false) from.doubts.push(`\`${key}\` is set`)
  }
  doubtOptions(from)
  const paths = [...pathsOf(from), ...objectPaths(from)]
  const resource = { ...NO_RESOURCE, target: paths[0] ?? '', operands: paths, paths, branch: branchOf(from, tool) }
  const act = { protocol: 'git', tool: `git.${tool}`, capability: capability ?? 'write', resource } as const
  return oneAct({ ...act, doubt: doubtOf(from.doubts) }, parameters)
}

/** What a git tool does by its name, or undefined where the table does not hold it. */
export function gitCapability(tool: string): Capability | undefined {
  return TOOLS.get(tool.replace(/^git_/, ''))
}

/** Free text: git gets it behind `-m`. */
const TEXTS = new Set(['message', 'author', 'description'])

/** These servers hand their arguments to git as words: `revision: --output=x` would write a file. */
function doubtOptions(from: Reading): void {
  for (const [key, value] of Object.entries(from.parameters)) {
    const words: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (TEXTS.has(key) || !words.some((word) => typeof word === 'string' && word.trimStart().startsWith('-'))) continue
    from.doubts.push(`git would take the argument \`${key}\` for an option`)
  }
}

/** The path of `<revision>:<path>`, so that rules about the file see it. */
function objectPaths(from: Reading): string[] {
  return ['revision', 'target', 'ref', 'object', 'commit'].flatMap((key) => {
    const value = member(from.parameters, key)
    const colon = typeof value === 'string' ? value.indexOf(':') : -1
    return typeof value === 'string' && colon >= 0 ? [notePath(from, value.slice(colon + 1))] : []
  })
}

/** The repository's directory first, then the files. */
function pathsOf(from: Reading): string[] {
  const root = spelling(from.parameters, ['repo_path', 'path'])
  if (root !== null && typeof root.value !== 'string') throw misTyped(root.key, 'a path (text)', root.value)
  const files = member(from.parameters, 'files') ?? []
  if (!Array.isArray(files)) throw misTyped('files', 'an array of paths', files)
  const texts: readonly unknown[] = root === null ? files : [root.value, ...files]
  return texts.map((text) => {
    if (typeof text !== 'string') throw misTyped('files', 'an array of paths', null)
    return notePath(from, text)
  })
}

function branchOf(from: Reading, tool: string): Branch {
  // What a push writes is the remote end; `branch` beside it only says what is pushed there.
  const remote = tool.endsWith('push') ? spelling(from.parameters, ['remoteBranch', 'remote_branch']) : null
  const found = remote ?? spelling(from.parameters, ['branch_name', 'branch'])
  if (found === null) return tool.endsWith('push') ? { kind: 'default' } : { kind: 'none' }
  const text = optionalText(from, found.key)
  if (text === null || text === '') return { kind: 'default' }
  const read = readBranch(text)
  if (read.doubt !== null) from.doubts.push(read.doubt)
  return read.branch
}
