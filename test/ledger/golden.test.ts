import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { EnvelopeId, SessionId, Sha256 } from '../../src/core/ids.ts'
import { commitmentMac } from '../../src/ledger/commitment.ts'
import { prepareEntry } from '../../src/ledger/entry.ts'
import { genesis, leafHash } from '../../src/ledger/format/chain.ts'
import { createTally } from '../../src/ledger/format/manifest.ts'
import { readBundle } from '../../src/ledger/verify/read-bundle.ts'
import { verifyBundle } from '../../src/ledger/verify/verify-bundle.ts'

/** Frozen: a change of any value here is a new format version. `check-evidence.py` beside it computes the same with nothing of ours. */
const text = readFileSync(new URL('../vectors/evidence.json', import.meta.url), 'utf8')
const golden = JSON.parse(text)
const POLICY = 'ab'.repeat(32) as Sha256

function bodies(): string[] {
  const { origin, session } = golden
  const salt = Buffer.alloc(32, 7)
  const params = commitmentMac(salt, 'params', '{"path":"README.md"}')
  const common = { session: session as SessionId, ref: null, findings: [], reviewer: null, outcome: null, changes: [] }
  const actor = { agent: 'claude-code', subject: 'key_golden', tenant: 'default' }
  const id = (digit: number) => `00000000-0000-7000-8000-00000000000${digit}` as EnvelopeId
  const read = prepareEntry(
    {
      ...common,
      ...{ kind: 'allow', env: id(1), actor, effect: 'none', commitments: [] },
      action: { protocol: 'git', tool: 'github.get_file_contents', capability: 'read' },
      decision: { rule: 'git:github.get_*', policy: 'pr-writer', policySha256: POLICY },
      findings: [{ name: 'git:github.get_*', verdict: 'allow' }],
      blast: { level: 'low', score: 0 },
    },
    { log: origin, gateway: 'gw-golden', eid: id(8) },
    { params },
  )({ seq: 0, prev: genesis(origin, session), ts: '2026-04-06T14:22:00.000Z' })
  const approve = prepareEntry(
    {
      ...common,
      ...{ kind: 'approve', env: id(2), actor, effect: null, commitments: [], decision: null, blast: null },
      action: { protocol: 'git', tool: 'github.create_pull_request', capability: 'write' },
      reviewer: {
        ...{ principal: 'key_admin' as const, name: 'admin', claimed: 'älice "a"' },
        ...{ channel: 'cli', separation: 'none' },
      },
    },
    { log: origin, gateway: 'gw-golden', eid: id(9) },
    {},
  )({ seq: 1, prev: leafHash(read), ts: '2026-04-06T14:22:01.000Z' })
  return [read, approve]
}

describe('the golden vectors of aegis-evidence/1', () => {
  it('hold for genesis, bodies, hashes and manifest', () => {
    const made = bodies()
    expect(golden.genesis).toBe(genesis(golden.origin, golden.session))
    expect(made.map((body) => ({ body, hash: leafHash(body) }))).toEqual(golden.entries)
    const tally = createTally(golden.origin, golden.session, golden.genesis)
    tally.add('allow', leafHash(made[0] ?? ''))
    tally.add('approve', leafHash(made[1] ?? ''))
    expect({ ...tally.manifest(true, []) }).toEqual({ text: golden.manifest.body, hash: golden.manifest.hash })
  })

  it('verify as a bundle', () => {
    const bundle = {
      ...{ format: 'aegis-evidence-bundle/1', origin: golden.origin, session: golden.session },
      entries: golden.entries.map((entry: { body: string; hash: string }, n: number) => ({ n, ...entry })),
      manifest: { n: null, ...golden.manifest },
      disclosures: [{ n: 0, ...golden.disclosure }],
    }
    expect(verifyBundle(readBundle(JSON.stringify(bundle)))).toMatchObject({
      valid: true,
      findings: [],
      totalEntries: 2,
    })
  })

  it('are what a second implementation in another language computes', (context) => {
    const script = fileURLToPath(new URL('../vectors/check-evidence.py', import.meta.url))
    const { status, stdout, stderr, error } = spawnSync('python3', [script], { encoding: 'utf8' })
    if (error !== undefined) context.skip('python3 is not installed')
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ok\n', stderr: '' })
  })
})
