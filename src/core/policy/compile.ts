import { createHash } from 'node:crypto'
import type { ActionEnvelope } from '../envelope.ts'
import { AegisError } from '../errors.ts'
import type { FactKey } from '../facts.ts'
import type { Sha256 } from '../ids.ts'
import type { CompiledPolicy } from './compiled.ts'
import { conclude, judge } from './decide.ts'
import { type PolicyDocument, SOFT_CONDITIONS } from './document.ts'
import { type Bench, benchOf, canBeReached, canRunUnattended } from './judge.ts'
import { traceOf } from './trace.ts'

const NO_FACTS: readonly FactKey[] = []
const APPROVAL: readonly FactKey[] = ['approval']

/**
 * Compiles the documents in force. Their order does not matter: each judges, the strictest wins.
 * @throws AegisError `config` where there is none: without a policy nothing may run.
 */
export function compilePolicy(documents: readonly PolicyDocument[]): CompiledPolicy {
  const sorted = documents
    .map((document) => ({ document, form: canonicalForm(document) }))
    .sort((a, b) => (a.form < b.form ? -1 : a.form > b.form ? 1 : 0))
  const [first, ...rest] = sorted.map(({ document }) => benchOf(document))
  if (first === undefined)
    throw new AegisError('config', 'no policy is configured', { advice: 'name one under `policy` in aegis.yaml' })
  const benches: readonly [Bench, ...Bench[]] = [first, ...rest]
  const digest = sha256(`[${sorted.map(({ form }) => form).join(',')}]`)
  const judged = rememberLast((envelope: ActionEnvelope) => judge(benches, envelope))
  return {
    name: [...new Set(benches.map(({ document }) => document.name))].sort().join('+'),
    digest,
    factsNeeded: (envelope) => (judged(envelope).verdict === 'review' ? APPROVAL : NO_FACTS),
    decide: (envelope, facts) => conclude(judged(envelope), envelope, facts, digest),
    simulate: (envelope, facts) => ({
      decision: conclude(judge(benches, envelope), envelope, facts, digest),
      trace: traceOf(benches, envelope),
    }),
    reachable: (tool) => benches.every((bench) => canBeReached(bench, tool)),
    unattended: (tool) => benches.every((bench) => canRunUnattended(bench, tool)),
  }
}

/** `factsNeeded` and `decide` are asked about the same envelope in turn: it is judged once. Envelopes are immutable. */
function rememberLast<K, V>(compute: (key: K) => V): (key: K) => V {
  let last: { readonly key: K; readonly value: V } | null = null
  return (key) => {
    if (last === null || last.key !== key) last = { key, value: compute(key) }
    return last.value
  }
}

/** One text for everything in a document that can change a decision: fixed member order, no positions, no file names. */
function canonicalForm({ name, dialect, defaultDecision, rules }: PolicyDocument): string {
  const lines = rules.map((rule) => [
    rule.id,
    rule.protocol,
    rule.tool?.texts ?? null,
    rule.capability,
    rule.repo?.texts ?? null,
    ...SOFT_CONDITIONS.map((condition) => rule.soft[condition]?.exact.texts ?? null),
    rule.decision,
    rule.reason,
    rule.suggestion,
    [rule.terms.ttl, rule.terms.reviewers, rule.terms.independent, rule.terms.sameSession],
  ])
  return JSON.stringify([name, dialect, defaultDecision, lines])
}

function sha256(text: string): Sha256 {
  return createHash('sha256').update(text).digest('hex') as Sha256
}
