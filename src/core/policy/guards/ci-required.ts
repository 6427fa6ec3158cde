import type { ChecksFact, Fact, FactKey, PullFact } from '../../facts.ts'
import { excerpt } from '../../paths.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { mergeOf, shownPull } from './merges.ts'
import { readSettings, readVerdict } from './settings.ts'

/** What checks can come to, short of being green, and what is done then where nothing is set. */
const OUTCOMES = { red: 'block', pending: 'review', none: 'review', unknown: 'review' } as const
type Outcome = keyof typeof OUTCOMES
type Settings = Readonly<Record<Outcome, 'block' | 'review'>>

const SHOWN = 5

/** `ci_required`: nothing is merged whose checks are not green. */
export function readCiRequired(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const read = readSettings(reader, entry, {
    decisions: ['block', 'review'],
    keys: ['on_red', 'on_pending', 'on_none', 'on_unknown'],
    example: '{ on_red: block, on_pending: review, on_none: review, on_unknown: block }',
  })
  if (read === null) return null
  const { members, decision } = read
  const choose = (member: TreeEntry | undefined, outcome: Outcome) =>
    readVerdict(reader, member) ?? decision ?? OUTCOMES[outcome]
  const settings: Settings = {
    red: choose(members.on_red, 'red'),
    pending: choose(members.on_pending, 'pending'),
    none: choose(members.on_none, 'none'),
    unknown: choose(members.on_unknown, 'unknown'),
  }
  return reader.problems.length === before ? configured(settings) : null
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'ci_required',
    destination: false,
    needs: ({ act, envelope }): readonly FactKey[] => (mergeOf(act, envelope) === null ? [] : ['pull', 'checks']),
    judge: (view) => judge(settings, view),
  }
  return { guard, settings: { ...settings } }
}

function judge(settings: Settings, { act, envelope, facts }: GuardView): readonly GuardFinding[] {
  if (mergeOf(act, envelope) === null) return []
  const found = outcomeOf(shownPull(act), factOf(facts, 'pull'), factOf(facts, 'checks'))
  if (found === null) return []
  const { outcome, reason } = found
  const suggestion = outcome === 'pending' ? 'Wait for the checks, then merge again.' : 'Make the checks green first.'
  return [{ verdict: settings[outcome], reason, suggestion }]
}

/** Null where they are green. Skipped and neutral checks count as green. */
function outcomeOf(
  shown: string,
  pull: Fact<PullFact>,
  checks: Fact<ChecksFact>,
): { readonly outcome: Outcome; readonly reason: string } | null {
  const unknown = (why: string) =>
    ({ outcome: 'unknown', reason: `whether the checks of ${shown} are green is unknown: ${why}` }) as const
  if (!pull.known) return unknown(pull.reason)
  if (!checks.known) return unknown(checks.reason)
  const { state, failing, pending, sha } = checks.value
  if (sha !== pull.value.headSha) return unknown('they are of another commit than its head')
  switch (state) {
    case 'green':
      return null
    case 'red':
      return { outcome: 'red', reason: `checks of ${shown} failed: ${listed(failing)}` }
    case 'pending':
      return { outcome: 'pending', reason: `checks of ${shown} are not done: ${listed(pending)}` }
    case 'none':
      return { outcome: 'none', reason: `no check ever ran for ${shown}` }
    default:
      return state satisfies never
  }
}

/** Names of checks are what anybody with a workflow writes. */
function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : ''
  return `${names.slice(0, SHOWN).map(excerpt).join(', ')}${more}`
}
