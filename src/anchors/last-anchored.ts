import type { LedgerStore } from '../ledger/store.ts'

const PAGE = 1000
/** Pages read in all: a sink without a receipt among the newest is one that has to catch up anyway. */
const MOST_PAGES = 50

/** For each of the sinks the largest size it gave a receipt for, looked for from the newest checkpoint backwards. */
export async function lastAnchored(
  store: Pick<LedgerStore, 'receipts'>,
  sinks: readonly string[],
  newest: number,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  let pages = 0
  for (let back = 256, to = newest + 1; to > 0 && pages < MOST_PAGES; back *= 16) {
    const from = Math.max(0, newest - back)
    for (let next = from; next < to && pages < MOST_PAGES; pages += 1) {
      const page = await store.receipts(next, PAGE)
      for (const { sink, size } of page) found.set(sink, Math.max(size, found.get(sink) ?? 0))
      const last = page.at(-1)
      if (page.length < PAGE || last === undefined) break
      // Receipts of one size may be cut by the page's end: more sinks than a page has room for there are not.
      next = last.size > next ? last.size : last.size + 1
    }
    if (sinks.every((sink) => found.has(sink))) return found
    to = from
  }
  return found
}
