import { setImmediate } from 'node:timers/promises'
import { isObject, type JsonObject } from '../core/json.ts'
import type { LedgerReader } from '../ledger/store.ts'
import { createTally, type Room, type RoomReport } from '../rooms/index.ts'

/** What a room's report rests on. `from` and `to`: times of the first and last entry that was looked at, RFC 3339. */
export interface ReportOfRoom {
  readonly report: RoomReport
  readonly from: string | null
  readonly to: string | null
  /** False where the log is longer than was looked through. */
  readonly complete: boolean
}

/** Entries a report looks through at most, and how many at a time. */
const MOST_ENTRIES = 200_000
const PAGE = 1000

/** Backwards through the log, as far as is asked for or can be looked through. */
export async function reportOfRoom(
  reader: LedgerReader,
  { id }: Pick<Room, 'id'>,
  since: number,
): Promise<ReportOfRoom> {
  const tally = createTally(id)
  let [seen, before, first, last]: [number, number | null, string | null, string | null] = [0, null, null, null]
  for (let over = false; !over && seen < MOST_ENTRIES; ) {
    const page = await reader.list({ limit: PAGE, ...(before === null ? {} : { before }) })
    for (const entry of page) {
      seen += 1
      before = entry.n
      if (entry.ts !== null && Date.parse(entry.ts) < since) over = true
      if (over) break
      last ??= entry.ts
      first = entry.ts ?? first
      const body = Buffer.from(entry.body)
      // Most entries are of no room, and reading a text costs a hundred times more than finding a word in it.
      const parsed: unknown = body.includes(`:${id}"`) ? JSON.parse(body.toString('utf8')) : null
      if (isEntry(parsed)) tally.add(parsed)
    }
    over ||= page.length < PAGE
    // The store may answer without ever waiting: calls of agents come in between.
    await setImmediate()
  }
  return { report: tally.report(), from: first, to: last, complete: seen < MOST_ENTRIES }
}

function isEntry(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && isObject(value as JsonObject)
}
