import { createTail } from '../ledger/tail.ts'
import { createSearch, type IndexerParts, type Search } from '../search/index.ts'
import { openSearch } from '../store/open.ts'

/** How often the index looks for what is new, in milliseconds: nobody waits for it. */
const POLL_MS = 500

export interface SearchSettings {
  /** The store of this gateway. */
  readonly store: string
  readonly key: Uint8Array
  /** This gateway, among those that may write the index. */
  readonly holder: string
}

/** Finding entries, over the store of this gateway. The log is followed by connections of its own. */
export async function composeSearch(
  { store, key, holder }: SearchSettings,
  around: Pick<IndexerParts, 'clock' | 'log' | 'rest'>,
): Promise<Search> {
  const { source, index, close } = await openSearch(store)
  const tail = createTail(source, { pollMs: POLL_MS })
  const search = createSearch({ reader: source, tail, store: index, key, holder, ...around })
  return {
    ...search,
    async close() {
      await search.close()
      tail.close()
      await close()
    },
  }
}
