import type { StoredEntry } from '../../ledger/store.ts'
import type { ApprovalEvent } from '../../oversight/live.ts'
import type { Followed } from '../../oversight/live-channel.ts'
import type { Visit } from './visit.ts'

export const liveSdl = /* GraphQL */ `
  "Something became of an approval; or, where approval is null, you were too slow for some of what did."
  type ApprovalNotice {
    approval: Approval
    "The entry that records it."
    entry: Entry
    "How many were left out."
    missed: Int!
  }

  "An entry was appended; or, where entry is null, you were too slow for some that were."
  type EntryNotice {
    entry: Entry
    "How many were left out."
    missed: Int!
  }

  # Over Server-Sent Events (Accept: text/event-stream). Agents follow what is their own.
  extend type Subscription {
    approvalRequested: ApprovalNotice!
    "Approved, denied, expired or taken back."
    approvalResolved: ApprovalNotice!
    "Of one session, or of all."
    entryAppended(session: ID): EntryNotice!
  }
`

type Notice<N> = N & { readonly missed: number }

/** No generator: that could not be left while it waits for what comes next. */
function notices<T, N extends object>(
  following: AsyncIterable<Followed<T>>,
  noticeOf: (event: T) => N | null,
  nothing: N,
): AsyncIterable<Notice<N>> {
  return {
    [Symbol.asyncIterator]() {
      const events = following[Symbol.asyncIterator]()
      const over: IteratorReturnResult<undefined> = { value: undefined, done: true }
      return {
        async next() {
          for (;;) {
            const { value: one, done } = await events.next()
            if (done === true) return over
            if (one.kind === 'missed') return { value: { ...nothing, missed: one.count }, done: false }
            const notice = noticeOf(one.event)
            if (notice !== null) return { value: { ...notice, missed: 0 }, done: false }
          }
        },
        async return() {
          await events.return?.()
          return over
        },
      }
    },
  }
}

const approvals =
  (change: ApprovalEvent['change']) =>
  async (_: unknown, __: unknown, { desks, who, signal, stays }: Visit) => {
    const following = await desks.live.approvals(who, signal, stays)
    return notices<ApprovalEvent, Partial<ApprovalEvent>>(
      following,
      (event) => (event.change === change ? event : null),
      {},
    )
  }

async function entries(_: unknown, { session }: { session?: string | null }, { desks, who, signal, stays }: Visit) {
  const filter = session == null ? {} : { session }
  const following = await desks.live.entries(who, filter, signal, stays)
  return notices<StoredEntry, { readonly entry?: StoredEntry }>(following, (entry) => ({ entry }), {})
}

/** What is followed is what is answered. */
const itself = (notice: unknown) => notice

export const liveResolvers = {
  Subscription: {
    approvalRequested: { subscribe: approvals('requested'), resolve: itself },
    approvalResolved: { subscribe: approvals('settled'), resolve: itself },
    entryAppended: { subscribe: entries, resolve: itself },
  },
}
