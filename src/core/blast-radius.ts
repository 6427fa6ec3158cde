import type { BlastRadius } from './decision.ts'
import type { Act, Capability } from './envelope.ts'
import type { ChangedFile, ChangesFact, Fact } from './facts.ts'
import { excerpt } from './paths.ts'
import { sensitiveClass } from './sensitive-paths.ts'

/** Where each level begins, of 100. */
const LEVELS = [
  { level: 'critical', from: 75 },
  { level: 'high', from: 50 },
  { level: 'medium', from: 25 },
] as const

/** What the worst act of a kind can do before anything is known of its arguments. */
const BY_CAPABILITY = {
  read: 5,
  write: 30,
  execute: 30,
  approve: 55,
  delete: 55,
  deploy: 60,
  merge: 60,
} as const satisfies Record<Capability, number>

const DOES = {
  read: 'reads',
  write: 'writes',
  execute: 'runs a program',
  approve: 'approves',
  delete: 'deletes',
  deploy: 'deploys',
  merge: 'merges',
} as const satisfies Record<Capability, string>

const BY_TOOL: ReadonlyMap<string, readonly [number, string]> = new Map<string, readonly [number, string]>([
  ['github.create_issue', [15, 'creates an issue']],
  ['github.issue_write', [15, 'writes an issue']],
  ['github.add_issue_comment', [15, 'writes a comment']],
  ['github.create_branch', [15, 'creates a branch']],
  ['github.rename_branch', [60, 'renames a branch']],
  ['github.delete_branch', [60, 'deletes a branch']],
  ['github.create_repository', [50, 'creates a repository']],
  ['github.create_gist', [60, 'publishes outside every repository']],
  ['github.update_gist', [60, 'publishes outside every repository']],
  ['github.fork_repository', [50, 'copies a repository to another account']],
  ['github.delete_repository', [100, 'deletes a repository']],
  ['shell.dd', [80, 'writes raw devices or files']],
  ['shell.mkfs', [90, 'formats a device']],
  ['shell.sudo', [60, 'runs with other rights']],
  ['sql.drop_table', [80, 'drops a table']],
  ['sql.drop_schema', [90, 'drops a schema']],
  ['sql.drop_database', [95, 'drops a database']],
  ['sql.truncate', [75, 'empties a table']],
  ['sql.delete', [60, 'deletes rows']],
])

/** More files than this in one action is a change nobody reads at a glance. */
const MANY_FILES = 10
/** More lines, added and taken away together, than one sitting reviews. */
const MANY_LINES = 400
const MANY_DELETIONS = 3
/** What a change too large for a glance, or of a size nobody knows, is worth: high. */
const LARGE = 60
const SENSITIVE = 80
const WHOLE_PLACES = /^(?:\/|~|\.|\/(?:etc|usr|home|root|var|bin|lib|boot|opt|Users|Library|System)(?:\/[^/]+)?|\.git)$/
const MAIN_BRANCHES = /^(?:main|master|trunk|production|release(?:[/-].*)?)$/i
const RENAMES_A_BRANCH = /^git branch (?:.* )?(?:-[mM]|--move)(?: |$)/

type Rating = readonly [points: number, reason: string]

/**
 * How far an action can reach, from its acts and, where it was looked up, from what they change: never from what the agent
 * says of it. The score is that of the worst part; reasons name what raised it.
 * @param changes left out where nobody asked; a change that was asked for and is unknown counts as large.
 */
export function rateBlastRadius(acts: readonly Act[], changes?: Fact<ChangesFact>): BlastRadius {
  let score = 0
  const reasons = new Set<string>()
  const add = ([points, reason]: Rating) => {
    score = Math.max(score, points)
    if (points >= 25) reasons.add(reason)
  }
  for (const act of acts) for (const rating of rate(act)) add(rating)
  const files = new Set(acts.filter((act) => act.capability !== 'read').flatMap((act) => act.resource.paths)).size
  if (files > MANY_FILES) add([LARGE, `touches ${files} files`])
  if (changes !== undefined) for (const rating of rateChanges(changes, files)) add(rating)
  const level = LEVELS.find((step) => score >= step.from)?.level ?? 'low'
  return { level, score, reasons: [...reasons].slice(0, 8) }
}

function rate(act: Act): Rating[] {
  const { tool, capability, resource } = act
  const known = BY_TOOL.get(tool)
  const rated: Rating[] = [known ?? [BY_CAPABILITY[capability], `${shown(tool)} ${DOES[capability]}`]]
  // Unknown is never "fine": what could not be read may be anything of its kind.
  if (act.doubt !== null) rated.push([capability === 'read' ? 30 : 50, `${shown(tool)} could not be fully understood`])
  for (const path of resource.paths) {
    const sensitive = sensitiveClass(path)
    if (sensitive !== null)
      rated.push(capability === 'read' ? [50, `reads ${sensitive}`] : [SENSITIVE, `touches ${sensitive}`])
    if (capability === 'delete' && WHOLE_PLACES.test(path)) rated.push([95, 'deletes a whole place'])
  }
  if (writesMainBranch(act)) rated.push([75, 'writes to a main branch'])
  if (act.protocol === 'shell' && RENAMES_A_BRANCH.test(resource.target)) rated.push([LARGE, 'renames a branch'])
  return rated
}

function shown(tool: string): string {
  return /^[\w./-]{1,160}$/.test(tool) ? tool : excerpt(tool)
}

function writesMainBranch(act: Act): boolean {
  const { branch } = act.resource
  if (act.capability === 'read' || act.tool === 'github.create_pull_request') return false
  if (branch.kind === 'named') return MAIN_BRANCHES.test(branch.name)
  // An update of a pull request's branch also has no name here, and is no write to a main branch.
  return branch.kind === 'default' && act.tool !== 'github.update_pull_request_branch'
}

/** @param counted how many files the acts themselves name, whose number was rated already. */
function rateChanges(changes: Fact<ChangesFact>, counted: number): Rating[] {
  if (!changes.known) return [[LARGE, `how much it changes is unknown: ${changes.reason}`]]
  const { files, complete } = changes.value
  const rated: Rating[] = []
  if (!complete) rated.push([LARGE, 'changes more files than could be listed'])
  if (files.length > MANY_FILES && files.length > counted) rated.push([LARGE, `touches ${files.length} files`])
  const lines = files.reduce((sum, file) => sum + (file.additions ?? 0) + (file.deletions ?? 0), 0)
  if (lines > MANY_LINES) rated.push([LARGE, `changes ${lines} lines`])
  const unread = files.find((file) => file.additions === null || file.deletions === null)
  if (unread !== undefined) rated.push([LARGE, `changes ${excerpt(unread.path)} by lines that cannot be counted`])
  const removed = files.filter((file) => file.status === 'removed').length
  if (removed > MANY_DELETIONS) rated.push([LARGE, `deletes ${removed} files`])
  for (const sensitive of new Set(files.flatMap(touched))) rated.push([SENSITIVE, `touches ${sensitive}`])
  return rated
}

function touched({ path, previousPath }: ChangedFile): string[] {
  return [path, previousPath].flatMap((one) => (one === null ? [] : (sensitiveClass(one) ?? [])))
}
