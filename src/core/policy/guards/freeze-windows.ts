import { CAPABILITIES, type Capability } from '../../envelope.ts'
import { nearest } from '../../spelling.ts'
import type { PlacedText, Reader } from '../reader.ts'
import type { Tree, TreeEntry } from '../tree.ts'
import { openUntil, WEEKDAYS, type Weekday, type WindowTimes } from './freeze-window.ts'
import type { ConfiguredGuard, Guard, GuardFinding, GuardView } from './guard.ts'
import { mergeOf } from './merges.ts'
import { readGlobs, readVerdict, type TighteningGlobs } from './settings.ts'
import { isPush, isWrite, shownName, shownRepository } from './writes.ts'
import { DAY_MS, zoneOf } from './zoned-time.ts'

const KEYS = ['name', 'timezone', 'days', 'dates', 'from', 'to', 'repos', 'capabilities', 'decision'] as const
const CAPABILITIES_FROZEN: readonly Capability[] = CAPABILITIES.filter((capability) => capability !== 'read')

interface Window {
  readonly name: string | null
  readonly times: WindowTimes
  readonly repos: TighteningGlobs | null
  readonly capabilities: readonly Capability[]
  /** `review`: an approval breaks the glass. */
  readonly decision: 'block' | 'review'
}

/** `freeze_windows`: times in which nothing is written. The instant is that of the call, so an approval is checked again when it is used. */
export function readFreezeWindows(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const { value } = entry
  if (value.kind === 'scalar' || (value.kind === 'list' && value.items.length === 0)) {
    reader.problem(
      value.at,
      '`freeze_windows` is a list of windows, such as [{ timezone: Europe/Berlin, days: [fri] }]',
    )
    return null
  }
  const windows = (value.kind === 'list' ? value.items : [value]).map((item) => readWindow(reader, item))
  const whole = windows.filter((window) => window !== null)
  return reader.problems.length === before ? configured(whole) : null
}

function readWindow(reader: Reader, tree: Tree): Window | null {
  if (tree.kind !== 'mapping') {
    reader.problem(
      tree.at,
      'a freeze window is a mapping, such as { timezone: Europe/Berlin, days: [fri], from: "16:00" }',
    )
    return null
  }
  const members = reader.members(tree, 'a freeze window', KEYS)
  if (members.timezone === undefined)
    reader.problem(tree.at, 'the window has no `timezone`; write one such as Europe/Berlin or UTC')
  const zone = zoneIn(reader, members.timezone)
  const from = minutesIn(reader, members.from) ?? 0
  const to = minutesIn(reader, members.to) ?? 1440
  if (from === 1440)
    reader.problem(members.from?.value.at ?? tree.at, '`from: 24:00` is the next day; write 00:00 and that day')
  if (from === to)
    reader.problem(
      members.to?.value.at ?? tree.at,
      'the window ends when it begins; leave `from` and `to` out for whole days',
    )
  const days = daysIn(reader, members.days)
  const dates = datesIn(reader, members.dates)
  const texts = reader.texts(members.repos)
  const repos = texts === undefined ? null : readGlobs(reader, texts)
  const capabilities = capabilitiesIn(reader, members.capabilities)
  const decision = readVerdict(reader, members.decision) ?? 'block'
  const name = reader.sentence(members.name) ?? null
  return zone === null ? null : { name, times: { zone, days, dates, from, to }, repos, capabilities, decision }
}

function zoneIn(reader: Reader, entry: TreeEntry | undefined): WindowTimes['zone'] | null {
  const text = reader.text(entry)
  if (entry === undefined || text === undefined) return null
  const zone = zoneOf(text)
  if (zone !== null) return zone
  const near = nearest(text, Intl.supportedValuesOf('timeZone'))
  const advice = near === null ? '; write an IANA name such as Europe/Berlin' : `, did you mean \`${near}\`?`
  reader.problem(entry.value.at, `unknown time zone \`${text}\`${advice}`)
  return null
}

function minutesIn(reader: Reader, entry: TreeEntry | undefined): number | undefined {
  const text = reader.text(entry)
  if (entry === undefined || text === undefined) return undefined
  const [, hours, minutes] = /^([01]\d|2[0-4]):([0-5]\d)(?::00)?$/.exec(text) ?? []
  const total = Number(hours) * 60 + Number(minutes)
  if (total <= 1440) return total
  reader.problem(entry.value.at, `\`${entry.key}\` is a time from 00:00 to 24:00; \`${text}\` is none`)
  return undefined
}

