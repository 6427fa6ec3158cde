import { randomBytes } from 'node:crypto'
import type { Approval, Reviewer } from '../../src/core/approval.ts'
import { DEFAULT_TERMS } from '../../src/core/decision.ts'
import { type EnvelopeId, type Principal, type SessionId, type Sha256, uuidv7 } from '../../src/core/ids.ts'
import type { Clock, Random } from '../../src/core/runtime.ts'
import type { EntryDraft } from '../../src/ledger/draft.ts'

export const random: Random = { bytes: (count) => randomBytes(count) }

/** A clock that stands still until it is told to go on. */
export function frozenClock(start = Date.parse('2026-04-06T14:22:00Z')): Clock & { advance(by: number): void } {
  let now = start
  return {
    now: () => now,
    elapsed: () => now,
    advance(by) {
      now += by
    },
  }
}

export const SESSION = 'key_a1/sess-2026-04-06-1422' as SessionId
export const POLICY_HASH = 'ab'.repeat(32) as Sha256

export function newId(): EnvelopeId {
  return uuidv7(Date.now(), random)
}

/** A plain allowed read that nothing runs. */
export function draft(changes: Partial<EntryDraft> = {}): EntryDraft {
  return {
    kind: 'allow',
    session: SESSION,
    env: newId(),
    ref: null,
    actor: { agent: 'claude-code', subject: 'key_a1', tenant: 'default' },
    action: { protocol: 'git', tool: 'github.get_file_contents', capability: 'read' },
    decision: { rule: 'git:github.get_*', policy: 'pr-writer', policySha256: POLICY_HASH },
    effect: 'none',
    findings: [],
    blast: { level: 'low', score: 5 },
    reviewer: null,
    outcome: null,
    commitments: [],
    changes: [],
    ...changes,
  }
}

export function committed(value: string): EntryDraft['commitments'] {
  return [{ path: 'params', salt: randomBytes(32), value: { title: value } }]
}

export const ALICE: Reviewer = {
  principal: 'key_admin' as Principal,
  name: 'admin',
  owner: 'alice',
  claimed: 'alice',
  channel: 'cli',
  separation: 'none',
}

/** A pending approval of one pull request. */
export function pendingApproval(changes: Partial<Approval> = {}): Approval {
  return {
    id: newId(),
    status: 'pending',
    digest: randomBytes(32).toString('hex') as Sha256,
    principal: 'key_a1' as Principal,
    owner: 'agent:claude',
    session: SESSION,
    agent: 'claude-code',
    protocol: 'git',
    tool: 'github.create_pull_request',
    capability: 'write',
    target: 'aegisflow/aegisflow',
    upstream: 'github',
    remoteTool: 'create_pull_request',
    parameters: { title: 'fix', head: 'feat/x', base: 'main' },
    salts: { params: 'aa'.repeat(32) },
    blast: 'medium',
    findings: [],
    matchedRule: 'git:github.create_pull_request',
    policy: 'pr-writer',
    policySha256: POLICY_HASH,
    terms: DEFAULT_TERMS,
    justification: null,
    queuedAt: 1000,
    expiresAt: 10_000,
    votes: [],
    resolution: null,
    ...changes,
  }
}
