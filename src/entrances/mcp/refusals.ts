import { rfc3339 } from '../../core/runtime.ts'
import { codePoint, showHidden } from '../../core/visible-text.ts'
import type { Outcome } from '../../gateway/ports.ts'
import type { Refusal, Reply } from '../../gateway/reply.ts'

/** A refusal as JSON-RPC error, for the revisions with a handshake. */
export function refusalError(refusal: Refusal): Outcome {
  return { kind: 'error', error: refusal }
}

/** A refusal as the result of a tool: in revision 2026-07-28 no error code may say it ("Error Codes"). */
export function refusalResult({ message, data }: Refusal): Outcome {
  const content = [{ type: 'text', text: message }]
  return { kind: 'result', result: { resultType: 'complete', content, structuredContent: data, isError: true } }
}

/**
 * What a refused call says to the model. Everything it needs stands in `message`, for clients drop `data`; the same in
 * structure stands in `data`. Pinned by `test/pins/mcp-refusals.test.ts`.
 */
export function refusalOf(reply: Extract<Reply, { kind: 'refused' }>): Refusal {
  const { decision, envelope } = reply
  const cause = `policy: ${visible(envelope.action.tool)} is blocked by ${decision.rule.policy} policy: ${decision.reason}`
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
  // For anything but a tool, -32002 means "resource not found" (MCP 2025-11-25, "Resources").
  const isTool = envelope.action.route?.request === undefined
  return {
    code: isTool ? -32002 : -32001,
    message:
      `approval required: ${visible(envelope.action.tool)} is queued for human review as ${approval.id}. ` +
      `Ask a reviewer (${url}), then call it again unchanged`,
    data: {
      ...(isTool ? {} : { status: 'pending_approval' }),
      envelope_id: approval.id,
      approval_url: url,
      queued_at: rfc3339(approval.queuedAt),
      retry: 'unchanged',
    },
  }
}

/** The name is the agent's: a person may read it in a terminal that obeys what it holds. */
function visible(name: string): string {
  return showHidden(name, (character) => `[${codePoint(character)}]`)
}
