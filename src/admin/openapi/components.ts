import { APPROVAL_STATUSES } from '../../core/approval.ts'
import { BLAST_LEVELS, VERDICTS } from '../../core/decision.ts'
import { ROLES } from '../../core/envelope.ts'
import { ROOM_MODES, ROOM_PERMISSIONS, ROOM_ROLES } from '../../core/facts.ts'
import {
  anyObject,
  anything,
  byName,
  flag,
  hash,
  list,
  named,
  nullable,
  object,
  oneOf,
  type Schema,
  text,
  time,
  uuid,
  whole,
} from './schema.ts'

export const role = oneOf(...ROLES)
export const verdict = oneOf(...VERDICTS)
export const blast = oneOf(...BLAST_LEVELS)
export const roomRole = oneOf(...ROOM_ROLES)
export const roomMode = oneOf(...ROOM_MODES)
export const roomPermission = oneOf(...ROOM_PERMISSIONS)
const severity = oneOf('error', 'warn', 'info')

const decided = {
  envelope_id: uuid,
  decision: verdict,
  matched_rule: text('`<protocol>:<tool glob>`, `guard:<name>`, `default` or `approved:<id>`.'),
  policy: text(),
  blast_radius: blast,
  blast_score: whole,
  blast_reasons: list(text()),
  findings: list(object({ source: text(), name: text(), verdict: text(), reason: text() })),
  'rewritten_to?': named('RewrittenTo'),
}

const keyMembers = {
  id: text(),
  name: text(),
  prefix: text('First characters of the secret.'),
  owner: text('One self in approvals and rooms.'),
  sponsor: text('The person it acts for; empty where unknown.'),
  state: oneOf('active', 'expired', 'revoked'),
  created_at: time,
  expires_at: nullable(time),
  last_used_at: nullable(time),
  revoked_at: nullable(time),
}

const roomMembers = {
  id: text(),
  repository: text('`owner/name`.'),
  mode: roomMode,
  permission: nullable(object({ read: roomPermission, write: roomPermission })),
  members: list(object({ member: text(), role: roomRole })),
  tools: object({ DEVELOPER: byName(flag), ADMIN: byName(flag), OWNER: byName(flag) }),
  version: whole,
  created_at: time,
  updated_at: time,
}

const counts = object({ allowed: whole, rewritten: whole, held: whole, blocked: whole })

const trace = list(
  object({
    act: whole,
    policy: text(),
    rule_index: whole,
    rule: text(),
    decision: text(),
    matched: flag,
    fail_reason: nullable(text()),
  }),
)

