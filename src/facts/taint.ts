import type { Act } from '../core/envelope.ts'
import type { TaintFact } from '../core/facts.ts'
import type { Principal } from '../core/ids.ts'
import type { Clock } from '../core/runtime.ts'

/** Who can see a repository, and so who could have written into its issues. What is not known counts as the worst of both. */
export type Visibility = 'public' | 'private' | 'unknown'

/** That a principal has read from a source. One for each principal, source and visibility. */
export interface TaintEntry {
  readonly principal: Principal
  /** `acme/site: issue_read`; `github: search_code` where no repository is named. */
  readonly source: string
  /** The repository in lower case, or empty. */
  readonly repository: string
  readonly visibility: Visibility
  /** Whether people write what it shows: only such text can lead an agent astray. */
  readonly text: boolean
  /** When it was last read, in milliseconds since the epoch. */
  readonly at: number
}

/** Where taint is kept. Durable: a restart must not make an agent forget what it has read. */
export interface TaintStore {
  /** Adds the entry, or replaces the one with its principal, source and visibility. */
  put(entry: TaintEntry): Promise<void>
  drop(entry: Pick<TaintEntry, 'principal' | 'source' | 'visibility'>): Promise<void>
  /** The principal's entries from `since` on, oldest first. */
  of(principal: Principal, since: number): Promise<readonly TaintEntry[]>
  /** Drops entries from before, of all principals; for a task that runs now and then. */
  forget(before: number): Promise<void>
}

export interface Taint {
  /**
   * Notes that a principal has read. It stands as the worst that it could be until the visibility is known; a look-up that fails
   * leaves it so. What is no read of GitHub is not noted. Resolves when all is stored: the caller need not wait.
   * @throws the store's error
   */
  note(principal: Principal, act: Act, visibility: () => Promise<Visibility>): Promise<void>
  /** What the principal has read in the last 24 hours, whatever its sessions are called. */
  fact(principal: Principal): Promise<TaintFact>
}

/** A read that was noted this lately is not noted again: agents read in bursts, and each note is written to disk. */
const NOTED_MS = 60_000
const MOST_NOTED = 4096
/** How long a read counts, in milliseconds: 24 hours from the last one, however it was noted. */
export const TAINT_LIFE_MS = 24 * 3_600_000 + NOTED_MS
/** Entries of one principal that are told apart; what comes on top shares a source, so that nothing read is ever pushed out. */
const MOST_ENTRIES = 200
const MORE = 'and more'

/** Reads whose answer is nobody's free text. */
const PLAIN: ReadonlySet<string> = new Set(
  ['get_me', 'get_teams', 'get_team_members', 'list_issue_types', 'list_issue_fields'].map((tool) => `github.${tool}`),
)

type Read = Omit<TaintEntry, 'visibility'>

export function createTaint({ store, clock }: { readonly store: TaintStore; readonly clock: Clock }): Taint {
  const inTurn = turns()
  // Reads of a source whose visibility is being looked up: the last of them takes the worst case away again.
  const open = new Map<string, number>()
  const noted = new Map<string, number>()

  async function put(entry: TaintEntry): Promise<void> {
    const known = await store.of(entry.principal, clock.now() - TAINT_LIFE_MS)
    const same = known.some(({ source, visibility }) => source === entry.source && visibility === entry.visibility)
    const full = !same && known.length >= MOST_ENTRIES
    await store.put(full ? { ...entry, source: MORE, repository: '', text: true } : entry)
  }

  function count(read: Read, by: 1 | -1): number {
    const key = keyOf(read)
    const left = (open.get(key) ?? 0) + by
    if (left === 0) open.delete(key)
    else open.set(key, left)
    return left
  }

  async function settle(read: Read, visibility: Visibility): Promise<void> {
    const left = count(read, -1)
    if (visibility !== 'unknown') {
      await put({ ...read, visibility })
      if (left === 0) await store.drop({ ...read, visibility: 'unknown' })
    }
    if (noted.size >= MOST_NOTED) noted.clear()
    noted.set(keyOf(read), read.at)
  }

  function isNoted(read: Read): boolean {
    const at = noted.get(keyOf(read))
    // A clock that was set back must not hide a read.
    return at !== undefined && read.at >= at && read.at - at < NOTED_MS
  }

  return {
    async note(principal, act, visibility) {
      const read = readOf(principal, act, clock.now())
      if (read === null || isNoted(read)) return
      count(read, 1)
      const stored = inTurn(principal, () => put({ ...read, visibility: 'unknown' }))
      // A search of the whole site may have shown anything that the credential reaches.
      const looked: Visibility | Promise<Visibility> = read.repository === '' ? 'unknown' : visibility()
      const [, found] = await Promise.allSettled([stored, looked])
      await inTurn(principal, () => settle(read, found.status === 'fulfilled' ? found.value : 'unknown'))
      await stored
    },
    async fact(principal) {
      const entries = await inTurn(principal, () => store.of(principal, clock.now() - TAINT_LIFE_MS))
      const untrusted = entries.filter(({ text, visibility }) => text && visibility !== 'private')
      const hidden = entries.filter(({ visibility }) => visibility !== 'public')
      return {
        untrusted: distinct(untrusted.map(({ source }) => source)),
        private: distinct(hidden.map(({ repository, source }) => (repository === '' ? source : repository))),
      }
    },
  }
}

/** One after the other for each principal, so that counting its entries and adding one are one step. */
function turns(): <T>(principal: Principal, work: () => Promise<T>) => Promise<T> {
  const lines = new Map<Principal, Promise<void>>()
  return (principal, work) => {
    const mine = (lines.get(principal) ?? Promise.resolve()).then(work)
    const settled = mine.then(
      () => undefined,
      () => undefined,
    )
    lines.set(principal, settled)
    void settled.then(() => {
      if (lines.get(principal) === settled) lines.delete(principal)
    })
    return mine
  }
}

function readOf(principal: Principal, act: Act, at: number): Read | null {
  if (act.protocol !== 'git' || act.capability !== 'read' || !act.tool.startsWith('github.')) return null
  const { repository } = act.resource
  const name = repository === null ? '' : `${repository.owner}/${repository.name}`.toLowerCase()
  const source = `${name === '' ? 'github' : name}: ${act.tool.slice('github.'.length)}`
  return { principal, source, repository: name, at, text: !PLAIN.has(act.tool) }
}

const keyOf = ({ principal, source }: Read): string => `${principal}\n${source}`

const distinct = (names: readonly string[]): string[] => [...new Set(names)]
