import type { Approval } from '../../src/core/approval.ts'
import { DEFAULT_TERMS } from '../../src/core/decision.ts'
import { type Principal, type Sha256, sessionId, uuidv7 } from '../../src/core/ids.ts'
import { systemRandom } from './world.ts'

/** An approval that was given just now, for a call of a tool with the argument `path: a`. */
export function runningApproval(about: {
  readonly principal: Principal
  readonly upstream: string
  readonly remoteTool: string
  readonly now: number
}): Approval {
  const { principal, upstream, remoteTool, now } = about
  const none = '0'.repeat(64) as Sha256
  return {
    id: uuidv7(now, systemRandom),
    status: 'approved',
    digest: none,
    principal,
    owner: '',
    session: sessionId(principal, 'tasks'),
    agent: 'test',
    protocol: 'mcp',
    tool: `${upstream}.${remoteTool}`,
    capability: 'write',
    target: upstream,
    upstream,
    remoteTool,
    parameters: { path: 'a' },
    salts: {},
    blast: 'low',
    findings: [],
    matchedRule: 'mcp:*',
    policy: 'test',
    policySha256: none,
    terms: DEFAULT_TERMS,
    justification: null,
    queuedAt: now,
    expiresAt: now + 900_000,
    votes: [],
    resolution: null,
  }
}
