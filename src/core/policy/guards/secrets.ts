import type { Act, ActionEnvelope } from '../../envelope.ts'
import type { ChangedFile, FactKey } from '../../facts.ts'
import type { JsonObject } from '../../json.ts'
import { excerpt } from '../../paths.ts'
import { type PlacedHit, scanParameters, scanText } from '../../secrets/parameters.ts'
import { UNCHECKED } from '../../secrets/scan.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { mergeOf, shownPull } from './merges.ts'
import { readSettings } from './settings.ts'
import { FILE_WRITES, isWrite, speaksForAll } from './writes.ts'

const DECISIONS = ['block', 'review'] as const
const SUGGESTION =
  'Take the secret out and read it from the environment or a secret store; revoke it if it was ever shared.'
const TOLD = 5

interface Settings {
  /** Of secrets that are known by their look. */
  readonly decision: (typeof DECISIONS)[number]
  /** Of random values that only a name makes a secret. */
  readonly generic: 'block' | 'review' | 'off'
  /** Whether what a pull request adds is searched too, when it is opened or merged: what was pushed past Aegis is in no argument. */
  readonly pullRequests: boolean
}

/** `secrets`: credentials in anything that is written. */
export function readSecrets(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const read = readSettings(reader, entry, {
    decisions: DECISIONS,
    keys: ['generic', 'pull_requests'],
    example: '{ decision: block, generic: review }',
  })
  if (read === null) return null
  const generic = readGeneric(reader, read.members.generic)
  const pullRequests = reader.flag(read.members.pull_requests) ?? false
  if (reader.problems.length !== before) return null
  return configured({ decision: read.decision ?? 'block', generic, pullRequests })
}

function readGeneric(reader: Reader, entry: TreeEntry | undefined): Settings['generic'] {
  const text = reader.text(entry)
  if (entry === undefined || text === undefined) return 'review'
  const known = ['block', 'review', 'off'] as const
  return reader.choice({ text, at: entry.value.at }, 'decision', known, { deny: 'block' }) ?? 'review'
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'secrets',
    destination: false,
    needs: ({ act, envelope }) => (looksAt(act, envelope) ? needs(settings, act, envelope) : []),
    judge: (view) => (looksAt(view.act, view.envelope) ? judge(settings, view) : []),
  }
  const { decision, generic, pullRequests } = settings
  return { guard, settings: { decision, generic, pull_requests: pullRequests } }
}

/** Writes of every kind, and requests to the web, whose address can carry a secret out. */
function looksAt(act: Act, envelope: ActionEnvelope): boolean {
  // What a plan carries is what was asked for, and was looked at there.
  if (envelope.plan?.acts.includes(act) === true) return false
  return (isWrite(act) || act.protocol === 'http') && speaksForAll(act, envelope)
}

/** What lies in files already is asked only where something was found in a file. */
function needs(settings: Settings, act: Act, envelope: ActionEnvelope): readonly FactKey[] {
  if (act.resource.repository === null) return []
  if (searchesPull(settings, act, envelope)) return ['changes']
  return foundIn(settings, envelope).some((one) => fileOf(one, act) !== null) ? ['changes'] : []
}

function judge(settings: Settings, view: GuardView): readonly GuardFinding[] {
  const { act, envelope, facts } = view
  const changes = factOf(facts, 'changes')
  const files = changes.known ? changes.value.files : null
  const found = foundIn(settings, envelope).filter((one) => {
    const path = fileOf(one, act)
    return path === null || files === null || isAdded(one, act, files, path)
  })
  const unknown = changes.known ? null : changes.reason
  const findings = [...told(settings, found, act, unknown)]
  if (!searchesPull(settings, act, envelope)) return findings
  const shown = `what ${shownPull(act)} adds`
  if (unknown !== null || !changes.known) {
    findings.push({ verdict: settings.decision, reason: `${shown} is unknown, and may hold secrets: ${unknown}` })
    return findings
  }
  const { complete } = changes.value
  if (!complete || changes.value.files.some(({ added, status }) => added === null && status !== 'removed')) {
    findings.push({ verdict: 'review', reason: `${shown} could not be read whole, and may hold secrets` })
  }
  return [...findings, ...told(settings, changes.value.files.flatMap(addedHits), act, null)]
}

