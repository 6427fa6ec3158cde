import { and, asc, between, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import { type BlockRange, FIELDS, type Field, type SearchStore, type ValueMatch } from '../../search/ports.ts'
import { bytesOf } from '../bytes.ts'
import type { Database } from './database.ts'

const STATE = 1
/** Rows written together: a short statement, that nobody waits for. */
const SLICE = 100
/** Above every character that text can hold. */
const LAST = '\u{10FFFF}'

/** No transaction: a block is visible once `next` has moved past it, and that is the last thing that happens to it. */
export function createSearchStore({ queries, tables }: Database): SearchStore {
  const { searchPosting: posting, searchBlock, searchState } = tables
  const { block, first, last, lastHash, counts } = searchBlock

  async function forget(below: SQL | undefined, blocks: SQL | undefined): Promise<void> {
    for (const field of FIELDS) await queries.delete(posting).where(and(eq(posting.field, field), below))
    await queries.delete(searchBlock).where(blocks)
  }

  return {
    async postings(field, match, range) {
      const rows = await postingQuery({ queries, tables }, field, match, range)
      return rows.map(({ value, block, slots }) => ({ field, value, block, slots: bytesOf(slots) }))
    },
    blocks: ({ from, to }, since, until) =>
      queries
        .select({ block, first, last, lastHash })
        .from(searchBlock)
        .where(and(between(block, from, to), gte(last, bounded(since)), lt(first, bounded(until))))
        .orderBy(asc(block)),
    async counts({ from, to }) {
      const rows = await queries
        .select({ block, first, last, lastHash, counts })
        .from(searchBlock)
        .where(between(block, from, to))
        .orderBy(asc(block))
      return rows.map((row) => ({ ...row, counts: JSON.parse(row.counts) }))
    },
    async details({ from, to }) {
      const rows = await queries
        .select()
        .from(searchBlock)
        .where(between(block, from, to))
        .orderBy(asc(block))
      return rows.map((row) => ({
        ...row,
        ...{ counts: JSON.parse(row.counts), waits: bytesOf(row.waits), times: bytesOf(row.times) },
      }))
    },
    async state() {
      const [row] = await queries.select().from(searchState).where(eq(searchState.id, STATE)).limit(1)
      return { identity: row?.identity ?? '', next: row?.next ?? 0 }
    },
    async lease(holder, now, until) {
      const free = sql`(${searchState.holder} = ${holder} or ${searchState.heldUntil} < ${now})`
      const rows = await queries
        .update(searchState)
        .set({ holder, heldUntil: until })
        .where(and(eq(searchState.id, STATE), free))
        .returning({ id: searchState.id })
      return rows.length > 0
    },
    async reset(identity, next) {
      await forget(undefined, undefined)
      await queries.update(searchState).set({ identity, next }).where(eq(searchState.id, STATE))
    },
    async put(stored, postings, next) {
      // What an attempt that broke off left here may name what was erased since.
      await forget(eq(posting.block, stored.block), eq(block, stored.block))
      for (let at = 0; at < postings.length; at += SLICE) {
        const rows = postings.slice(at, at + SLICE).map((one) => ({ ...one, block: stored.block }))
        await queries.insert(posting).values(rows)
      }
      await queries.insert(searchBlock).values({ ...stored, counts: JSON.stringify(stored.counts) })
      await queries.update(searchState).set({ next }).where(eq(searchState.id, STATE))
    },
    async rewrite(number, field, change) {
      for (const one of field === null ? FIELDS : [field]) await rewriteField({ queries, tables }, number, one, change)
    },
    drop: (below) => forget(lt(posting.block, below), lt(block, below)),
  }
}

/** The rows of a value lie together by block; those of many values are looked up by block. */
export function postingQuery(
  { queries, tables: { searchPosting: posting } }: Database,
  field: Field,
  match: ValueMatch,
  { from, to }: BlockRange,
) {
  // Written so that no index of values fits: the values of all blocks would be read for those of a few.
  const anyOf = (prefix: string) =>
    sql`(${posting.value} || '') >= ${prefix} and (${posting.value} || '') < ${prefix + LAST}`
  const values =
    'value' in match ? eq(posting.value, match.value) : match.prefix === '' ? undefined : anyOf(match.prefix)
  // Not the field: a question may read ten thousand rows, and each column of each is paid for.
  return queries
    .select({ value: posting.value, block: posting.block, slots: posting.slots })
    .from(posting)
    .where(and(eq(posting.field, field), values, between(posting.block, from, to)))
}

/** Changes what is still as it was read: another gateway may be doing the same. */
async function rewriteField(
  database: Database,
  block: number,
  field: Field,
  change: (slots: Uint8Array) => Uint8Array | null,
): Promise<void> {
  const { queries } = database
  const { searchPosting: posting } = database.tables
  const rows = await queries
    .select()
    .from(posting)
    .where(and(eq(posting.field, field), eq(posting.block, block)))
  for (const { value, slots: stored } of rows) {
    const before = bytesOf(stored)
    const after = change(before)
    if (after !== null && Buffer.compare(before, after) === 0) continue
    const row = and(
      eq(posting.field, field),
      eq(posting.value, value),
      eq(posting.block, block),
      eq(posting.slots, stored),
    )
    const changed =
      after === null
        ? await queries.delete(posting).where(row).returning({ value: posting.value })
        : await queries.update(posting).set({ slots: after }).where(row).returning({ value: posting.value })
    if (changed.length === 0) await rewriteField(database, block, field, change)
  }
}

/** As far as both databases count. */
function bounded(time: number): number {
  return Math.trunc(Math.max(0, Math.min(time, Number.MAX_SAFE_INTEGER)))
}
