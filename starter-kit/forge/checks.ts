/** What CI has said of a commit: statuses, and the newest run of each check. */
import type { RepositoryAsk } from './router.ts'
import type { CheckRunRecord, StatusRecord } from './state.ts'

/** The newest status of each context, newest first. */
export function latestStatuses(ask: RepositoryAsk, sha: string): StatusRecord[] {
  const all = ask.site.state.current().statuses
  const mine = all.filter((status) => status.repository === ask.repository.key && status.sha === sha).reverse()
  return mine.filter((status, index) => mine.findIndex(({ context }) => context === status.context) === index)
}

/** Check runs of the commit; `latest`: of each name the newest. */
export function checksOf(ask: RepositoryAsk, sha: string, filter: 'latest' | 'all'): CheckRunRecord[] {
  const all = ask.site.state.current().checkRuns
  const mine = all.filter((run) => run.repository === ask.repository.key && run.sha === sha)
  if (filter === 'all') return mine
  return mine.filter((run, index) => mine.findLastIndex(({ name }) => name === run.name) === index)
}
