import type { Act, ActionEnvelope } from '../envelope.ts'
import type { Facts } from '../facts.ts'
import { type Bench, searchRules } from './judge.ts'
import { isRewritable } from './rewrite.ts'
import { roomSays } from './room.ts'
import { isShadowed } from './shadowed.ts'

/**
 * Whether it is blocked whatever is found out: by the room, a rule, or a guard that needs no facts. Then none are looked up:
 * what guards found in a repository would be told to somebody who may not so much as read it.
 */
export function isBlockedAnyway(benches: readonly Bench[], envelope: ActionEnvelope, facts: Facts): boolean {
  const { acts } = envelope.action
  if (acts.some((act) => roomSays(act, facts, '').access?.verdict === 'block')) return true
  if (isShadowed(envelope, facts)) return false
  return acts.some((act) => benches.some((bench) => isBlocked(bench, { act, envelope, facts })))
}

interface View {
  readonly act: Act
  readonly envelope: ActionEnvelope
  readonly facts: Facts
}

function isBlocked(bench: Bench, view: View): boolean {
  const { act, envelope, facts } = view
  // What could still become a pull request never meets a default as it was asked.
  const fallback = isRewritable(act.tool) ? null : (roomSays(act, facts, '').fallback ?? bench.fallback)
  const { opinions } = searchRules(bench, envelope.surface, act, fallback)
  if (opinions.some(({ verdict }) => verdict === 'block')) return true
  return bench.document.guards.some(
    ({ guard }) =>
      !guard.destination &&
      guard.needs(view).length === 0 &&
      guard.judge(view).some(({ verdict }) => verdict === 'block'),
  )
}
