import { rateBlastRadius } from '../../blast-radius.ts'
import { BLAST_LEVELS, type BlastRadius } from '../../decision.ts'
import type { ActionEnvelope } from '../../envelope.ts'
import type { ChangesFact, Fact, FactKey } from '../../facts.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { readSettings } from './settings.ts'
import { FILE_WRITES, isWrite, speaksForAll } from './writes.ts'

type Level = BlastRadius['level']

interface Settings {
  readonly reviewAt: Level | null
  readonly blockAt: Level | null
}

/** `blast_radius`: actions that reach too far for an agent alone. */
export function readBlastRadius(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const read = readSettings(reader, entry, {
    decisions: ['review', 'block'],
    keys: ['review_at', 'block_at'],
    example: '{ review_at: high, block_at: critical }',
  })
  if (read === null) return null
  const { members, decision } = read
  if (members.decision !== undefined)
    reader.problem(members.decision.keyAt, '`blast_radius` has no `decision`; write `review_at`, `block_at` or both')
  const settings = withDefault(readLevel(reader, members.review_at), readLevel(reader, members.block_at), decision)
  const { reviewAt, blockAt } = settings
  if (reviewAt !== null && blockAt !== null && rank(blockAt) <= rank(reviewAt)) {
    const at = members.block_at?.value.at ?? entry.keyAt
    reader.problem(at, `at \`block_at: ${blockAt}\` nothing is left for \`review_at: ${reviewAt}\`; raise block_at`)
  }
  return reader.problems.length === before ? configured(settings) : null
}

function withDefault(reviewAt: Level | null, blockAt: Level | null, decision: string | undefined): Settings {
  if (reviewAt !== null || blockAt !== null) return { reviewAt, blockAt }
  return decision === 'block' ? { reviewAt: null, blockAt: 'high' } : { reviewAt: 'high', blockAt: null }
}

function readLevel(reader: Reader, entry: TreeEntry | undefined): Level | null {
  const text = reader.text(entry)
  if (entry === undefined || text === undefined) return null
  return reader.choice({ text, at: entry.value.at }, 'level', BLAST_LEVELS) ?? null
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'blast_radius',
    destination: true,
    needs: (view) => (speaksForAll(view.act, view.envelope) ? needs(settings, view.envelope) : []),
    judge: (view) => (speaksForAll(view.act, view.envelope) ? judge(settings, view) : []),
  }
  return { guard, settings: { review_at: settings.reviewAt, block_at: settings.blockAt } }
}

/** Only where the size of the change could still raise the verdict. */
function needs(settings: Settings, envelope: ActionEnvelope): readonly FactKey[] {
  const acts = actsOf(envelope)
  const sized = acts.some(
    (act) =>
      isWrite(act) &&
      act.resource.repository !== null &&
      (FILE_WRITES.has(act.tool) || act.capability === 'merge' || act.tool === 'github.create_pull_request'),
  )
  if (!sized) return []
  const top = settings.blockAt ?? settings.reviewAt
  return top !== null && rank(rateBlastRadius(acts).level) >= rank(top) ? [] : ['changes']
}

function judge(settings: Settings, { envelope, facts }: GuardView): readonly GuardFinding[] {
  const wanted = needs(settings, envelope).length > 0
  // Somebody else may have asked: what is known counts, what is not known of an issue says nothing.
  const known = facts.changes?.known === true ? facts.changes : undefined
  const changes: Fact<ChangesFact> | undefined = wanted ? factOf(facts, 'changes') : known
  const { level, score, reasons } = rateBlastRadius(actsOf(envelope), changes)
  const verdict = reaches(level, settings.blockAt) ? 'block' : reaches(level, settings.reviewAt) ? 'review' : null
  if (verdict === null) return []
  const suggestion = 'Make the change smaller, or in steps that can be reviewed one by one.'
  return [{ verdict, reason: `its blast radius is ${level} (${score} of 100): ${reasons.join(', ')}`, suggestion }]
}

function actsOf({ plan, action }: ActionEnvelope): ActionEnvelope['action']['acts'] {
  return plan?.acts ?? action.acts
}

function reaches(level: Level, from: Level | null): boolean {
  return from !== null && rank(level) >= rank(from)
}

function rank(level: Level): number {
  return BLAST_LEVELS.indexOf(level)
}
