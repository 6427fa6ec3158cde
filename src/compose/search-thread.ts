import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { AegisError } from '../core/errors.ts'
import type { Clock, Log } from '../core/runtime.ts'
import type { Search } from '../search/index.ts'
import { createCaller } from './rpc.ts'
import { composeSearch, type SearchSettings } from './search.ts'
import type { SearchNews, SearchService } from './search-worker.ts'

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
  // What the program itself was started with (`--import ...`) is not for its thread.
  const worker = new Worker(script, { workerData: settings, name: 'search', execArgv: [] })
  const { caller, receive } = createCaller<SearchService, SearchNews>({
    post: (message) => worker.postMessage(message),
    news({ lines }) {
      for (const { level, fields, message } of lines) log[level](fields, message)
    },
  })
  worker.on('message', receive)
  let [closing, gone] = [false, false]
  const ended = (why: string): void => {
    // Its error comes before its end, and tells more.
    if (gone) return
    gone = true
    if (!closing) log.error({ why }, 'the search thread has ended: nothing can be found until the next start')
    caller.fail(new AegisError('internal', `the search thread has ended: ${why}`))
  }
  worker.on('error', (error) => ended(error.message))
  worker.on('exit', (code) => ended(`it ended with status ${code}`))
  try {
    await caller.call('open')
  } catch (error) {
    closing = true
    await worker.terminate()
    throw error
  }
  return {
    page: (filter, before, limit) => caller.call('page', filter, before, limit),
    stats: (request) => caller.call('stats', request),
    async close() {
      closing = true
      if (!gone) await caller.call('close')
      await worker.terminate()
    },
  }
}
