import { readFile } from 'node:fs/promises'
import { namingUpstreams } from '../config/naming-upstreams.ts'
import { loadConfig } from '../config.ts'
import { AegisError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { type Problem, problemLine, type Simulation } from '../core/policy/index.ts'
import { parseStrict } from '../core/strict-json.ts'
import {
  bundledPolicies,
  type CaseInput,
  type CaseResult,
  caseEnvelope,
  findPolicy,
  loadPolicies,
  readCases,
  readPolicyFile,
  runCases,
  toClaim,
} from '../policy-set/index.ts'
import { type Context, processContext } from './context.ts'
import { jsonText, visible } from './output.ts'

interface Options {
  readonly upstreams?: readonly string[]
  readonly json?: boolean
}

/** Exit 0 where all files would load, 1 where one has a problem. */
export async function lint(names: readonly string[], options: Options): Promise<void> {
  const context = processContext()
  const upstreams = upstreamsOf(context, options)
  const checked: { file: string; problems: readonly Problem[] }[] = []
  for (const name of names) {
    const file = await findPolicy(name, [bundledPolicies()], context.cwd)
    const reading = await readPolicyFile(file, upstreams)
    checked.push({ file, problems: reading.ok ? [] : reading.problems })
  }
  if (options.json)
    context.out(jsonText(checked.map(({ file, problems }) => ({ file, problems: problems.map(plain) }))))
  else for (const { file, problems } of checked) context.out(lintText(file, problems))
  if (checked.some(({ problems }) => problems.length > 0)) process.exitCode = 1
}

function plain({ line, column, message }: Problem): JsonObject {
  return { line, column, message }
}

function lintText(file: string, problems: readonly Problem[]): string {
  if (problems.length === 0) return `${visible(file)}: ok\n`
  return problems.map((problem) => `${visible(problemLine(file, problem))}\n`).join('')
}

/** Exit 0 where every case comes out as expected, 1 where one does not. */
export async function test(name: string, options: Options & { readonly cases?: string }): Promise<void> {
  const context = processContext()
  const file = await findPolicy(name, [bundledPolicies()], context.cwd)
  const casesFile = options.cases ?? file.replace(/\.ya?ml$/, '.cases.yaml')
  const { policy } = await loadPolicies({ sources: [file], upstreams: upstreamsOf(context, options) })
  const reading = readCases(await casesText(casesFile))
  if (!reading.ok) {
    const [first] = reading.problems
    const lines = reading.problems.map((problem) => problemLine(casesFile, problem))
    throw new AegisError('config', lines.join('\n'), {
      path: first === undefined ? casesFile : `${casesFile}:${first.line}`,
    })
  }
  const results = runCases(policy, reading.cases)
  const failed = results.filter(({ passed }) => !passed)
  if (options.json) context.out(jsonText({ policy: policy.name, cases: results.length, failed: failed.map(failure) }))
  else {
    for (const one of failed) {
      context.out(`${visible(`${casesFile}:${one.case.at.line}: ${one.case.name}: ${one.difference ?? ''}`)}\n`)
    }
    context.out(`${policy.name}: ${results.length - failed.length} of ${results.length} cases as expected\n`)
  }
  if (failed.length > 0) process.exitCode = 1
}

function failure(result: CaseResult): JsonObject {
  const { name, at, expect } = result.case
  return { name, line: at.line, expect, got: result.decision?.verdict ?? null, difference: result.difference }
}

async function casesText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new AegisError('config', `cannot read the cases ${file}`, {
      path: file,
      cause,
      advice: 'write them beside the policy, or name them with --cases',
    })
  })
}

/** Exit 0 whatever the decision is: it was asked for, not enforced. Nothing is recorded and nothing runs. */
export async function explain(
  action: string,
  options: Options & { readonly policy?: readonly string[] },
): Promise<void> {
  const context = processContext()
  const sources = options.policy ?? loadConfig(context).policies
  const { policy } = await loadPolicies({ sources, upstreams: upstreamsOf(context, options), cwd: context.cwd })
  const none = { approval: { known: true, value: { status: 'none' } } } as const
  // Guards look at the time, which is now; what else they would look up is not known here.
  const envelope = policy.bind({ ...caseEnvelope(inputOf(action)), receivedAt: Date.now() }, none)
  const simulation = policy.simulate(envelope, none)
  const acts = envelope.action.acts.map(({ tool, capability, resource, doubt }) => ({
    tool,
    capability,
    target: resource.target,
    operands: resource.operands,
    doubt,
  }))
  if (options.json) context.out(jsonText(wire(simulation, acts)))
  else context.out(explanation(simulation, acts))
}

function inputOf(text: string): CaseInput {
  if (!text.trimStart().startsWith('{')) return { kind: 'shell', line: text }
  const claim = toClaim(parseStrict(text))
  if (claim !== null) return claim
  throw new AegisError('invalid_params', 'an action is {"protocol", "tool", "target"?, "capability"?, "parameters"?}', {
    advice: 'the story in the README shows some; anything that does not begin with { is read as a shell command line',
  })
}

type ShownAct = {
  readonly tool: string
  readonly capability: string
  readonly target: string
  readonly operands: readonly string[]
  readonly doubt: string | null
}

function wire({ decision, trace }: Simulation, acts: readonly ShownAct[]): Json {
  const { verdict, rule, reason, findings, blastRadius } = decision
  return {
    decision: verdict,
    matched_rule: rule.label,
    policy: rule.policy,
    reason,
    suggested_alternative: decision.verdict === 'block' ? decision.suggestion : null,
    blast_radius: blastRadius.level,
    findings: findings.map(({ source, name, verdict: one, reason: why }) => ({
      source,
      name,
      decision: one,
      reason: why,
    })),
    acts: acts.map((act) => ({ ...act })),
    trace: trace.map(({ act, policy, ruleIndex, rule: label, verdict: one, matched, failReason }) => ({
      act,
      policy,
      rule_index: ruleIndex,
      rule: label,
      decision: one,
      matched,
      fail_reason: failReason,
    })),
  }
}

function explanation({ decision, trace }: Simulation, acts: readonly ShownAct[]): string {
  const { verdict, rule, reason, blastRadius } = decision
  const lines = [`${verdict}  by ${rule.label} of ${rule.policy}`, `  reason: ${reason}`]
  if (decision.verdict === 'block' && decision.suggestion !== null) lines.push(`  instead: ${decision.suggestion}`)
  lines.push(`  blast radius: ${blastRadius.level}`)
  for (const [index, act] of acts.entries()) {
    lines.push('', `act ${index + 1}: ${act.tool} (${act.capability})  ${act.target}`)
    if (act.doubt !== null) lines.push(`  doubt: ${act.doubt}`)
    const tried = trace.filter((step) => step.act === index)
    const near = tried.filter(({ failReason }) => failReason === null || !/^(?:tool|protocol): /.test(failReason))
    if (near.length < tried.length) lines.push(`  ${tried.length - near.length} rules are for other tools`)
    for (const step of near) {
      const outcome = step.matched ? step.verdict : `no match: ${step.failReason ?? ''}`
      lines.push(`  ${step.policy} rule ${step.ruleIndex + 1}  ${step.rule}  ${outcome}`)
    }
  }
  return `${lines.map(visible).join('\n')}\n`
}

/** Upstreams whose tools are named after them. Without a configuration there are none. */
function upstreamsOf(context: Context, { upstreams }: Options): readonly string[] {
  if (upstreams !== undefined) return upstreams
  return namingUpstreams(loadConfig(context).upstreams)
}
