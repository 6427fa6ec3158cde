import type { Act, ActionEnvelope, Surface } from '../envelope.ts'
import { doorReason, ruleLabel } from './candidates.ts'
import type { TraceStep } from './compiled.ts'
import { type Bench, searchRules } from './judge.ts'
import { failReason, viewOf } from './match.ts'

/** Every rule tried for every act, up to the one that ended the search, by the same matcher that decides. */
export function traceOf(benches: readonly Bench[], envelope: ActionEnvelope): readonly TraceStep[] {
  return envelope.action.acts.flatMap((act, at) =>
    benches.flatMap((bench) => traceAct(bench, envelope.surface, act, at)),
  )
}

function traceAct(bench: Bench, surface: Surface, act: Act, at: number): TraceStep[] {
  const { name, rules } = bench.document
  const view = viewOf(act)
  const { endedAt } = searchRules(bench, surface, act)
  return rules.slice(0, endedAt === null ? rules.length : endedAt + 1).map((rule, ruleIndex) => {
    const reason = doorReason(rule, surface, act) ?? failReason(rule, view)
    return {
      act: at,
      policy: name,
      ruleIndex,
      rule: ruleLabel(rule, surface, act),
      verdict: rule.decision,
      matched: reason === null,
      failReason: reason,
    }
  })
}
