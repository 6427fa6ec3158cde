import type { Act, ActionEnvelope } from '../../envelope.ts'
import type { ChangedFile, FactKey } from '../../facts.ts'
import type { JsonObject } from '../../json.ts'
import { excerpt } from '../../paths.ts'
import { type PlacedHit, scanParameters, scanText } from '../../secrets/parameters.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
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
}

/** `secrets`: credentials in anything that is written. */
export function readSecrets(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const read = readSettings(reader, entry, {
    decisions: DECISIONS,
    keys: ['generic'],
    example: '{ decision: block, generic: review }',
  })
  if (read === null) return null
  const generic = readGeneric(reader, read.members.generic)
  return reader.problems.length === before ? configured({ decision: read.decision ?? 'block', generic }) : null
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
  return { guard, settings: { ...settings } }
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
  return foundIn(settings, envelope).some((one) => fileOf(one, act) !== null) ? ['changes'] : []
}

function judge(settings: Settings, view: GuardView): readonly GuardFinding[] {
  const found = foundIn(settings, view.envelope)
  if (found.length === 0) return []
  const changes = factOf(view.facts, 'changes')
  const files = changes.known ? changes.value.files : null
  const isNew = (one: PlacedHit) => {
    const path = fileOf(one, view.act)
    return (
      path === null ||
      files === null ||
      isAdded(
        one,
        files.find((file) => file.path === path),
      )
    )
  }
  const counted = found.filter(isNew)
  const sure = counted.filter(({ hit }) => hit.confidence !== 'generic')
  const named = counted.filter(({ hit }) => hit.confidence === 'generic')
  const findings: GuardFinding[] = []
  const tell = (hits: readonly PlacedHit[], verdict: 'block' | 'review') => {
    if (hits.length === 0) return
    findings.push({
      verdict,
      reason: reasonOf(hits, view, !changes.known ? changes.reason : null),
      suggestion: SUGGESTION,
    })
  }
  tell(sure, settings.decision)
  if (settings.generic !== 'off') tell(named, settings.generic)
  return findings
}

function reasonOf(hits: readonly PlacedHit[], { act }: GuardView, unknown: string | null): string {
  const told = hits.slice(0, TOLD).map((one) => {
    const path = fileOf(one, act)
    const where = path === null ? one.place : `${one.place} (${excerpt(path)})`
    return `${one.hit.label} in ${where}, line ${one.line}`
  })
  const more = hits.length > TOLD ? `; and ${hits.length - TOLD} more` : ''
  const old = unknown !== null && hits.some((one) => fileOf(one, act) !== null)
  return `${told.join('; ')}${more}${old ? `; whether it was there before is unknown: ${unknown}` : ''}`
}

/** An old secret is no business of a change elsewhere in its file. Unknown counts as new. */
function isAdded({ lines }: PlacedHit, file: ChangedFile | undefined): boolean {
  if (file === undefined || file.added === null) return true
  const added = new Set(file.added.split('\n').map(bare))
  return lines.some((line) => bare(line) !== '' && added.has(bare(line)))
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
