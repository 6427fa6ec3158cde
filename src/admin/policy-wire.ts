import type { AegisError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { answerableName } from '../core/reviewer-name.ts'
import { rfc3339 } from '../core/runtime.ts'
import type { ShownVersion } from '../oversight/policies.ts'
import type { DecisionThen, Why } from '../oversight/why.ts'
import type { PlacedRule, PolicyDiff, ReplayReport, RuleChange } from '../policy-set/index.ts'
import { approvalWire } from './wire.ts'

export function versionWire({ version, inForce }: ShownVersion): JsonObject {
  const { number, digest, names, cause, of, by, at, leaf, sourcesSha256 } = version
  return {
    version: number,
    in_force: inForce,
    names,
    sha256: digest,
    sources_sha256: sourcesSha256,
    cause,
    ...(of === null ? {} : { of }),
    ...(by === null ? {} : { by: { principal: by.principal, name: answerableName(by) } }),
    at: rfc3339(at),
    ledger_n: leaf,
  }
}

export function sourcesWire({ version }: ShownVersion): Json {
  return version.sources.map(({ file, text }) => ({ file, text }))
}

export function refusedWire(refused: AegisError | null): Json {
  if (refused === null) return null
  const { message, advice, data } = refused
  const problems = data?.['problems']
  return { message, advice, problems: Array.isArray(problems) ? problems.map(String) : [] }
}

export function diffWire({ documents, text }: PolicyDiff): JsonObject {
  return {
    documents: documents.map(({ name, kind, defaultDecision, rules, guards }) => ({
      name,
      kind,
      default_decision: defaultDecision === null ? null : { ...defaultDecision },
      rules: rules.map(ruleChangeWire),
      guards: { ...guards },
    })),
    text,
  }
}

function ruleChangeWire(change: RuleChange): JsonObject {
  const wire = ({ index, line, text }: PlacedRule) => ({ index, line, text })
  switch (change.kind) {
    case 'added':
      return { kind: change.kind, is: wire(change.is) }
    case 'removed':
      return { kind: change.kind, was: wire(change.was) }
    case 'changed':
    case 'moved':
      return { kind: change.kind, was: wire(change.was), is: wire(change.is) }
    default:
      return change satisfies never
  }
}

export function replayWire(report: ReplayReport): JsonObject {
  const { decisions, unchanged, changed, undecidable, matrix, reasons, facts, tools, examples } = report
  return {
    ...{ decisions, unchanged, changed, undecidable },
    matrix: { ...matrix },
    undecidable_because: { ...reasons },
    facts_missing: { ...facts },
    tools: tools.map((tool) => ({ ...tool })),
    examples: examples.map(({ n, env, session, tool, was, would, ruleThen, ruleNow, reason }) => ({
      ...{ n, envelope_id: env, session, tool, was, would, rule_then: ruleThen, rule_now: ruleNow, reason },
    })),
  }
}

export function whyWire({ id, entries, decisions, approval }: Why): JsonObject {
  return {
    envelope_id: id,
    entries: entries.map(({ entry, body, comment }) => ({
      ...{ n: entry.n, hash: entry.hash, ...body.whole },
      ...(comment === null ? {} : { comment }),
    })),
    decisions: decisions.map(decisionWire),
    approval: approval === null ? null : approvalWire(approval),
  }
}

function decisionWire({ entry, version, rule, recomputed }: DecisionThen): JsonObject {
  return {
    n: entry.n,
    policy_version: version === null ? null : version.number,
    rule: rule === null ? null : { ...rule },
    recomputed: typeof recomputed === 'string' ? { possible: false, because: recomputed } : recomputedWire(recomputed),
  }
}

function recomputedWire({ simulation, unknownFacts }: Exclude<DecisionThen['recomputed'], string>): JsonObject {
  const { decision, trace } = simulation
  return {
    possible: true,
    unknown_facts: [...unknownFacts],
    decision: decision.verdict,
    matched_rule: decision.rule.label,
    reason: decision.reason,
    findings: decision.findings.map(({ source, name, verdict, reason }) => ({ source, name, verdict, reason })),
    trace: trace.map(({ act, policy, ruleIndex, rule, verdict, matched, failReason }) => ({
      ...{ act, policy, rule_index: ruleIndex, rule, decision: verdict, matched, fail_reason: failReason },
    })),
  }
}
