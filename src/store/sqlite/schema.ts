import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { ApprovalStatus } from '../../core/approval.ts'
import type { Role } from '../../core/envelope.ts'
import type { RoomRole } from '../../core/facts.ts'
import type { Sha256 } from '../../core/ids.ts'
import type { Visibility } from '../../facts/taint.ts'
import type { Field } from '../../search/ports.ts'

/** The tables that are read and written through drizzle; the ledger's own go by prepared statements (`ledger-store.ts`). */
export const approval = sqliteTable('approval', {
  id: text('id').primaryKey(),
  status: text('status').$type<ApprovalStatus>().notNull(),
  digest: text('digest').notNull(),
  principal: text('principal').notNull(),
  session: text('session').notNull(),
  queuedAt: integer('queued_at').notNull(),
  expiresAt: integer('expires_at').notNull(),
  record: text('record').notNull(),
  parameters: text('parameters'),
  votes: text('votes').notNull(),
  resolution: text('resolution'),
  risk: integer('risk').notNull(),
})

export const apiKey = sqliteTable('api_key', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  owner: text('owner').notNull(),
  sponsor: text('sponsor').notNull(),
  role: text('role').$type<Role>().notNull(),
  hash: text('hash').notNull().unique(),
  prefix: text('prefix').notNull(),
  createdAt: integer('created_at').notNull(),
  expiresAt: integer('expires_at'),
  revokedAt: integer('revoked_at'),
  roomId: text('room_id'),
  roomRole: text('room_role').$type<RoomRole>(),
  lastUsedAt: integer('last_used_at'),
})

export const pendingRevocation = sqliteTable('pending_revocation', {
  id: text('id').primaryKey(),
  sealed: blob('sealed').$type<Uint8Array>().notNull(),
  apiUrl: text('api_url').notNull(),
  tokenSha256: text('token_sha256').notNull(),
  scope: text('scope').notNull(),
  envelope: text('envelope').notNull(),
  issuedAt: integer('issued_at').notNull(),
  deadline: integer('deadline').notNull(),
  attempts: integer('attempts').notNull(),
  nextAttemptAt: integer('next_attempt_at').notNull(),
})

export const toolPin = sqliteTable('tool_pin', {
  upstream: text('upstream').notNull(),
  tool: text('tool').notNull(),
  digest: text('digest').notNull(),
  core: text('core').notNull(),
  era: text('era').$type<'legacy' | 'modern'>().notNull(),
  status: text('status').$type<'accepted' | 'waiting'>().notNull(),
  definition: text('definition'),
  findings: text('findings').notNull(),
  seenAt: integer('seen_at').notNull(),
  decidedAt: integer('decided_at'),
  decidedBy: text('decided_by'),
})

/** One a repository: `repository_key` is its name without the case of its letters. */
export const room = sqliteTable('room', {
  id: text('id').primaryKey(),
  repositoryKey: text('repository_key').notNull(),
  record: text('record').notNull(),
  version: integer('version').notNull(),
  createdAt: integer('created_at').notNull(),
  updatedAt: integer('updated_at').notNull(),
})

/** What principals have read lately. */
export const taint = sqliteTable('taint', {
  principal: text('principal').notNull(),
  source: text('source').notNull(),
  visibility: text('visibility').$type<Visibility>().notNull(),
  repository: text('repository').notNull(),
  /** 1 where people write what it shows, else 0: both databases copy it as the same bytes. */
  isText: integer('is_text').notNull(),
  at: integer('at').notNull(),
})

/** The policies that were in force. `record` and `disk` hold JSON. */
export const policyVersion = sqliteTable('policy_version', {
  number: integer('number').primaryKey(),
  digest: text('digest').$type<Sha256>().notNull(),
  record: text('record').notNull(),
  at: integer('at').notNull(),
  disk: text('disk').notNull(),
  leaf: integer('leaf'),
})

/** What is to be told to whom (`notifications/ports.ts`). */
export const notification = sqliteTable('notification', {
  id: text('id').primaryKey(),
  endpoint: text('endpoint').notNull(),
  event: text('event').notNull(),
  n: integer('n').notNull(),
  status: text('status').$type<'waiting' | 'dead'>().notNull(),
  attempts: integer('attempts').notNull(),
  createdAt: integer('created_at').notNull(),
  nextAttemptAt: integer('next_attempt_at').notNull(),
  failedAt: integer('failed_at'),
  error: text('error'),
})

export const notificationCursor = sqliteTable('notification_cursor', {
  id: integer('id').primaryKey(),
  next: integer('next').notNull(),
  holder: text('holder').notNull(),
  heldUntil: integer('held_until').notNull(),
})

export const notificationReference = sqliteTable('notification_reference', {
  endpoint: text('endpoint').notNull(),
  subject: text('subject').notNull(),
  reference: text('reference').notNull(),
  at: integer('at').notNull(),
})

/** People who have logged in. */
export const loginSession = sqliteTable('login_session', {
  hash: text('hash').primaryKey(),
  principal: text('principal').notNull(),
  createdAt: integer('created_at').notNull(),
  seenAt: integer('seen_at').notNull(),
  endsAt: integer('ends_at').notNull(),
})

/** Logins at a provider that were used up. */
export const loginSpent = sqliteTable('login_spent', {
  attempt: text('attempt').primaryKey(),
  until: integer('until').notNull(),
})

/** Which entries of a block have a value: the search index. */
export const searchPosting = sqliteTable('search_posting', {
  field: text('field').$type<Field>().notNull(),
  value: text('value').notNull(),
  block: integer('block').notNull(),
  slots: blob('slots').$type<Uint8Array>().notNull(),
})

export const searchBlock = sqliteTable('search_block', {
  block: integer('block').primaryKey(),
  first: integer('first').notNull(),
  last: integer('last').notNull(),
  lastHash: text('last_hash').notNull(),
  counts: text('counts').notNull(),
  waits: blob('waits').$type<Uint8Array>().notNull(),
  times: blob('times').$type<Uint8Array>().notNull(),
})

export const searchState = sqliteTable('search_state', {
  id: integer('id').primaryKey(),
  identity: text('identity').notNull(),
  next: integer('next').notNull(),
  holder: text('holder').notNull(),
  heldUntil: integer('held_until').notNull(),
})

/** Reviewers who let another speak in their place. */
export const delegation = sqliteTable('delegation', {
  id: text('id').primaryKey(),
  principal: text('principal').notNull(),
  name: text('name').notNull(),
  owner: text('owner').notNull(),
  delegate: text('delegate').notNull(),
  createdAt: integer('created_at').notNull(),
  until: integer('until').notNull(),
  endedAt: integer('ended_at'),
})
