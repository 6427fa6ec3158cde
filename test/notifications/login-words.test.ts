import { expect, it } from 'vitest'
import { approvalMessage } from '../../src/admin/slack/message.ts'
import type { Approval, Reviewer } from '../../src/core/approval.ts'
import type { Principal } from '../../src/core/ids.ts'
import { over } from '../../src/entrances/mcp/modern/review-task-wire.ts'
import { approvalLine, verdictOf } from '../../src/notifications/github/words.ts'
import { pendingApproval } from '../support/drafts.ts'

const MALLORY: Reviewer = {
  ...{ principal: 'oidc:0123456789ab:mallory-1' as Principal, owner: 'mallory@example.com' },
  ...{ name: 'mallory@example.com', claimed: 'admin', channel: 'slack', separation: 'host' },
}

function denied(reviewer: Reviewer): Approval {
  return pendingApproval({ status: 'denied', resolution: { reviewer, comment: '', at: 1 } })
}

it('Slack names a login by its owner, and says that it is one', () => {
  const told = JSON.stringify(approvalMessage(denied(MALLORY), 'http://127.0.0.1:8081/approvals/1'))
  expect(told).toContain('login mallory@example.com (as admin)')
})

it('pull requests and agents are told that it was a login, and not its address', () => {
  const approval = denied(MALLORY)
  const told = [verdictOf(approval).title, approvalLine(approval), JSON.stringify(over(approval))]
  for (const text of told) {
    expect(text).toContain('login admin')
    expect(text).not.toContain('mallory@example.com')
  }
  const key = { ...MALLORY, principal: 'key_1' as Principal, name: 'admin', claimed: null }
  expect(verdictOf(denied(key)).title).toBe('denied by admin')
})
