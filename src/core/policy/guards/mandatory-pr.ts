import type { FactKey } from '../../facts.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { mergeOf, shownPull } from './merges.ts'
import { readSettings } from './settings.ts'
import { isWrite, plainBranch, shownBranch, type WrittenBranch, writtenBranches } from './writes.ts'

const STEPS = ['create', 'merge'] as const
type Step = (typeof STEPS)[number]

interface Settings {
  /** Of writes that would never pass through a pull request. */
  readonly decision: 'block' | 'review'
  /** Which steps of a pull request a person looks at. */
  readonly hold: readonly Step[]
}

/** `mandatory_pr`: all that agents write reaches the default branch by pull requests, which people hold. */
export function readMandatoryPr(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const read = readSettings(reader, entry, {
    decisions: ['block', 'review'],
    keys: ['hold'],
    example: '{ decision: review, hold: [create, merge] }',
  })
  if (read === null) return null
  const hold = reader.texts(read.members.hold)?.flatMap((text) => reader.choice(text, 'step', STEPS) ?? []) ?? STEPS
  return reader.problems.length === before ? configured({ decision: read.decision ?? 'review', hold }) : null
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'mandatory_pr',
    destination: true,
    needs: ({ act, envelope }) => needs(act, envelope),
    judge: (view) => judge(settings, view),
  }
  return { guard, settings: { ...settings } }
}

/** Whether a branch is the default one is known of its name alone only where none was given. */
function needs(act: GuardView['act'], envelope: GuardView['envelope']): readonly FactKey[] {
  if (act.resource.repository === null) return []
  return writtenBranches(act, envelope).some(({ kind }) => kind === 'named') ? ['repository'] : []
}

function judge({ decision, hold }: Settings, view: GuardView): readonly GuardFinding[] {
  const { act, envelope } = view
  if (isWrite(act) && act.tool === 'github.create_pull_request') {
    return hold.includes('create') ? [{ verdict: 'review', reason: 'a person looks at every pull request' }] : []
  }
  if (mergeOf(act, envelope) !== null) {
    return hold.includes('merge')
      ? [{ verdict: 'review', reason: `a person looks at ${shownPull(act)} before it is merged` }]
      : []
  }
  for (const branch of writtenBranches(act, envelope)) {
    const why = direct(branch, view)
    if (why !== null)
      return [{ verdict: decision, reason: why, suggestion: 'Push to a branch of your own and open a pull request.' }]
  }
  return []
}

/** Why a write to a branch would pass every pull request by, null where it does not. */
function direct(branch: WrittenBranch, { act, envelope, facts }: GuardView): string | null {
  const { repository } = act.resource
  const shown = shownBranch(branch, repository)
  if (branch.kind !== 'named') return `${shown} is written without a pull request`
  // What the plan is about to make is not there yet, and no default branch.
  if (branch.name === envelope.plan?.branch) return null
  const fact =
    repository === null
      ? ({ known: false, reason: 'the repository is not known' } as const)
      : factOf(facts, 'repository')
  if (!fact.known) return `whether ${shown} is the default branch is unknown: ${fact.reason}`
  return plainBranch(fact.value.defaultBranch) === branch.name
    ? `${shown} is the default branch, and is written without a pull request`
    : null
}
