import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { Pin, PinKey, PinnedDefinition, PinStore } from '../../tool-pins/ports.ts'
import type { Database } from './database.ts'
import { hashesOf, pinRow, readFindings, slices } from './pin-rows.ts'

export function createPinStore({ queries, tables }: Database): PinStore {
  const { toolPin } = tables
  const { upstream, tool, digest, core, era, status, findings, seenAt, decidedAt, decidedBy } = toolPin
  // Everything but the definition, which nobody needs for a look-up.
  const light = { upstream, tool, digest, core, era, status, findings, seenAt, decidedAt, decidedBy }
  const order = [asc(status), asc(decidedAt), asc(seenAt)]

  function waits(pin: PinKey): SQL | undefined {
    return and(eq(upstream, pin.upstream), eq(tool, pin.tool), eq(digest, pin.digest), eq(status, 'waiting'))
  }

  return {
    async index() {
      const rows = await queries
        .select(light)
        .from(toolPin)
        .orderBy(...order)
      return rows.map((row): Pin => ({ ...row, ...hashesOf(row), findings: readFindings(row.findings) }))
    },
    async of(name, toolName) {
      const which = and(eq(upstream, name), toolName === null ? undefined : eq(tool, toolName))
      const rows = await queries
        .select()
        .from(toolPin)
        .where(which)
        .orderBy(...order)
      return rows.map((row): PinnedDefinition => ({ ...row, ...hashesOf(row), findings: readFindings(row.findings) }))
    },
    async trust(pins) {
      for (const rows of slices(pins)) await queries.insert(toolPin).values(rows.map(pinRow)).onConflictDoNothing()
    },
    async hold(pins) {
      const set = {
        digest: sql`excluded.digest`,
        core: sql`excluded.core`,
        era: sql`excluded.era`,
        definition: sql`excluded.definition`,
        findings: sql`excluded.findings`,
        seenAt: sql`excluded.seen_at`,
      }
      const waiting = { target: [upstream, tool], targetWhere: sql`status = 'waiting'`, set }
      for (const rows of slices(pins))
        await queries.insert(toolPin).values(rows.map(pinRow)).onConflictDoUpdate(waiting)
    },
    async accept(pin, by, at) {
      const accepted = { status: 'accepted', decidedAt: at, decidedBy: by } as const
      const rows = await queries.update(toolPin).set(accepted).where(waits(pin)).returning({ digest })
      return rows.length > 0
    },
    async reject(pin) {
      const rows = await queries.delete(toolPin).where(waits(pin)).returning({ digest })
      return rows.length > 0
    },
  }
}
