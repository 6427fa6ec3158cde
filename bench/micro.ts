/** The parts by themselves: decisions, appends, verification. */

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '../src/compose/system.ts'
import { describeUpstreamCall } from '../src/core/catalog/index.ts'
import type { ActionEnvelope } from '../src/core/envelope.ts'
import { type Principal, type SessionId, uuidv7 } from '../src/core/ids.ts'
import { type CompiledPolicy, compilePolicy } from '../src/core/policy/index.ts'
import type { EntryDraft } from '../src/ledger/draft.ts'
import { openLedger } from '../src/ledger/ledger.ts'
import { readPolicyText } from '../src/policy-set/index.ts'
import { openStores } from '../src/store/open.ts'
import { quantile, round } from './load.ts'

const clock = systemClock()
const random = systemRandom()

/** A policy of `count` rules of which the last ones decide: the worst case of a list read from the top. */
function policyOf(count: number): CompiledPolicy {
  const rules = Array.from({ length: count - 2 }, (_, i) => {
    const decision = ['allow', 'review', 'block'][i % 3] ?? 'allow'
    return `  - { protocol: git, tool: "github.tool_${i}_*", target: "org${i % 7}/**", decision: ${decision} }`
  })
  const text = [
    'version: 1',
    'name: bench',
    'default_decision: review',
    'rules:',
    ...rules,
    '  - { protocol: git, tool: github.push_files, branch: ["agent/**", "feat/**"], decision: allow }',
    '  - { protocol: git, tool: "github.get_*", decision: allow }',
  ].join('\n')
  const reading = readPolicyText(text, 'bench.yaml', null)
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems.slice(0, 3)))
  return compilePolicy([reading.document])
}

function envelopes(): ActionEnvelope[] {
  const calls = [
    { tool: 'get_file_contents', parameters: { owner: 'acme', repo: 'app', path: 'src/a.ts' } },
    {
      tool: 'push_files',
      parameters: {
        owner: 'acme',
        repo: 'app',
        branch: 'feat/x',
        files: [{ path: 'a.ts', content: '' }],
        message: 'm',
      },
    },
    { tool: 'list_issues', parameters: { owner: 'acme', repo: 'app' } },
  ]
  return calls.map(({ tool, parameters }) => {
    const described = describeUpstreamCall({ upstream: 'github', catalog: 'github', tool, parameters })
    const { protocol, tool: canonical, capability, acts, resource } = described
    const principal = 'key_bench' as Principal
    return {
      id: uuidv7(clock.now(), random),
      receivedAt: clock.now(),
      surface: 'mcp',
      subject: { principal, owner: '', role: 'agent', agent: 'bench', session: 'key_bench/s' as SessionId },
      action: {
        protocol,
        tool: canonical,
        capability,
        parameters: described.parameters,
        route: { upstream: 'github', tool },
        acts,
      },
      resource,
      task: null,
      justification: null,
      approvalRef: null,
    }
  })
}

/** Microseconds a decision, median of many batches. */
export function decideMicroseconds(rules: number): number {
  const policy = policyOf(rules)
  const inputs = envelopes()
  const batches: number[] = []
  const size = 2000
  for (let batch = 0; batch < 60; batch++) {
    const start = performance.now()
    for (let i = 0; i < size; i++) {
      const envelope = inputs[i % inputs.length]
      if (envelope !== undefined) policy.decide(envelope, {})
    }
    batches.push(((performance.now() - start) * 1000) / size)
  }
  return round(
    quantile(
      batches.sort((a, b) => a - b),
      0.5,
    ),
  )
}

export function draft(session: string): EntryDraft {
  return {
    kind: 'allow',
    session: session as SessionId,
    env: uuidv7(clock.now(), random),
    ref: null,
    actor: { agent: 'bench', subject: 'key_bench', tenant: 'default' },
    action: { protocol: 'git', tool: 'github.get_file_contents', capability: 'read' },
    decision: {
      rule: 'git:github.get_*',
      policy: 'bench',
      policySha256: '0'.repeat(64) as EntryDraft['decision'] extends { policySha256: infer S } | null ? S : never,
    },
    effect: 'none',
    findings: [{ name: 'git:github.get_*', verdict: 'allow' }],
    blast: { level: 'low', score: 5 },
    reviewer: null,
    outcome: null,
    commitments: [
      {
        path: 'params',
        salt: random.bytes(32),
        value: { owner: 'acme', repo: 'app', path: 'src/a.ts', message: 'a'.repeat(500) },
      },
    ],
    changes: [],
  }
}

export interface LedgerFigures {
  readonly append_per_s: number
  readonly bare_sync_per_s: number
  readonly verify_per_s: number
}

/** Appends by 64 callers through the real store, beside bare write+fdatasync of the same groups; then a strict verification. */
export async function ledgerFigures(entries: number): Promise<LedgerFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-bench-'))
  try {
    const stores = await openStores(join(folder, 'ledger.db'))
    const ledger = await openLedger({ store: stores.ledger, clock, random, gateway: 'bench' })
    const session = 'key_bench/bench'
    let left = entries
    const start = performance.now()
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        while (left-- > 0) await ledger.append(draft(session))
      }),
    )
    const append = entries / ((performance.now() - start) / 1000)
    const before = performance.now()
    const report = await ledger.verify(session)
    const verify = report.totalEntries / ((performance.now() - before) / 1000)
    if (!report.valid) throw new Error('the bench ledger does not verify')
    await ledger.close()
    await stores.close()
    return {
      append_per_s: Math.round(append),
      bare_sync_per_s: Math.round(bareSync(join(folder, 'bare'), entries)),
      verify_per_s: Math.round(verify),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function bareSync(path: string, entries: number): number {
  const file = openSync(path, 'w')
  const group = Buffer.alloc(64 * 1200, 97)
  const groups = Math.ceil(entries / 64)
  const start = performance.now()
  for (let i = 0; i < groups; i++) {
    writeSync(file, group)
    fdatasyncSync(file)
  }
  const seconds = (performance.now() - start) / 1000
  closeSync(file)
  return (groups * 64) / seconds
}
