import type { Approval, Reviewer } from '../core/approval.ts'
import type { Decision } from '../core/decision.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import { AegisError, asAegisError, ERROR_CODES, type ErrorCode } from '../core/errors.ts'
import { sessionLabel } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Simulation } from '../core/policy/compiled.ts'
import { answerableName, isLogin, reviewerName } from '../core/reviewer-name.ts'
import { rfc3339 } from '../core/runtime.ts'
import { outcomeStatus, structuredResult } from '../gateway/outcome.ts'
import type { Outcome } from '../gateway/ports.ts'
import type { Reply } from '../gateway/reply.ts'
import type { GrantRecord, LedgerEntry } from '../ledger/draft.ts'

/** The wire's shapes, snake_case. Pinned by `test/pins/rest.test.ts`. */

/** Seconds a lent credential lives at most, whatever its issuer allows. */
const CREDENTIAL_SECONDS = 600

export function actionReply(reply: Reply, adminUrl: string): JsonObject {
  const head = { ...decided(reply.decision, reply.envelope), evidence_hash: reply.entry.hash }
  switch (reply.kind) {
    case 'decided':
      return head
    case 'refused':
      return { ...head, error: blockError(reply) }
    case 'parked':
      return { ...head, error: reviewError(reply.approval, adminUrl) }
    case 'done':
      return {
        ...head,
        ...(reply.grant === null ? {} : { credential: credentialWire(reply.grant) }),
        outcome: outcomeStatus(reply.outcome),
        result: resultWire(reply.envelope.action.tool, reply.outcome),
      }
    default:
      return reply satisfies never
  }
}

function decided(decision: Decision, { id, plan }: ActionEnvelope) {
  return {
    envelope_id: id,
    decision: decision.verdict,
    matched_rule: decision.rule.label,
    policy: decision.rule.policy,
    blast_radius: decision.blastRadius.level,
    blast_score: decision.blastRadius.score,
    blast_reasons: decision.blastRadius.reasons,
    findings: findingsWire(decision),
    ...(plan === undefined ? {} : { rewritten_to: planWire(plan) }),
  }
}

/** What runs in place of what was asked. */
function planWire({ branch, base, title, body }: NonNullable<Approval['plan']>): JsonObject {
  return { pull_request: { title, body, head: branch, base } }
}

function findingsWire(decision: Decision): Json {
  return decision.findings.map(({ source, name, verdict, reason }) => ({ source, name, verdict, reason }))
}

function blockError(reply: Extract<Reply, { kind: 'refused' }>): JsonObject {
  const { decision, envelope } = reply
  const suggestion = decision.suggestion === null ? {} : { suggested_alternative: decision.suggestion }
  return {
    code: ERROR_CODES.blocked.rpc,
    message: `policy: ${envelope.action.tool} is blocked by ${decision.rule.policy} policy`,
    data: { reason: decision.reason, ...suggestion },
  }
}

function reviewError(approval: Approval, adminUrl: string): JsonObject {
  return {
    code: ERROR_CODES.approval_required.rpc,
    message: 'approval required: action queued for human review',
    data: { approval_url: approvalUrl(adminUrl, approval.id), queued_at: rfc3339(approval.queuedAt) },
  }
}

export function approvalUrl(adminUrl: string, id: string): string {
  return `${adminUrl}/admin/v1/approvals/${id}`
}

function credentialWire(grant: GrantRecord): JsonObject {
  const lifetime = Math.round((grant.expiresAt - grant.issuedAt) / 1000)
  return { type: grant.type, scope: grant.scope, expires_in: Math.min(lifetime, CREDENTIAL_SECONDS) }
}

/** A pull request as `{pr_url, pr_number}`; anything else as the upstream structured it. */
function resultWire(tool: string, outcome: Outcome): Json {
  if (outcome.kind === 'error') return { error: { code: outcome.error.code, message: outcome.error.message } }
  const structured = structuredResult(outcome)
  if (tool === 'github.create_pull_request' && structured !== null && outcomeStatus(outcome) === 'ok') {
    const { html_url, number } = structured
    if (html_url !== undefined && number !== undefined) return { pr_url: html_url, pr_number: number }
  }
  return structured ?? outcome.result
}

