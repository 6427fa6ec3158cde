import type { OpenSearch } from '../../search/ports.ts'
import { createSearchStore } from '../tables/search.ts'
import { createPool, queryOn } from './connection.ts'
import { createDatabase } from './database.ts'
import { createSearchSource } from './search-source.ts'

/** Connections of its own: what people look for does not wait for the road, nor the road for it. */
const LOOKED_FOR = { max: 3 }

export async function openPostgresSearch(url: string): Promise<OpenSearch> {
  const pool = createPool(url, LOOKED_FOR)
  return {
    source: createSearchSource(queryOn(pool)),
    index: createSearchStore(createDatabase(pool)),
    close: () => pool.end(),
  }
}
