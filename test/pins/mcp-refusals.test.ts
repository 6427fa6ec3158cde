import { expect, it } from 'vitest'
import { refusalOf, waitingOf } from '../../src/entrances/mcp/refusals.ts'
import type { Reply } from '../../src/gateway/reply.ts'
import { openDoor } from '../support/mcp-door.ts'

// The very words that agents read and scripts match: a change here breaks clients.

const ID = 'c4d7e2f1-8a3b-4c92-b6e0-1f5a8d9c3b47'

async function replyTo<Kind extends Reply['kind']>(tool: string, kind: Kind): Promise<Extract<Reply, { kind: Kind }>> {
  const door = openDoor({ github: { tools: { [tool]: () => ({}) } } })
  await door.app.request('/mcp/github', {
    method: 'POST',
    headers: { host: 'localhost', authorization: 'Bearer agent-key-0001', 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool } }),
  })
  const [call] = door.calls
  if (call === undefined) throw new Error('the call did not arrive')
  const reply = await door.gateway.handle(call, new AbortController().signal)
  if (reply.kind !== kind) throw new Error(`expected ${kind}, got ${reply.kind}`)
  return reply as Extract<Reply, { kind: Kind }>
}

it('says of a blocked call what blocked it, why, and what to do instead', async () => {
  const reply = await replyTo('blocked_rm', 'refused')
  const refusal = refusalOf({
    ...reply,
    envelope: {
      ...reply.envelope,
      id: ID as typeof reply.envelope.id,
      action: { ...reply.envelope.action, tool: 'shell.rm' },
    },
    decision: {
      ...reply.decision,
      rule: { policy: 'pr-writer', index: 3, label: 'shell:shell.rm' },
      reason: 'destructive shell command',
      suggestion: 'use git clean -fdx via shell.git',
    },
  })
  expect(refusal).toEqual({
    code: -32001,
    message:
      'policy: shell.rm is blocked by pr-writer policy: destructive shell command. Try: use git clean -fdx via shell.git',
    data: {
      envelope_id: ID,
      reason: 'destructive shell command',
      suggested_alternative: 'use git clean -fdx via shell.git',
      matched_rule: 'shell:shell.rm',
    },
  })
})

it('leaves out the alternative where there is none', async () => {
  const reply = await replyTo('blocked_rm', 'refused')
  const refusal = refusalOf({ ...reply, decision: { ...reply.decision, suggestion: null } })
  expect(refusal.message).toBe('policy: github.blocked_rm is blocked by pr-writer policy: not on this list')
  expect(refusal.data).not.toHaveProperty('suggested_alternative')
})

it('says of a waiting call who can approve it, where, and what to do then', async () => {
  const reply = await replyTo('review_pr', 'parked')
  const id = ID as typeof reply.approval.id
  const approval = { ...reply.approval, id, queuedAt: Date.parse('2026-04-06T14:24:18Z') }
  expect(waitingOf({ ...reply, approval }, 'http://localhost:8081')).toEqual({
    code: -32002,
    message:
      `approval required: github.review_pr is queued for human review as ${ID}. ` +
      `Ask a reviewer (http://localhost:8081/admin/v1/approvals/${ID}), then call it again unchanged`,
    data: {
      envelope_id: ID,
      approval_url: `http://localhost:8081/admin/v1/approvals/${ID}`,
      queued_at: '2026-04-06T14:24:18.000Z',
      retry: 'unchanged',
    },
  })
})

it('says the same of a waiting request that calls no tool with -32001, for -32002 means "resource not found" there', async () => {
  const reply = await replyTo('review_pr', 'parked')
  const { action } = reply.envelope
  const route = { upstream: 'github', tool: 'resources/read', request: 'resources/read' } as const
  const envelope = { ...reply.envelope, action: { ...action, tool: 'github.resources.read', route } }
  expect(waitingOf({ ...reply, envelope }, 'http://localhost:8081')).toMatchObject({
    code: -32001,
    message: expect.stringContaining('approval required: github.resources.read is queued for human review'),
    data: { status: 'pending_approval', retry: 'unchanged' },
  })
})
