import type { Approvals } from '../approvals/approvals.ts'
import { AegisError } from '../core/errors.ts'
import type { Clock } from '../core/runtime.ts'
import { hint } from '../core/spelling.ts'
import type { KeyRecord } from '../identity/ports.ts'
import { ENTRY_KINDS } from '../ledger/draft.ts'
import type { LedgerOperations } from '../ledger/ledger.ts'
import type { LedgerReader, StoredEntry } from '../ledger/store.ts'
import type { Cursors, Known, Search, SearchFilter, SearchStats } from '../search/index.ts'
import { onlyOwn } from './rights.ts'
import { resolveSession } from './sessions.ts'

export type { SearchFilter } from '../search/index.ts'

export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly StoredEntry[]
  /** For the next page; null on the last one. */
  readonly next: string | null
  /** The cursor to go on after one of them. */
  readonly cursorOf: (entry: StoredEntry) => string
  /** Entries up to which one was looked among, and how many there are. */
  readonly known: Known
}

/** What happened, in numbers. Times in milliseconds since the epoch. */
export interface Statistics extends SearchStats {
  /** Entries of the whole log. */
  readonly entries: number
  /** What waits to be written at this moment. */
  readonly queued: number
  /** Approvals that wait for a person. */
  readonly pending: number
}

/** Finding out what happened. Viewers ask about everything, an agent about its own sessions. */
export interface AuditDesk {
  /** @throws AegisError `invalid_request` where the filter or the cursor is none, `forbidden`, `not_found` for a session */
  page(
    who: KeyRecord,
    filter: SearchFilter,
    at: { readonly first: number; readonly after: string | null },
  ): Promise<AuditPage>
  /** All that fits, newest first, so many at a time. What was found out about who asks holds for the first of them. */
  all(who: KeyRecord, filter: SearchFilter): Promise<AsyncIterable<readonly StoredEntry[]>>
  /** @param since milliseconds since the epoch */
  stats(who: KeyRecord, since: number): Promise<Statistics>
}

export interface AuditParts {
  readonly search: Search
  readonly cursors: Cursors
  readonly reader: LedgerReader
  readonly ledger: Pick<LedgerOperations, 'stats'>
  readonly approvals: { readonly store: Pick<Approvals['store'], 'pending'> }
  readonly clock: Pick<Clock, 'now'>
}

/** Entries of a page, and of a batch of an export. */
export const MOST_ENTRIES = 1000

/** Kinds of leaves of the log itself. */
const LEAF_KINDS = [
  'boot',
  'manifest',
  'erase',
  'prune',
  'key',
  'gap',
  'credential',
  'policy',
  'checkpoint-recovery',
] as const
const KINDS: readonly string[] = [...ENTRY_KINDS, ...LEAF_KINDS]

export function createAuditDesk(parts: AuditParts): AuditDesk {
  const { search, cursors, reader, ledger, approvals, clock } = parts

  async function narrowed(who: KeyRecord, filter: SearchFilter): Promise<SearchFilter> {
    checkFilter(filter)
    const { principal } = onlyOwn(who)
    if (principal !== undefined && (filter.principal ?? principal) !== principal) {
      throw new AegisError('forbidden', 'an agent finds what its own sessions did', { path: 'principal' })
    }
    const session = filter.session === undefined ? undefined : await resolveSession(reader, filter.session, who)
    return {
      ...filter,
      ...(principal === undefined ? {} : { principal }),
      ...(session === undefined ? {} : { session }),
    }
  }

  return {
    async page(who, asked, { first, after }) {
      const filter = await narrowed(who, asked)
      const list = listOf(filter)
      const before = after === null ? null : Number(cursors.open(list, after))
      const { entries, next, known } = await search.page(filter, before, first)
      const cursorOf = ({ n }: Pick<StoredEntry, 'n'>) => cursors.seal(list, String(n))
      return { entries, known, cursorOf, next: next === null ? null : cursorOf({ n: next }) }
    },

    async all(who, asked) {
      return batches(search, await narrowed(who, asked))
    },

    async stats(who, since) {
      const { size, queued } = ledger.stats()
      const own = onlyOwn(who)
      const [found, pending] = await Promise.all([
        search.stats({ since, until: clock.now() + 1, ...own }),
        approvals.store.pending(own.principal),
      ])
      const buckets = found.buckets.map(({ at, kinds }) => ({ at, kinds: ofSessions(kinds) }))
      return { ...found, kinds: ofSessions(found.kinds), buckets, entries: size, queued, pending }
    },
  }
}

/** Without the leaves of the log itself. */
function ofSessions(kinds: SearchStats['kinds']): SearchStats['kinds'] {
  return Object.fromEntries(ENTRY_KINDS.flatMap((kind) => (kinds[kind] === undefined ? [] : [[kind, kinds[kind]]])))
}

async function* batches(search: Search, filter: SearchFilter): AsyncGenerator<readonly StoredEntry[]> {
  for (let before: number | null = null; ; ) {
    const { entries, next }: Awaited<ReturnType<Search['page']>> = await search.page(filter, before, MOST_ENTRIES)
    yield entries
    if (next === null) return
    before = next
  }
}

/** All that narrows the list, whoever asks in whichever order: what is another list has another name. */
function listOf(filter: SearchFilter): string {
  const members = Object.entries(filter).filter(([, value]) => value !== undefined)
  return `audit ${JSON.stringify(members.sort(([one], [two]) => (one < two ? -1 : 1)))}`
}

function checkFilter({ kinds, tool, since, until }: SearchFilter): void {
  for (const kind of kinds ?? []) {
    if (KINDS.includes(kind)) continue
    throw new AegisError('invalid_request', `unknown kind \`${kind.slice(0, 32)}\`${hint(kind, KINDS)}`, {
      path: 'kind',
    })
  }
  if (tool?.slice(0, -1).includes('*')) {
    throw new AegisError('invalid_request', '`*` stands at the end of a tool, for all that begin so', { path: 'tool' })
  }
  for (const [path, time] of Object.entries({ since, until })) {
    if (time === undefined || Number.isSafeInteger(time)) continue
    throw new AegisError('invalid_request', `\`${path}\` is no time`, { path, advice: 'write it as RFC 3339' })
  }
}