function searchesPull({ pullRequests }: Settings, act: Act, envelope: ActionEnvelope): boolean {
  return pullRequests && (act.tool === 'github.create_pull_request' || mergeOf(act, envelope) !== null)
}

function addedHits({ path, added }: ChangedFile): readonly PlacedHit[] {
  return added === null ? [] : scanText(added, `the new lines of ${shownPath(path)}`)
}

function told(
  settings: Settings,
  hits: readonly PlacedHit[],
  act: Act,
  unknown: string | null,
): readonly GuardFinding[] {
  const generic = hits.filter(({ hit }) => hit.confidence === 'generic')
  const sure = hits.filter(({ hit }) => hit.confidence !== 'generic')
  const tell = (some: readonly PlacedHit[], verdict: Settings['generic']): GuardFinding[] =>
    some.length === 0 || verdict === 'off'
      ? []
      : [{ verdict, reason: reasonOf(some, act, unknown), suggestion: SUGGESTION }]
  return [...tell(sure, settings.decision), ...tell(generic, settings.generic)]
}

function reasonOf(hits: readonly PlacedHit[], act: Act, unknown: string | null): string {
  const told = hits.slice(0, TOLD).map((one) => {
    const path = fileOf(one, act)
    const where = path === null ? one.place : `${one.place} (${shownPath(path)})`
    return `${one.hit.label} in ${where}, line ${one.line}`
  })
  const more = hits.length > TOLD ? `; and ${hits.length - TOLD} more` : ''
  const old = unknown !== null && hits.some((one) => fileOf(one, act) !== null)
  return `${told.join('; ')}${more}${old ? `; whether it was there before is unknown: ${unknown}` : ''}`
}

/** A path may itself hold what is not to be repeated. */
function shownPath(path: string): string {
  return scanText(path, '').length === 0 ? excerpt(path) : 'a path that holds one itself'
}

/** An old secret is no business of a change elsewhere in its file. What is not known counts as new; so does a path given twice. */
function isAdded({ hit, lines }: PlacedHit, { resource }: Act, files: readonly ChangedFile[], path: string): boolean {
  const [file, ...others] = files.filter((one) => one.path === path)
  const once = others.length === 0 && resource.paths.indexOf(path) === resource.paths.lastIndexOf(path)
  if (!once || file === undefined || file.added === null || hit.type === UNCHECKED) return true
  const added = addedLines(file, file.added)
  return lines.some((line) => bare(line) !== '' && added.has(bare(line)))
}

/** A file's new lines, made once for all hits in it: an agent says how many those are. */
const ADDED = new WeakMap<ChangedFile, ReadonlySet<string>>()

function addedLines(file: ChangedFile, text: string): ReadonlySet<string> {
  const known = ADDED.get(file)
  if (known !== undefined) return known
  const lines = new Set(text.split('\n').map(bare))
  ADDED.set(file, lines)
  return lines
}

function bare(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

/** The path of the file whose content holds it; null where it stands in a message, a title, a name. */
function fileOf({ place }: PlacedHit, { tool, resource }: Act): string | null {
  if (!FILE_WRITES.has(tool)) return null
  if (place === 'content') return resource.paths[0] ?? null
  const index = /^files\[(\d+)\]\.content$/.exec(place)?.[1]
  return index === undefined ? null : (resource.paths[Number(index)] ?? null)
}

/** The arguments are immutable: what was found in them is found once, for `needs` and for `judge`. */
const SCANNED = new WeakMap<JsonObject, readonly PlacedHit[]>()

function foundIn({ generic }: Settings, { action, resource }: ActionEnvelope): readonly PlacedHit[] {
  let found = SCANNED.get(action.parameters)
  if (found === undefined) {
    found = [...scanParameters(action.parameters), ...scanTarget(action.parameters, resource.target)]
    SCANNED.set(action.parameters, found)
  }
  return generic === 'off' ? found.filter(({ hit }) => hit.confidence !== 'generic') : found
}

/** A command line or an address, where it is not one of the arguments. */
function scanTarget(parameters: JsonObject, target: string): readonly PlacedHit[] {
  return Object.values(parameters).includes(target) ? [] : scanText(target, 'the target')
}