/** `fri`, `[sat, sun]`, `mon-thu`. */
function daysIn(reader: Reader, entry: TreeEntry | undefined): readonly Weekday[] | null {
  const texts = reader.texts(entry)
  if (texts === undefined) return null
  return texts.flatMap(({ text, at }) => {
    const [first = '', last = first] = text.toLowerCase().split('-', 2)
    const from = reader.choice({ text: first, at }, 'day', WEEKDAYS)
    const to = reader.choice({ text: last, at }, 'day', WEEKDAYS)
    if (from === undefined || to === undefined) return []
    const start = WEEKDAYS.indexOf(from)
    const length = ((WEEKDAYS.indexOf(to) - start + 7) % 7) + 1
    return [...WEEKDAYS, ...WEEKDAYS].slice(start, start + length)
  })
}

/** `2026-12-24` or `2026-12-20..2027-01-03`, both ends included. */
function datesIn(reader: Reader, entry: TreeEntry | undefined): WindowTimes['dates'] {
  const texts = reader.texts(entry)
  if (texts === undefined) return null
  return texts.flatMap((placed) => {
    const [first = '', last = first] = placed.text.split('..', 2)
    const [from, to] = [dateIn(first), dateIn(last)]
    if (from !== null && to !== null && from <= to) return [[from, to] as const]
    reader.problem(placed.at, `\`${placed.text}\` is no date or range of dates, such as 2026-12-20..2027-01-03`)
    return []
  })
}

function dateIn(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  const time = Date.parse(`${text}T00:00:00Z`)
  // 2026-02-30 would be read as 2 March.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text) return null
  return time / DAY_MS
}

function capabilitiesIn(reader: Reader, entry: TreeEntry | undefined): readonly Capability[] {
  const texts = reader.texts(entry)
  if (texts === undefined) return CAPABILITIES_FROZEN
  return texts.flatMap((text: PlacedText) => reader.choice(text, 'capability', CAPABILITIES) ?? [])
}

function configured(windows: readonly Window[]): ConfiguredGuard {
  const guard: Guard = {
    name: 'freeze_windows',
    destination: false,
    needs: () => [],
    judge: (view) => windows.flatMap((window) => judge(window, view)),
  }
  const settings = windows.map(({ name, times, repos, capabilities, decision }) => {
    const { zone, days, dates, from, to } = times
    return { name, timezone: zone.name, days, dates, from, to, repos: repos?.texts ?? null, capabilities, decision }
  })
  return { guard, settings }
}

function judge(window: Window, { act, envelope }: GuardView): readonly GuardFinding[] {
  const merges = mergeOf(act, envelope) !== null
  const capability = merges ? 'merge' : isPush(act) ? 'write' : act.capability
  if (!window.capabilities.includes(capability)) return []
  const reached = reach(window, act, merges)
  if (reached === null) return []
  const until = openUntil(window.times, envelope.receivedAt)
  if (until === null) return []
  const name = window.name === null ? 'a freeze window' : `the freeze window "${window.name}"`
  const reason = `${reached} is frozen by ${name} until ${until} (${window.times.zone.name})`
  if (window.decision === 'block')
    return [{ verdict: 'block', reason, suggestion: 'Try again when the window is over.' }]
  return [{ verdict: 'review', reason: `${reason}; only an approval breaks it` }]
}

/**
 * What of a window's scope an act reaches. Work on the machine itself is none of it: a file, a commit, a command; a push is.
 * A repository that is not known may be one of those that are frozen.
 */
function reach({ repos }: Window, act: GuardView['act'], merges: boolean): string | null {
  const { repository } = act.resource
  if (repository !== null) {
    const name = shownRepository(repository)
    return repos === null || repos.matching(name) !== null ? name : null
  }
  if (isPush(act)) return 'the repository that git pushes to'
  if (merges) return 'the repository of the pull request'
  if (act.tool.startsWith('github.')) return isWrite(act) ? `what ${shownName(act.tool)} writes` : null
  const local = act.protocol === 'shell' || act.protocol === 'file' || act.tool.startsWith('git.')
  return local || repos !== null ? null : `what ${shownName(act.tool)} writes`
}