export function approvalWire(approval: Approval): JsonObject {
  const settled = approval.resolution
  return {
    envelope_id: approval.id,
    status: approval.status,
    actor: { agent: approval.agent, session: sessionLabel(approval.session), principal: approval.principal },
    protocol: approval.protocol,
    tool: approval.tool,
    target: approval.target,
    ...(approval.plan === undefined ? {} : { rewritten_to: planWire(approval.plan) }),
    ...(approval.head === undefined ? {} : { head_sha: approval.head }),
    parameters: approval.parameters,
    blast_radius: approval.blast,
    ...(approval.risk === undefined ? {} : { blast_score: approval.risk.score, blast_reasons: approval.risk.reasons }),
    ...(approval.onto === undefined ? {} : { base: approval.onto }),
    findings: approval.findings.map(({ name, verdict, reason }) => ({
      name,
      verdict,
      ...(reason === undefined ? {} : { reason }),
    })),
    matched_rule: approval.matchedRule,
    policy: approval.policy,
    queued_at: rfc3339(approval.queuedAt),
    expires_at: rfc3339(approval.expiresAt),
    justification: approval.justification,
    reviewers_needed: Math.max(0, approval.terms.reviewers - approval.votes.length),
    ...termsWire(approval),
    ...(settled === null
      ? {}
      : {
          reviewer: spokenName(settled.reviewer),
          principal: settled.reviewer.principal,
          comment: settled.comment,
          resolved_at: rfc3339(settled.at),
        }),
  }
}

/** What the policy asks of reviewers beyond their number; nothing where it asks for nothing more. */
function termsWire({ terms, votes, resolution }: Approval): JsonObject {
  const { from, role, repeat, notAuthor } = terms
  const spokenFor = votes.flatMap(({ reviewer, onBehalfOf }) =>
    onBehalfOf === undefined ? [] : [{ reviewer: answerableName(reviewer), for: onBehalfOf.owner }],
  )
  return {
    ...(from === undefined ? {} : { reviewers_from: from.map((names) => [...names]) }),
    ...(role === undefined ? {} : { reviewer_role: role }),
    ...(notAuthor === undefined ? {} : { not_author: true }),
    ...(repeat === undefined ? {} : { repeat_seconds: repeat }),
    ...(resolution?.repeat === undefined ? {} : { repeating: true }),
    ...(spokenFor.length === 0 ? {} : { on_behalf: spokenFor }),
  }
}

/** As the reviewer calls themselves, where a key stands behind it; a login is called one. */
function spokenName(reviewer: Reviewer): string {
  return isLogin(reviewer.principal) ? reviewerName(reviewer) : (reviewer.claimed ?? reviewer.name)
}

function isRepeated({ resolution }: Approval): boolean {
  return resolution?.repeat !== undefined
}

export function resolutionWire(
  approval: Approval,
  verb: 'approve' | 'deny',
  comment: string,
  entry: LedgerEntry,
): JsonObject {
  const vote = approval.votes.at(-1)
  const reviewer = approval.resolution?.reviewer ?? vote?.reviewer
  const at = rfc3339(approval.resolution?.at ?? vote?.at ?? Date.parse(entry.ts))
  return {
    envelope_id: approval.id,
    status: approval.status,
    reviewer: reviewer === undefined ? null : spokenName(reviewer),
    principal: reviewer?.principal ?? null,
    channel: reviewer?.channel ?? null,
    separation: reviewer?.separation ?? null,
    ...(verb === 'approve' ? { approved_at: at } : { denied_at: at }),
    comment,
    ...(approval.status === 'approved'
      ? { expires_at: rfc3339(approval.expiresAt), repeats: isRepeated(approval) }
      : {}),
    ...(approval.status === 'pending' ? { reviewers_needed: approval.terms.reviewers - approval.votes.length } : {}),
    evidence_hash: entry.hash,
  }
}

export function simulationWire({
  decision,
  trace,
  envelope,
}: Simulation & { readonly envelope: ActionEnvelope }): JsonObject {
  return {
    ...decided(decision, envelope),
    reason: decision.reason,
    trace: trace.map((step) => ({
      act: step.act,
      policy: step.policy,
      rule_index: step.ruleIndex,
      rule: step.rule,
      decision: step.verdict,
      matched: step.matched,
      fail_reason: step.failReason,
    })),
  }
}

const TYPES: Partial<Record<ErrorCode, string>> = {
  invalid_params: 'invalid_request',
  parse_error: 'invalid_request',
  unauthenticated: 'authentication_error',
  evidence_unavailable: 'service_unavailable',
  internal: 'server_error',
}

/** `{"error": {"code", "type", "message", "path"?, "advice"?}}`; `code` is the HTTP status, or ours where a client must tell it apart. */
export function errorWire(error: unknown): { status: number; body: JsonObject } {
  const known = error instanceof AegisError ? error : asAegisError(error)
  const { http, rpc } = ERROR_CODES[known.code]
  const ours =
    known.code === 'evidence_unavailable' || known.code === 'no_upstream' || known.code === 'upstream_unreachable'
  return {
    status: http,
    body: {
      error: {
        code: ours ? rpc : http,
        type: TYPES[known.code] ?? known.code,
        // An unforeseen error may quote anything: its text stays in the log.
        message:
          known.code === 'internal' ? 'something went wrong inside Aegis; the log has the details' : known.message,
        ...(known.path === null ? {} : { path: known.path }),
        ...(known.advice === null ? {} : { advice: known.advice }),
      },
    },
  }
}
