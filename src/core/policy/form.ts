import { canonicalize } from '../canonical.ts'
import type { ReviewTerms } from '../decision.ts'
import { type PolicyDocument, type Rule, SOFT_CONDITIONS } from './document.ts'
import type { ConfiguredGuard } from './guards/guard.ts'

/** One text for everything in a document that can change a decision: fixed member order, no positions, no file names. */
export function documentForm(document: PolicyDocument): string {
  const { name, dialect, defaultDecision, rules, guards, criticalNeeds } = document
  const more = criticalNeeds === undefined ? [] : [criticalNeeds]
  return JSON.stringify([name, dialect, defaultDecision, rules.map(membersOf), guards.map(settingsOf).sort(), ...more])
}

/** The same of one rule: equal rules have equal texts, wherever they stand. One line. */
export function ruleForm(rule: Rule): string {
  return JSON.stringify(membersOf(rule))
}

/** The same of one guard. */
export function guardForm(guard: ConfiguredGuard): string {
  return settingsOf(guard).join(' ')
}

function membersOf(rule: Rule): readonly unknown[] {
  return [
    rule.id,
    rule.protocol,
    rule.tool?.texts ?? null,
    rule.capability,
    rule.method,
    rule.repo?.texts ?? null,
    ...SOFT_CONDITIONS.map((condition) => rule.soft[condition]?.exact.texts ?? null),
    rule.decision,
    rule.reason,
    rule.suggestion,
    termsOf(rule.terms),
  ]
}

/** Terms that came later stand only where they are set: a policy without them keeps its digest. */
function termsOf({ ttl, reviewers, independent, sameSession, ...later }: ReviewTerms): readonly unknown[] {
  const { from = null, role = null, repeat = null, notAuthor = null } = later
  const more = [from, role, repeat, notAuthor]
  const first = [ttl, reviewers, independent, sameSession]
  return more.every((one) => one === null) ? first : [...first, ...more]
}

function settingsOf({ guard, settings }: ConfiguredGuard): readonly [string, string] {
  return [guard.name, canonicalize(settings)]
}
