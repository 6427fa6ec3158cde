import type { Approval, ApprovalChange, Reviewer, Vote } from '../core/approval.ts'
import type { Decision } from '../core/decision.ts'
import type { ActionEnvelope, Plan } from '../core/envelope.ts'
import type { EnvelopeId } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import type { Random } from '../core/runtime.ts'
import type { Commitment, Committed, DraftOutcome, Effect, EntryDraft, EntryKind } from '../ledger/draft.ts'
import { REPEAT_FINDING } from '../ledger/format/version.ts'

/** Single tenant until rooms arrive; the field is part of the entry format from the first entry on. */
const TENANT = 'default'
const SALT_BYTES = 32

export type Salts = Readonly<Record<string, string>>

const SALTED = ['params', 'target', 'justification', 'plan'] as const satisfies readonly Committed[]

/** One random salt for each committed value of an envelope, as hex. */
export function freshSalts(random: Random): Salts {
  const bytes = random.bytes(SALT_BYTES * SALTED.length)
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return Object.fromEntries(SALTED.map((path, i) => [path, hex.slice(i * 2 * SALT_BYTES, (i + 1) * 2 * SALT_BYTES)]))
}

/** The entry of a decision: what was asked, what was decided and why, and the approval it parks or redeems. */
export function decisionDraft(
  envelope: ActionEnvelope,
  decision: Decision,
  more: { effect: Effect; ref: EnvelopeId | null; salts: Salts; changes: readonly ApprovalChange[] },
): EntryDraft {
  const { rule, policySha256, blastRadius } = decision
  return {
    ...common(envelope, decision.verdict, more.ref),
    decision: { rule: rule.label, policy: rule.policy, policySha256 },
    effect: more.effect,
    findings: decision.findings.map(({ name, verdict }) => ({ name, verdict })),
    blast: { level: blastRadius.level, score: blastRadius.score },
    commitments: [
      commitment('params', envelope.action.parameters, more.salts),
      // Over MCP the target is taken from the arguments alone, so that they commit to it.
      ...(envelope.surface === 'mcp' ? [] : [commitment('target', envelope.resource.target, more.salts)]),
      // What runs is not what was asked: the entry commits to both.
      ...(envelope.plan === undefined ? [] : [commitment('plan', planValue(envelope.plan), more.salts)]),
      ...(envelope.justification === null ? [] : [commitment('justification', envelope.justification, more.salts)]),
    ],
    changes: more.changes,
  }
}

/** The plan as it is committed to: its files are the parameters', by path. */
function planValue({ kind, repository, branch, base, message, title, body, files }: Plan): Json {
  const { owner, name } = repository
  return {
    kind,
    repository: `${owner}/${name}`,
    branch,
    base,
    message,
    title,
    body,
    paths: files.map(({ path }) => path),
  }
}

/** The entry of what came of a forwarded action. */
export function resultDraft(
  envelope: ActionEnvelope,
  outcome: DraftOutcome,
  result: Json,
  random: Random,
  changes: readonly ApprovalChange[] = [],
): EntryDraft {
  return {
    ...common(envelope, 'result', null),
    outcome,
    commitments: [{ path: 'result', salt: random.bytes(SALT_BYTES), value: result }],
    changes,
  }
}

/** The entry of a reviewer's word, or of the asker's that takes the question back, in the chain of the session that asked. */
export function resolutionDraft(
  approval: Approval,
  change: ApprovalChange,
  comment: string,
  random: Random,
): EntryDraft {
  const reviewer = change.kind === 'approve' || change.kind === 'deny' ? change.vote.reviewer : null
  const kind = change.kind === 'approve' || change.kind === 'deny' ? change.kind : 'expire'
  return {
    kind,
    session: approval.session,
    env: approval.id,
    ref: null,
    actor: { ...speaker(approval, change, reviewer), tenant: TENANT },
    action: { protocol: approval.protocol, tool: approval.tool, capability: approval.capability },
    decision: null,
    effect: null,
    // As the verifier reads it: from here on the approval may be used more than once, for so many seconds.
    findings:
      change.kind === 'approve' && change.repeat !== undefined
        ? [{ name: `${REPEAT_FINDING}${change.repeat}`, verdict: 'allow' }]
        : [],
    blast: null,
    reviewer: reviewer === null ? null : printableReviewer(reviewer, onBehalfOf(change)),
    outcome: null,
    // The approval's own salts: equal commitments show that what was approved is what was asked, and what will run.
    commitments: [
      ...(approval.parameters === null ? [] : [commitment('params', approval.parameters, approval.salts)]),
      ...(comment === '' ? [] : [{ path: 'comment' as const, salt: random.bytes(SALT_BYTES), value: comment }]),
    ],
    changes: [change],
  }
}

function speaker(
  approval: Approval,
  change: ApprovalChange,
  reviewer: { readonly name: string; readonly principal: string } | null,
): { agent: string; subject: string } {
  if (change.kind === 'withdraw') return { agent: approval.agent, subject: approval.principal }
  return { agent: reviewer?.name ?? 'aegis', subject: reviewer?.principal ?? 'system' }
}

function onBehalfOf(change: ApprovalChange): Vote['onBehalfOf'] {
  return change.kind === 'approve' ? change.vote.onBehalfOf : undefined
}

/** In whose place somebody spoke stands in the name that the server writes: `claimed` is anybody's word. */
function printableReviewer(reviewer: Reviewer, inPlaceOf: Vote['onBehalfOf']): EntryDraft['reviewer'] {
  const { principal, claimed, channel, separation } = reviewer
  const name = inPlaceOf === undefined ? reviewer.name : `${reviewer.name} (for ${inPlaceOf.owner})`
  return { principal, name, claimed, channel, separation }
}

function common(envelope: ActionEnvelope, kind: EntryKind, ref: EnvelopeId | null): EntryDraft {
  const { subject, action } = envelope
  return {
    kind,
    session: subject.session,
    env: envelope.id,
    ref,
    actor: { agent: subject.agent, subject: subject.principal, tenant: TENANT },
    action: { protocol: action.protocol, tool: action.tool, capability: action.capability },
    decision: null,
    effect: null,
    findings: [],
    blast: null,
    reviewer: null,
    outcome: null,
    commitments: [],
    changes: [],
  }
}

function commitment(path: Committed, value: Json, salts: Salts): Commitment {
  const salt = salts[path]
  if (salt === undefined) throw new Error(`no salt for ${path}`)
  return { path, salt: Buffer.from(salt, 'hex'), value }
}
