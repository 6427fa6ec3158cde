import { existsSync } from 'node:fs'
import { AegisError } from '../core/errors.ts'
import type { Clock, Log } from '../core/runtime.ts'
import type { Search } from '../search/index.ts'
import { composeSearch, type SearchSettings } from './search.ts'
import type { SearchNews, SearchService } from './search-worker.ts'
import { openServiceThread } from './service-thread.ts'

const SCRIPT = new URL('./search-worker.js', import.meta.url)

/** Rest after work where calls wait for the same thread. */
const REST = 4

/** The built program has a thread for it; sources, as tests load them, cannot run in one of their own. */
export function startSearch(settings: SearchSettings, around: { readonly clock: Clock; readonly log: Log }) {
  return existsSync(SCRIPT)
    ? startSearchThread(settings, around.log)
    : composeSearch(settings, { ...around, rest: REST })
}

/**
 * The search index in a thread of its own: neither reading every entry once more nor a question over a million of them keeps the
 * calls waiting. Where it dies, nothing can be found until the next start; calls go on.
 */
export async function startSearchThread(settings: SearchSettings, log: Log, script: URL = SCRIPT): Promise<Search> {
  const { caller, close } = await openServiceThread<SearchService, SearchNews>({
    ...{ script, settings, name: 'search' },
    open: (service) => service.call('open'),
    close: (service) => service.call('close'),
    news({ lines }) {
      for (const { level, fields, message } of lines) log[level](fields, message)
    },
    ended(why, wanted) {
      if (!wanted) log.error({ why }, 'the search thread has ended: nothing can be found until the next start')
      return new AegisError('internal', `the search thread has ended: ${why}`)
    },
  })
  return {
    page: (filter, before, limit) => caller.call('page', filter, before, limit),
    stats: (request) => caller.call('stats', request),
    close,
  }
}
