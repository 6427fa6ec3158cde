import { bigint, customType, integer, pgSchema, text } from 'drizzle-orm/pg-core'
import type { ApprovalStatus } from '../../core/approval.ts'
import type { Role } from '../../core/envelope.ts'
import type { RoomRole } from '../../core/facts.ts'
import type { Sha256 } from '../../core/ids.ts'
import type { Visibility } from '../../facts/taint.ts'
import type { Field } from '../../search/ports.ts'

const aegis = pgSchema('aegis')
const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const millis = (name: string) => bigint(name, { mode: 'number' })

/** The tables that are read and written through drizzle; the ledger's own go by statements of ours (`append-statement.ts`). */
export const approval = aegis.table('approval', {
  id: text('id').primaryKey(),
  status: text('status').$type<ApprovalStatus>().notNull(),
  digest: text('digest').notNull(),
  principal: text('principal').notNull(),
  session: text('session').notNull(),
  queuedAt: millis('queued_at').notNull(),
  expiresAt: millis('expires_at').notNull(),
  record: text('record').notNull(),
  parameters: text('parameters'),
  votes: text('votes').notNull(),
  resolution: text('resolution'),
  risk: integer('risk').notNull(),
})

export const apiKey = aegis.table('api_key', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  owner: text('owner').notNull(),
  sponsor: text('sponsor').notNull(),
  role: text('role').$type<Role>().notNull(),
  hash: text('hash').notNull().unique(),
  prefix: text('prefix').notNull(),
  createdAt: millis('created_at').notNull(),
  expiresAt: millis('expires_at'),
  revokedAt: millis('revoked_at'),
  roomId: text('room_id'),
  roomRole: text('room_role').$type<RoomRole>(),
  lastUsedAt: millis('last_used_at'),
})

export const pendingRevocation = aegis.table('pending_revocation', {
  id: text('id').primaryKey(),
  sealed: bytea('sealed').notNull(),
  apiUrl: text('api_url').notNull(),
  tokenSha256: text('token_sha256').notNull(),
  scope: text('scope').notNull(),
  envelope: text('envelope').notNull(),
  issuedAt: millis('issued_at').notNull(),
  deadline: millis('deadline').notNull(),
  attempts: integer('attempts').notNull(),
  nextAttemptAt: millis('next_attempt_at').notNull(),
})

export const toolPin = aegis.table('tool_pin', {
  upstream: text('upstream').notNull(),
  tool: text('tool').notNull(),
  digest: text('digest').notNull(),
  core: text('core').notNull(),
  era: text('era').$type<'legacy' | 'modern'>().notNull(),
  status: text('status').$type<'accepted' | 'waiting'>().notNull(),
  definition: text('definition'),
  findings: text('findings').notNull(),
  seenAt: millis('seen_at').notNull(),
  decidedAt: millis('decided_at'),
  decidedBy: text('decided_by'),
})

/** One a repository: `repository_key` is its name without the case of its letters. */
export const room = aegis.table('room', {
  id: text('id').primaryKey(),
  repositoryKey: text('repository_key').notNull(),
  record: text('record').notNull(),
  version: integer('version').notNull(),
  createdAt: millis('created_at').notNull(),
  updatedAt: millis('updated_at').notNull(),
})

/** What principals have read lately. */
export const taint = aegis.table('taint', {
  principal: text('principal').notNull(),
  source: text('source').notNull(),
  visibility: text('visibility').$type<Visibility>().notNull(),
  repository: text('repository').notNull(),
  /** 1 where people write what it shows, else 0: both databases copy it as the same bytes. */
  isText: integer('is_text').notNull(),
  at: millis('at').notNull(),
})

/** The policies that were in force. `record` and `disk` hold JSON. */
export const policyVersion = aegis.table('policy_version', {
  number: integer('number').primaryKey(),
  digest: text('digest').$type<Sha256>().notNull(),
  record: text('record').notNull(),
  at: millis('at').notNull(),
  disk: text('disk').notNull(),
  leaf: millis('leaf'),
})

/** What is to be told to whom (`notifications/ports.ts`). */
export const notification = aegis.table('notification', {
  id: text('id').primaryKey(),
  endpoint: text('endpoint').notNull(),
  event: text('event').notNull(),
  n: millis('n').notNull(),
  status: text('status').$type<'waiting' | 'dead'>().notNull(),
  attempts: integer('attempts').notNull(),
  createdAt: millis('created_at').notNull(),
  nextAttemptAt: millis('next_attempt_at').notNull(),
  failedAt: millis('failed_at'),
  error: text('error'),
})

export const notificationCursor = aegis.table('notification_cursor', {
  id: integer('id').primaryKey(),
  next: millis('next').notNull(),
  holder: text('holder').notNull(),
  heldUntil: millis('held_until').notNull(),
})

export const notificationReference = aegis.table('notification_reference', {
  endpoint: text('endpoint').notNull(),
  subject: text('subject').notNull(),
  reference: text('reference').notNull(),
  at: millis('at').notNull(),
})

/** People who have logged in. */
export const loginSession = aegis.table('login_session', {
  hash: text('hash').primaryKey(),
  principal: text('principal').notNull(),
  createdAt: millis('created_at').notNull(),
  seenAt: millis('seen_at').notNull(),
  endsAt: millis('ends_at').notNull(),
})

/** Logins at a provider that were used up. */
export const loginSpent = aegis.table('login_spent', {
  attempt: text('attempt').primaryKey(),
  until: millis('until').notNull(),
})

/** Which entries of a block have a value: the search index. */
export const searchPosting = aegis.table('search_posting', {
  field: text('field').$type<Field>().notNull(),
  value: text('value').notNull(),
  block: millis('block').notNull(),
  slots: bytea('slots').notNull(),
})

export const searchBlock = aegis.table('search_block', {
  block: millis('block').primaryKey(),
  first: millis('first').notNull(),
  last: millis('last').notNull(),
  lastHash: text('last_hash').notNull(),
  counts: text('counts').notNull(),
  waits: bytea('waits').notNull(),
  times: bytea('times').notNull(),
})

export const searchState = aegis.table('search_state', {
  id: integer('id').primaryKey(),
  identity: text('identity').notNull(),
  next: millis('next').notNull(),
  holder: text('holder').notNull(),
  heldUntil: millis('held_until').notNull(),
})

/** Reviewers who let another speak in their place. */
export const delegation = aegis.table('delegation', {
  id: text('id').primaryKey(),
  principal: text('principal').notNull(),
  name: text('name').notNull(),
  owner: text('owner').notNull(),
  delegate: text('delegate').notNull(),
  createdAt: millis('created_at').notNull(),
  until: millis('until').notNull(),
  endedAt: millis('ended_at'),
})
