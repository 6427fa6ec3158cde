import type { ChangesFact, Fact, FactKey } from '../../facts.ts'
import { excerpt } from '../../paths.ts'
import { SENSITIVE_CLASSES, SENSITIVE_LABELS, type SensitiveClass, sensitiveClasses } from '../../sensitive-paths.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { mergeOf, shownPull } from './merges.ts'
import { isOff, ownGlobs, readGlobs, readSettings, readVerdict, type TighteningGlobs } from './settings.ts'
import { writtenTexts } from './writes.ts'

type Decision = 'block' | 'review'

interface Settings {
  readonly decision: Decision
  /** What each class is worth; a class that is off is not there. */
  readonly classes: Readonly<Partial<Record<SensitiveClass, Decision>>>
  /** Globs of one's own. */
  readonly paths: TighteningGlobs
}

const TOLD = 5
/** Does a path match any of the sensitive ones? What of it, and what it is worth. */
interface Sensitive {
  readonly path: string
  readonly label: string
  readonly verdict: Decision
}

/** `sensitive_paths`: changes to what reaches beyond the code. */
export function readSensitivePaths(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const read = readSettings(reader, entry, {
    decisions: ['block', 'review'],
    keys: ['classes', 'paths'],
    example: '{ decision: review, classes: { ci: block }, paths: ["core/**"] }',
  })
  if (read === null) return null
  const decision = read.decision ?? 'review'
  const classes = readClasses(reader, read.members.classes, decision)
  const texts = reader.texts(read.members.paths)
  const paths = texts === undefined ? ownGlobs([]) : readGlobs(reader, texts)
  if (paths === null || reader.problems.length !== before) return null
  return configured({ decision, classes, paths })
}

/** A list leaves out the others; a mapping says what each is worth, and the others stay as they are. */
function readClasses(reader: Reader, entry: TreeEntry | undefined, decision: Decision): Settings['classes'] {
  const all = Object.fromEntries(SENSITIVE_CLASSES.map((name) => [name, decision]))
  if (entry === undefined) return all
  if (entry.value.kind === 'mapping') {
    const members = reader.members(entry.value, '`classes`', SENSITIVE_CLASSES)
    const written = SENSITIVE_CLASSES.map((name): [SensitiveClass, Decision | null] => {
      const member = members[name]
      return [name, member === undefined || !isOff(member) ? (readVerdict(reader, member) ?? decision) : null]
    })
    return Object.fromEntries(written.filter(([, verdict]) => verdict !== null))
  }
  const names = reader.texts(entry)?.flatMap((text) => reader.choice(text, 'class', SENSITIVE_CLASSES) ?? []) ?? []
  return Object.fromEntries(names.map((name) => [name, decision]))
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'sensitive_paths',
    destination: false,
    needs: (view): readonly FactKey[] => (proposes(view) ? ['changes'] : []),
    judge: (view) => judge(settings, view),
  }
  const { decision, classes, paths } = settings
  return { guard, settings: { decision, classes: { ...classes }, paths: paths.texts } }
}

/** A pull request that is opened, merged or given another base: what it changes, only GitHub knows. A plan's holds what was asked for. */
function proposes({ act, envelope }: Omit<GuardView, 'facts'>): boolean {
  if (act.capability === 'read' || envelope.plan?.acts.includes(act) === true) return false
  if (act.tool === 'github.create_pull_request' || mergeOf(act, envelope) !== null) return true
  return act.tool === 'github.update_pull_request' && act.resource.base !== null
}

function judge(settings: Settings, view: GuardView): readonly GuardFinding[] {
  if (proposes(view)) return judgeChanges(settings, view, factOf(view.facts, 'changes'))
  const { act, envelope } = view
  if (!writesPaths(act)) return []
  const texts = writtenTexts(act, envelope)
  const found = act.resource.paths.flatMap((path, at) => [
    ...sensitive(settings, path),
    ...installs(settings, path, texts[at] ?? ''),
  ])
  const findings = told(found, 'it changes')
  const climbing = act.tool.startsWith('github.') ? act.resource.paths.find(climbs) : undefined
  if (climbing !== undefined) {
    const reason = `the path ${excerpt(climbing)} climbs with "..", so what it changes cannot be told`
    findings.push({
      verdict: 'block',
      reason,
      suggestion: 'Name the file by its path from the root of the repository.',
    })
  }
  if (act.tool.startsWith('github.') && envelope.action.parameters['allow_symlink_write'] === true) {
    const reason = 'it may write through a symbolic link, so which file it changes cannot be told'
    findings.push({ verdict: settings.decision, reason })
  }
  return findings
}

/** A command that only runs changes no file by that; what git does to files here is no change of theirs yet. */
function writesPaths({ capability, protocol, tool }: GuardView['act']): boolean {
  if (capability === 'read' || tool.startsWith('git.')) return false
  return protocol !== 'shell' || capability === 'write' || capability === 'delete'
}

function judgeChanges(settings: Settings, { act }: GuardView, changes: Fact<ChangesFact>): readonly GuardFinding[] {
  const shown = act.resource.pull === null ? 'what the pull request changes' : `what ${shownPull(act)} changes`
  if (!changes.known) {
    const reason = `${shown} is unknown, and may be sensitive: ${changes.reason}`
    return [{ verdict: settings.decision, reason }]
  }
  const { files, complete } = changes.value
  const found = files.flatMap(({ path, previousPath, added }) => [
    ...(previousPath === null ? [path] : [path, previousPath]).flatMap((one) => sensitive(settings, one)),
    ...installs(settings, path, added),
  ])
  const findings = told(found, 'it changes')
  if (!complete) {
    const reason = `${shown} is more than could be listed, and may be sensitive`
    findings.push({ verdict: settings.decision, reason })
  }
  return findings
}

function sensitive({ decision, classes, paths }: Settings, path: string): readonly Sensitive[] {
  const found = sensitiveClasses(path).flatMap((name) => {
    const verdict = classes[name]
    return verdict === undefined ? [] : [{ path, label: SENSITIVE_LABELS[name], verdict }]
  })
  const glob = paths.matching(path.replace(/^(?:\.?\/)+/, ''))
  return glob === null ? found : [...found, { path, label: glob, verdict: decision }]
}

/** npm runs these on every machine that installs the package or a checkout of it; a key in escapes may be one of them. */
const INSTALL_SCRIPT = /"(?:(?:pre|post)?install|(?:pre|post)?prepare|prepublish|dependencies)"\s*:\s*"|\\u00/

/** A package's scripts that run unasked. @param text what is written or new; null where it is not known. */
function installs({ classes }: Settings, path: string, text: string | null): readonly Sensitive[] {
  const verdict = classes.supply_chain
  if (verdict === undefined || !/(?:^|\/)package\.json$/i.test(path)) return []
  return text === null || INSTALL_SCRIPT.test(text) ? [{ path, label: 'scripts that run at an install', verdict }] : []
}

/** One finding a verdict: a push of many such files is told once. */
function told(found: readonly Sensitive[], does: string): GuardFinding[] {
  return (['block', 'review'] as const).flatMap((verdict) => {
    const these = found.filter((one) => one.verdict === verdict)
    if (these.length === 0) return []
    const named = these.slice(0, TOLD).map(({ path, label }) => `${excerpt(path)} (${label})`)
    const more = these.length > TOLD ? `, and ${these.length - TOLD} more` : ''
    return [{ verdict, reason: `${does} ${named.join(', ')}${more}` }]
  })
}

function climbs(path: string): boolean {
  return /(?:^|[\\/])\.\.(?:[\\/]|$)/.test(path)
}
