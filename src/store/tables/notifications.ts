import { and, asc, count, desc, eq, gt, isNotNull, lt, lte, max, min, ne, or } from 'drizzle-orm'
import type { EventName } from '../../notifications/events.ts'
import type { DeadLetter, Delivery, EndpointCount, NotificationStore } from '../../notifications/ports.ts'
import type { Database } from './database.ts'

/** Rows of one statement: databases bound its parameters. */
const SLICE = 400

export function createNotificationStore({ queries, tables }: Database): NotificationStore {
  const { notification, notificationCursor: cursor, notificationReference } = tables

  return {
    async lease(holder, now, until, first) {
      const free = or(eq(cursor.holder, holder), lt(cursor.heldUntil, now))
      const [row] = await queries
        .insert(cursor)
        .values({ id: 1, next: first, holder, heldUntil: until })
        .onConflictDoUpdate({ target: cursor.id, set: { holder, heldUntil: until }, ...(free && { setWhere: free }) })
        .returning({ next: cursor.next })
      return row ?? null
    },
    async release(holder) {
      await queries.update(cursor).set({ heldUntil: 0 }).where(eq(cursor.holder, holder))
    },
    async cursor() {
      const [row] = await queries.select().from(cursor).limit(1)
      return row === undefined ? null : { next: row.next, holder: row.holder, until: row.heldUntil }
    },
    async enqueue(holder, next, rows) {
      for (let from = 0; from < rows.length; from += SLICE) {
        const values = rows.slice(from, from + SLICE).map(waitingRow)
        await queries.insert(notification).values(values).onConflictDoNothing()
      }
      // Second: who dies in between looks at the same entries again, and what is queued already stays as it is.
      const mine = eq(cursor.holder, holder)
      const moved = await queries.update(cursor).set({ next }).where(mine).returning({ next: cursor.next })
      return moved.length > 0
    },
    async due(endpoint, now, limit) {
      const { nextAttemptAt } = notification
      const which = and(
        eq(notification.endpoint, endpoint),
        eq(notification.status, 'waiting'),
        lte(nextAttemptAt, now),
      )
      const order = [asc(nextAttemptAt), asc(notification.n)]
      const rows = await queries
        .select()
        .from(notification)
        .where(which)
        .orderBy(...order)
        .limit(limit)
      return rows.map(deliveryOf)
    },
    async done(id) {
      await queries.delete(notification).where(eq(notification.id, id))
    },
    async failed(id, { dead, ...failure }) {
      const set = { ...failure, status: dead ? ('dead' as const) : ('waiting' as const) }
      await queries.update(notification).set(set).where(eq(notification.id, id))
    },
    async hurry(endpoint, now) {
      const waits = and(
        eq(notification.endpoint, endpoint),
        eq(notification.status, 'waiting'),
        gt(notification.attempts, 0),
      )
      await queries.update(notification).set({ nextAttemptAt: now }).where(waits)
    },
    async retry(id, now) {
      const set = { status: 'waiting' as const, attempts: 0, createdAt: now, nextAttemptAt: now }
      const dead = and(eq(notification.id, id), eq(notification.status, 'dead'))
      const rows = await queries.update(notification).set(set).where(dead).returning({ id: notification.id })
      return rows.length > 0
    },
    async dead(limit) {
      const rows = await queries
        .select()
        .from(notification)
        .where(and(isNotNull(notification.failedAt), eq(notification.status, 'dead')))
        .orderBy(desc(notification.failedAt), asc(notification.id))
        .limit(limit)
      return rows.map(
        (row): DeadLetter => ({ ...deliveryOf(row), failedAt: row.failedAt ?? 0, error: row.error ?? '' }),
      )
    },
    counts: (now) => countsOf({ queries, tables }, now),
    async sweep(before) {
      await queries.delete(notification).where(and(eq(notification.status, 'dead'), lt(notification.failedAt, before)))
      await queries.delete(notificationReference).where(lt(notificationReference.at, before))
    },
    async reference(endpoint, subject) {
      const which = and(eq(notificationReference.endpoint, endpoint), eq(notificationReference.subject, subject))
      const [row] = await queries.select().from(notificationReference).where(which).limit(1)
      return row?.reference ?? null
    },
    async refer(endpoint, subject, reference, at) {
      const { endpoint: of, subject: about } = notificationReference
      await queries
        .insert(notificationReference)
        .values({ endpoint, subject, reference, at })
        .onConflictDoUpdate({ target: [of, about], set: { reference, at } })
    },
  }
}

async function countsOf(database: Database, now: number): Promise<readonly EndpointCount[]> {
  const { queries, tables } = database
  const { notification } = tables
  const { endpoint, status, createdAt, failedAt, error } = notification
  const rows = await queries
    .select({ endpoint, status, rows: count(), oldest: min(createdAt), failed: max(failedAt) })
    .from(notification)
    .where(or(ne(status, 'waiting'), lte(createdAt, now)))
    .groupBy(endpoint, status)
  return Promise.all(
    [...new Set(rows.map((row) => row.endpoint))].map(async (name) => {
      const of = (state: 'waiting' | 'dead') => rows.find((row) => row.endpoint === name && row.status === state)
      const newest = Math.max(of('waiting')?.failed ?? 0, of('dead')?.failed ?? 0)
      const last = await queries
        .select({ error })
        .from(notification)
        .where(and(eq(failedAt, newest), eq(endpoint, name)))
        .limit(1)
      const text = last[0]?.error ?? null
      return {
        endpoint: name,
        waiting: of('waiting')?.rows ?? 0,
        dead: of('dead')?.rows ?? 0,
        oldest: of('waiting')?.oldest ?? null,
        lastError: newest === 0 || text === null ? null : { error: text, at: newest },
      }
    }),
  )
}

function waitingRow({ id, endpoint, event, n, createdAt, nextAttemptAt, attempts }: Delivery) {
  return { id, endpoint, event, n, createdAt, nextAttemptAt, attempts, status: 'waiting' as const }
}

function deliveryOf(row: Database['tables']['notification']['$inferSelect']): Delivery {
  const { id, endpoint, event, n, createdAt, nextAttemptAt, attempts } = row
  return { id, endpoint, event: event as EventName, n, createdAt, nextAttemptAt, attempts }
}
