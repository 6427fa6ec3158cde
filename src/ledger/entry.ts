import { canonicalBody, isWellFormed, MAX_BODY_BYTES } from '../core/canonical.ts'
import { AegisError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import type { EntryDraft, GrantRecord } from './draft.ts'
import { isLogName } from './format/chain.ts'
import { VERSION } from './format/version.ts'

export { VERSION } from './format/version.ts'

/** What the writer knows before the entry has a place in a chain. */
export interface EntryFrame {
  readonly log: string
  readonly gateway: string
  /** UUIDv7 of the entry. */
  readonly eid: string
}

/** What only the lock can give. `ts` is RFC 3339 with milliseconds. */
export interface Place {
  readonly seq: number
  readonly prev: string
  readonly ts: string
}

/** Longest forms of agent-controlled text, in bytes of quoted JSON. Together they stay below the 32 KiB of a body. */
const LIMIT = { word: 64, label: 192, name: 512, tool: 1024 } as const
const MAX_FINDINGS = 64
/** Printable ASCII that needs no escape: one byte a character. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/
/** More than any place needs: seq, prev, ts and their keys. */
const PLACE_BYTES = 256

/**
 * Canonicalises everything but the place, outside the lock; what comes back only joins strings and cannot fail,
 * so one bad draft never harms its batch.
 * @throws AegisError `invalid_request` or `too_large` where the draft cannot become a body
 */
export function prepareEntry(
  draft: EntryDraft,
  frame: EntryFrame,
  commit: Readonly<Record<string, string>>,
): (place: Place) => string {
  if (!isLogName(draft.session)) throw new AegisError('invalid_request', 'not a session id', { path: 'session' })
  // Sorted members of a body: action ... outcome | prev | ref, reviewer | seq | session | ts | v.
  const before = canonicalBody(membersBeforePrev(draft, frame, commit)).slice(0, -1)
  const between = canonicalBody(membersAfterPrev(draft)).slice(1, -1)
  const middle = between === '' ? '' : `,${between}`
  const after = `"session":"${draft.session.replace(/["\\]/g, '\\$&')}"`
  const bytes = Buffer.byteLength(before) + Buffer.byteLength(middle) + after.length + PLACE_BYTES
  if (bytes > MAX_BODY_BYTES) throw new AegisError('too_large', 'an evidence entry may hold 32 KiB at most')
  return (place) =>
    `${before},"prev":"${place.prev}"${middle},"seq":${place.seq},${after},"ts":"${place.ts}","v":"${VERSION}"}`
}

function membersBeforePrev(draft: EntryDraft, frame: EntryFrame, commit: Readonly<Record<string, string>>): JsonObject {
  return {
    action: {
      capability: bounded(draft.action.capability, LIMIT.word),
      protocol: bounded(draft.action.protocol, LIMIT.word),
      tool: bounded(draft.action.tool, LIMIT.tool),
    },
    actor: {
      agent: bounded(draft.actor.agent, LIMIT.name),
      subject: bounded(draft.actor.subject, LIMIT.name),
      tenant: bounded(draft.actor.tenant, LIMIT.name),
    },
    ...(draft.blast && {
      blast: { level: bounded(draft.blast.level, LIMIT.word), score: Math.round(draft.blast.score) },
    }),
    ...(Object.keys(commit).length > 0 && { commit }),
    ...(draft.decision && {
      decision: {
        policy: bounded(draft.decision.policy, LIMIT.name),
        policy_sha256: draft.decision.policySha256,
        rule: bounded(draft.decision.rule, LIMIT.tool),
      },
    }),
    ...(draft.effect && { effect: draft.effect }),
    eid: frame.eid,
    env: draft.env,
    ...(draft.findings.length > 0 && { findings: findingsOf(draft) }),
    gw: bounded(frame.gateway, LIMIT.name),
    kind: draft.kind,
    log: frame.log,
    ...(draft.outcome && { outcome: outcomeOf(draft.outcome) }),
  }
}

function membersAfterPrev(draft: EntryDraft): JsonObject {
  const reviewer = draft.reviewer
  return {
    ...(draft.ref !== null && { ref: draft.ref }),
    ...(reviewer && {
      reviewer: {
        channel: reviewer.channel,
        ...(reviewer.claimed !== null && { claimed: bounded(reviewer.claimed, LIMIT.name) }),
        name: bounded(reviewer.name, LIMIT.name),
        principal: bounded(reviewer.principal, LIMIT.name),
        separation: reviewer.separation,
      },
    }),
  }
}

function findingsOf(draft: EntryDraft): JsonObject[] {
  const kept = draft.findings.length > MAX_FINDINGS ? MAX_FINDINGS - 1 : draft.findings.length
  const findings = draft.findings.slice(0, kept).map((finding) => ({
    name: bounded(finding.name, LIMIT.label),
    verdict: bounded(finding.verdict, LIMIT.word),
  }))
  const left = draft.findings.length - kept
  return left === 0 ? findings : [...findings, { name: `[+${left} findings]`, verdict: 'more' }]
}

function outcomeOf(outcome: NonNullable<EntryDraft['outcome']>): JsonObject {
  return {
    ...(outcome.credential && { credential: credentialOf(outcome.credential) }),
    ...(outcome.label !== null && { label: bounded(outcome.label, LIMIT.tool) }),
    status: outcome.status,
  }
}

function credentialOf(grant: GrantRecord): JsonObject {
  return {
    expires: rfc3339(grant.expiresAt),
    issued: rfc3339(grant.issuedAt),
    ...(grant.revokedAt !== null && { revoked: rfc3339(grant.revokedAt) }),
    scope: bounded(grant.scope, LIMIT.tool),
    token_sha256: grant.tokenSha256,
    type: bounded(grant.type, LIMIT.label),
  }
}

/** The text, or its beginning and `…[+N]` where its quoted form would be longer than `limit` bytes. Lone surrogates become U+FFFD. */
function bounded(text: string, limit: number): string {
  if (text.length <= limit && PLAIN.test(text)) return text
  const whole = isWellFormed(text) ? text : text.replace(/\p{Surrogate}/gu, '\ufffd')
  if (whole.length <= limit && quotedBytes(whole) <= limit) return whole
  let room = limit - 24
  let cut = 0
  for (const character of whole) {
    room -= quotedBytes(character)
    if (room < 0) break
    cut += character.length
  }
  return `${whole.slice(0, cut)}…[+${whole.length - cut}]`
}

function quotedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2
}
