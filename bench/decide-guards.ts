/** All guards together over a push of 50 files and 5,000 lines: `node dist/bench/decide-guards.js`. The goal is under 5 ms. */

import { describeUpstreamCall } from '../src/core/catalog/index.ts'
import type { ActionEnvelope } from '../src/core/envelope.ts'
import type { ChangesFact, Facts } from '../src/core/facts.ts'
import type { EnvelopeId, Principal, SessionId } from '../src/core/ids.ts'
import { compilePolicy } from '../src/core/policy/index.ts'
import { readPolicyText } from '../src/policy-set/index.ts'
import { quantile, round } from './load.ts'

const POLICY = `
version: 1
name: bench
default_decision: review
rules: [{ protocol: git, tool: "github.*", decision: allow }]
guards:
  protected_branches: { github: true }
  freeze_windows: [{ timezone: Europe/Berlin, days: [fri], from: "16:00" }]
  branch_naming: on
  mandatory_pr: on
  autonomous_merge: on
  ci_required: on
  repo_allowlist: ["acme/*"]
  sensitive_paths: review
  secrets: block
  blast_radius: on
  repo_taint: on
`
const FILES = 50
const LINES = 100
const ROUNDS = 300

/** Code as agents write it: 43 characters a line, a word such as \`token\` in one of ten. */
function content(file: number): string {
  return Array.from({ length: LINES }, (_, line) =>
    line % 10 === 0
      ? `  const token = await session.token(${file}, ${line})\n`
      : `  const value${line} = compute(input, ${line + file})\n`,
  ).join('')
}

/** A call of its own each time: what was found in one call's arguments is remembered for that call. */
function envelope(): ActionEnvelope {
  const files = Array.from({ length: FILES }, (_, at) => ({ path: `src/module-${at}/index.ts`, content: content(at) }))
  const parameters = { owner: 'acme', repo: 'app', branch: 'aegis/bench/x', message: 'm', files }
  const described = describeUpstreamCall({ upstream: 'github', catalog: 'github', tool: 'push_files', parameters })
  const { protocol, tool, capability, acts, resource } = described
  const subject = {
    principal: 'key_bench' as Principal,
    owner: '',
    agent: 'bench',
    session: 'key_bench/bench' as SessionId,
  }
  return {
    id: '00000000-0000-7000-8000-000000000001' as EnvelopeId,
    receivedAt: Date.parse('2026-11-18T12:00:00Z'),
    surface: 'mcp',
    subject: { ...subject, role: 'agent' },
    action: { protocol, tool, capability, parameters: described.parameters, route: null, acts },
    resource,
    task: null,
    justification: null,
    approvalRef: null,
  }
}

const changes: ChangesFact = {
  complete: true,
  files: Array.from({ length: FILES }, (_, at) => ({
    path: `src/module-${at}/index.ts`,
    previousPath: null,
    status: 'modified',
    additions: LINES,
    deletions: 0,
    added: content(at),
  })),
}
const facts: Facts = { changes: { known: true, value: changes } }

const reading = readPolicyText(POLICY, 'bench.yaml', null)
if (!reading.ok) throw new Error(JSON.stringify(reading.problems.slice(0, 3)))
const policy = compilePolicy([reading.document])
const times: number[] = []
for (let at = 0; at < ROUNDS; at++) {
  const asked = envelope()
  const start = performance.now()
  policy.factsNeeded(asked)
  policy.decide(asked, facts)
  times.push(performance.now() - start)
}
const warm = times.slice(ROUNDS / 3).sort((a, b) => a - b)
const ms = (part: number) => round(quantile(warm, part))
console.table({
  'all guards, ms': { least: ms(0), p50: ms(0.5), p90: ms(0.9), p99: ms(0.99), first: round(times[0] ?? 0) },
})
