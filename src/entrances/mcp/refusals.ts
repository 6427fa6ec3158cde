import { rfc3339 } from '../../core/runtime.ts'
import type { Refusal, Reply } from '../../gateway/reply.ts'

/**
 * What a refused call says to the model. Everything it needs stands in `message`, for clients drop `data`; the same in
 * structure stands in `data`. Pinned by `test/pins/mcp-refusals.test.ts`.
 */
export function refusalOf(reply: Extract<Reply, { kind: 'refused' }>): Refusal {
  const { decision, envelope } = reply
  const cause = `policy: ${envelope.action.tool} is blocked by ${decision.rule.policy} policy: ${decision.reason}`
  return {
    code: -32001,
    message: decision.suggestion === null ? cause : `${cause}. Try: ${decision.suggestion}`,
    data: {
      envelope_id: envelope.id,
      reason: decision.reason,
      ...(decision.suggestion === null ? {} : { suggested_alternative: decision.suggestion }),
      matched_rule: decision.rule.label,
    },
  }
}

/** What a call that waits for a person says. The identical call, made again after the approval, redeems it. */
export function waitingOf(reply: Extract<Reply, { kind: 'parked' }>, adminUrl: string): Refusal {
  const { approval, envelope } = reply
  const url = `${adminUrl}/admin/v1/approvals/${approval.id}`
  return {
    code: -32002,
    message:
      `approval required: ${envelope.action.tool} is queued for human review as ${approval.id}. ` +
      `Ask a reviewer (${url}), then call it again unchanged`,
    data: { envelope_id: approval.id, approval_url: url, queued_at: rfc3339(approval.queuedAt), retry: 'unchanged' },
  }
}
