import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Log } from '../core/runtime.ts'
import type { Search, SearchFilter, StatsRequest } from '../search/index.ts'
import { offer } from './rpc.ts'
import { composeSearch, type SearchSettings } from './search.ts'
import { systemClock } from './system.ts'

/** What the thread has to say for the log. */
export interface SearchNews {
  readonly lines: readonly {
    readonly level: keyof Log
    readonly fields: Record<string, unknown>
    readonly message: string
  }[]
}

/** Of two cores it leaves the other, and half of this one. */
const REST = 1

function createService(settings: SearchSettings, log: Log) {
  let search: Search | null = null
  const open = (): Search => {
    if (search === null) throw new Error('the search index is not open')
    return search
  }
  return {
    async open() {
      search = await composeSearch(settings, { clock: systemClock(), log, rest: REST })
    },
    page: (filter: SearchFilter, before: number | null, limit: number) => open().page(filter, before, limit),
    stats: (request: StatsRequest) => open().stats(request),
    close: () => open().close(),
  }
}

export type SearchService = ReturnType<typeof createService>

function main(port: MessagePort, settings: SearchSettings): void {
  let lines: SearchNews['lines'][number][] = []
  const line = (level: keyof Log) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, fields: structuredClone(fields), message })
    say()
  }
  const service = createService(settings, { info: line('info'), warn: line('warn'), error: line('error') })
  const say = offer<SearchNews>(port, service, () => {
    const said = lines
    lines = []
    return { lines: said }
  })
}

if (parentPort !== null) main(parentPort, workerData)