export const components: Readonly<Record<string, Schema>> = {
  Error: object({
    error: object({
      code: { type: 'integer', description: 'The HTTP status, or ours where a client must tell it apart.' },
      type: text(),
      message: text(),
      'path?': text('The member, parameter or line to mend.'),
      'advice?': text('What to do about it.'),
    }),
  }),
  RewrittenTo: object({ pull_request: object({ title: text(), body: text(), head: text(), base: text() }) }),
  ActionReply: object({
    ...decided,
    evidence_hash: hash,
    'error?': object({ code: { type: 'integer' }, message: text(), data: anyObject }),
    'credential?': object({ type: text(), scope: text(), expires_in: whole }),
    'outcome?': text(),
    'result?': anything,
  }),
  Simulation: object({ ...decided, reason: text(), trace }),
  Approval: object({
    envelope_id: uuid,
    status: oneOf(...APPROVAL_STATUSES),
    actor: object({ agent: text(), session: text(), principal: text() }),
    protocol: text(),
    tool: text(),
    target: text(),
    'rewritten_to?': named('RewrittenTo'),
    'head_sha?': text('The commit it is approved of.'),
    parameters: nullable(anyObject),
    blast_radius: blast,
    'blast_score?': whole,
    'blast_reasons?': list(text()),
    'base?': text('The branch it is approved to be merged into.'),
    findings: list(object({ name: text(), verdict: text(), 'reason?': text() })),
    matched_rule: text(),
    policy: text(),
    queued_at: time,
    expires_at: time,
    justification: nullable(text("The agent's own words.")),
    reviewers_needed: whole,
    'reviewers_from?': list(list(text()), { description: 'Whose yes counts: one must stand in each list.' }),
    'reviewer_role?': oneOf('admin'),
    'not_author?': { type: 'boolean', description: 'Who put the policy into force may not approve.' },
    'repeat_seconds?': whole,
    'repeating?': { type: 'boolean', description: 'It may run again and again until `expires_at`.' },
    'on_behalf?': list(object({ reviewer: text(), for: text() })),
    'reviewer?': text(),
    'principal?': text(),
    'comment?': text(),
    'resolved_at?': time,
  }),
  Resolution: object({
    envelope_id: uuid,
    status: oneOf(...APPROVAL_STATUSES),
    reviewer: nullable(
      text('The claimed name where one was given; `login <owner> (as <name>)` of a person who logged in.'),
    ),
    principal: nullable(text('Who it was, as the server knows.')),
    channel: nullable(text()),
    separation: nullable(oneOf('none', 'uid', 'host')),
    'approved_at?': time,
    'denied_at?': time,
    comment: text(),
    'expires_at?': time,
    'repeats?': flag,
    'reviewers_needed?': whole,
    evidence_hash: hash,
  }),
  Session: object({
    session: text(),
    label: text(),
    principal: text(),
    entries: whole,
    started_at: time,
    last_at: time,
    status: oneOf('open', 'closed'),
    counts: byName(whole),
  }),
  Entry: {
    ...object({ n: whole, hash, kind: text() }),
    description: 'Place, hash and the body as recorded (docs/ledger.md); leaves of the log itself have other members.',
    additionalProperties: true,
  },
  Checkpoint: object({ origin: text(), size: whole, root: text('Base64.'), note: text('A signed note (C2SP).') }),
  Bundle: {
    ...object({
      format: text(),
      origin: text(),
      session: text(),
      entries: list(object({ n: whole, body: text(), hash, 'proof?': text() })),
      manifest: object({ n: nullable(whole), body: text(), hash }),
      proof: nullable(text()),
      receipts: list(anyObject),
      disclosures: list(object({ n: whole, path: text(), salt: text(), value: text() })),
      erasures: list(object({ n: whole, body: text(), proof: nullable(text()) })),
      keys: list(text()),
    }),
    description: 'The file one hands to an auditor: `aegisctl evidence verify --bundle` checks it without us.',
  },
  VerifyReport: object({
    valid: flag,
    undecided: nullable(text('Why nobody can tell.')),
    origin: nullable(text()),
    session: nullable(text()),
    total_entries: whole,
    session_manifest_hash: nullable(hash),
    broken_link: nullable(text()),
    findings: list(
      object({ class: text(), severity, seq: nullable(whole), n: nullable(whole), place: anything, detail: text() }),
    ),
    findings_total: whole,
    trust: text(),
    checkpoint: nullable(anyObject),
    below_trust: nullable(text()),
  }),
  Key: object({
    ...keyMembers,
    role,
    room: nullable(object({ id: text(), role: roomRole, repository: nullable(text()) })),
  }),
  RoomKey: object({ ...keyMembers, role: nullable(roomRole) }),
  Room: object(roomMembers),
  RoomReport: object({
    ...roomMembers,
    since: nullable(time),
    from: nullable(time),
    to: nullable(time),
    complete: flag,
    calls: whole,
    would: counts,
    decisions: byName(whole),
    tools: list(object({ tool: text(), calls: whole, would: counts })),
    blast_radius: byName(counts),
    moments: list(
      object({
        ts: time,
        envelope_id: text(),
        session: text(),
        agent: text(),
        tool: text(),
        would: text(),
        decision: text(),
        blast_radius: text(),
        blast_score: { type: 'number' },
      }),
    ),
    moments_left_out: whole,
  }),
  Pin: object({
    upstream: text(),
    tool: text(),
    status: oneOf('accepted', 'changed', 'new'),
    digest: hash,
    findings: list(text()),
    seen_at: time,
    decided_at: nullable(time),
    decided_by: nullable(text()),
  }),
  PolicyVersion: object({
    version: whole,
    in_force: flag,
    names: list(text()),
    sha256: hash,
    sources_sha256: hash,
    cause: oneOf('start', 'reload', 'rollback'),
    'of?': whole,
    'by?': object({ principal: text(), name: text() }),
    at: time,
    ledger_n: nullable(whole),
  }),
}
