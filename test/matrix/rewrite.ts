import { appendLeaves, EMPTY, packRoots } from '../../src/ledger/merkle/tree.ts'
import type { StoredEntry } from '../../src/ledger/store.ts'
import { type LogState, leafHashOf } from './log.ts'

/**
 * History as its administrator would write it anew from row `from` on: that entry's tool is another, and all that follows from
 * it (links, hashes, manifests, heads, the tree in the head row) fits.
 */
export function rewriteFrom(
  state: LogState,
  from: number,
  edit = (body: string) => body.replace(/"tool":"[^"]*"/, '"tool":"forge.harmless"'),
): void {
  const heads = new Map<string, string>()
  state.entries = state.entries.map((entry, index) => {
    const next = index < from ? entry : again(entry, index === from ? edit : (body) => body, heads)
    if (next.session !== null && next.seq !== null) heads.set(next.session, next.hash)
    return next
  })
  for (const [session, headHash] of heads) {
    const head = state.sessions.get(session)
    if (head !== undefined) state.sessions.set(session, { ...head, headHash })
  }
  regrow(state)
}

function again(entry: StoredEntry, edit: (body: string) => string, heads: ReadonlyMap<string, string>): StoredEntry {
  const known = heads.get(entry.session ?? '')
  const name = entry.seq === null ? 'last' : 'prev'
  const text = Buffer.from(entry.body).toString()
  const linked = known === undefined ? text : text.replace(new RegExp(`"${name}":"\\w{64}"`), `"${name}":"${known}"`)
  const body = edit(linked)
  const prev = entry.seq === null ? null : (/"prev":"(\w{64})"/.exec(body)?.[1] ?? null)
  return { ...entry, body: Buffer.from(body), hash: leafHashOf(body), prev }
}

/** The head row's tree over the rows as they are, which are numbered anew. */
export function regrow(state: LogState): void {
  state.entries = state.entries.map((entry, n) => ({ ...entry, n }))
  const leaves = state.entries.map(({ hash }) => Buffer.from(hash, 'hex'))
  const frontier = packRoots(appendLeaves(EMPTY, leaves).roots)
  state.log = { ...state.log, size: leaves.length, replayFrom: leaves.length, frontier }
}

/** Heads that say what the rows that are left say. */
export function agreeHeads(state: LogState): void {
  for (const [session, head] of state.sessions) {
    const last = state.entries.findLast((entry) => entry.session === session && entry.seq !== null)
    if (last === undefined) state.sessions.delete(session)
    else {
      const kept = { nextSeq: (last.seq ?? 0) + 1, headHash: last.hash, lastN: last.n, manifestN: null }
      state.sessions.set(session, { ...head, ...kept })
    }
  }
}
