import { createHash } from 'node:crypto'
import type { ActionEnvelope } from '../envelope.ts'
import { AegisError } from '../errors.ts'
import { CONTEXT_FACTS, type FactKey, type Facts, type RoomFact } from '../facts.ts'
import type { Sha256 } from '../ids.ts'
import { bind, missingFacts, planned } from './bind.ts'
import type { CompiledPolicy, ToolClass } from './compiled.ts'
import { conclude } from './conclude.ts'
import { type Judgement, judge } from './decide.ts'
import type { PolicyDocument } from './document.ts'
import { documentForm } from './form.ts'
import { type Bench, benchOf, canBeReached, canRunUnattended } from './judge.ts'
import { isFor } from './room.ts'
import { isBlockedAnyway } from './settled.ts'
import { isShadowed } from './shadowed.ts'
import { traceOf } from './trace.ts'

const NO_FACTS: Facts = Object.freeze({})
const NOTHING: readonly FactKey[] = []
const APPROVAL: readonly FactKey[] = ['approval']

/**
 * Compiles the documents in force. Their order does not matter: each judges, the strictest wins.
 * @throws AegisError `config` where there is none: without a policy nothing may run.
 */
export function compilePolicy(documents: readonly PolicyDocument[]): CompiledPolicy {
  const sorted = documents
    .map((document) => ({ document, form: documentForm(document) }))
    .sort((a, b) => (a.form < b.form ? -1 : a.form > b.form ? 1 : 0))
  const [first, ...rest] = sorted.map(({ document }) => benchOf(document))
  if (first === undefined)
    throw new AegisError('config', 'no policy is configured', { advice: 'name one under `policy` in aegis.yaml' })
  const benches: readonly [Bench, ...Bench[]] = [first, ...rest]
  const digest = sha256(`[${sorted.map(({ form }) => form).join(',')}]`)
  const criticalNeeds = Math.max(1, ...documents.map(({ criticalNeeds: needed = 1 }) => needed))
  const judged = rememberLast((envelope, known) => {
    // What a room only watches is judged as it would be enforced, and runs as it was asked.
    const enforced = isShadowed(envelope, known) ? planned(documents, envelope, known) : envelope
    return judge(benches, enforced, known)
  })
  return {
    name: [...new Set(benches.map(({ document }) => document.name))].sort().join('+'),
    digest,
    factsNeeded(envelope, known = NO_FACTS) {
      const missing = missingFacts(documents, envelope, known)
      if (missing.length > 0) return isBlockedAnyway(benches, envelope, known) ? NOTHING : missing
      if (isShadowed(envelope, known)) return NOTHING
      return known.approval === undefined && judged(envelope, known).verdict === 'review' ? APPROVAL : NOTHING
    },
    bind: (envelope, known) => bind(documents, envelope, known),
    decide: (envelope, known) => conclude(judged(envelope, known), envelope, known, { digest, criticalNeeds }),
    simulate: (envelope, known) => ({
      decision: conclude(judged(envelope, known), envelope, known, { digest, criticalNeeds }),
      trace: traceOf(benches, envelope),
    }),
    remembersReads: documents.some(({ guards }) => guards.some(({ guard }) => guard.name === 'repo_taint')),
    reachable: (tool, room) =>
      room === undefined
        ? benches.every((bench) => canBeReached(bench, tool))
        : isFor(room, tool) && benches.every((bench) => watches(room, tool) || canBeReached(bench, tool, room)),
    unattended: (tool) => benches.every((bench) => canRunUnattended(bench, tool)),
  }
}

/** In shadow mode a tool that may be about the room's repository runs, whatever the policy says. */
function watches({ mode }: RoomFact, { protocol }: ToolClass): boolean {
  return mode !== 'enforce' && protocol === 'git'
}

/**
 * `factsNeeded` and `decide` are asked about the same envelope in turn: it is judged once. Envelopes are immutable, and what the
 * approvals say changes no judgement.
 */
function rememberLast(compute: (envelope: ActionEnvelope, facts: Facts) => Judgement) {
  let last: { readonly envelope: ActionEnvelope; readonly facts: Facts; readonly value: Judgement } | null = null
  return (envelope: ActionEnvelope, facts: Facts): Judgement => {
    if (last === null || last.envelope !== envelope || !sameButApproval(last.facts, facts))
      last = { envelope, facts, value: compute(envelope, facts) }
    return last.value
  }
}

function sameButApproval(a: Facts, b: Facts): boolean {
  return a === b || CONTEXT_FACTS.every((key) => a[key] === b[key])
}

function sha256(text: string): Sha256 {
  return createHash('sha256').update(text).digest('hex') as Sha256
}
