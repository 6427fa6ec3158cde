import { resolve } from 'node:path'
import type { OpenSearch } from '../../search/ports.ts'
import { createSearchStore } from '../tables/search.ts'
import { createDatabase } from './database.ts'
import { openForReading, openForWriting } from './handle.ts'
import { createSearchSource } from './search-source.ts'

/** Handles of its own: the index may be kept by another thread than the one that opened the store. */
export async function openSqliteSearch(path: string): Promise<OpenSearch> {
  const file = resolve(path)
  const reading = openForReading(file)
  // What a power cut takes from it is made again from the log.
  const writing = openForWriting(file, 'NORMAL')
  return {
    source: createSearchSource(reading),
    index: createSearchStore(createDatabase(writing)),
    async close() {
      reading.close()
      writing.close()
    },
  }
}
