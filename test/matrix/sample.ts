import type { SessionId, Sha256 } from '../../src/core/ids.ts'
import type { EntryDraft, EntryKind } from '../../src/ledger/draft.ts'
import type { SessionHead, StoredCheckpoint, StoredEntry } from '../../src/ledger/store.ts'
import { committed, draft, newId, SESSION } from '../support/drafts.ts'
import type { Evidence } from './case.ts'
import { copyOf, createLogWriter, type LogState, memoryReader, SIGNER } from './log.ts'

export const OTHER = 'key_b2/sess-elsewhere' as SessionId
export const ENTRIES = 7
/** First, middle, last: an end of the chain has other neighbours than its middle. */
export const PLACES = [
  { name: 'first', seq: 0 },
  { name: 'middle', seq: 3 },
  { name: 'last', seq: ENTRIES - 1 },
] as const

/** Two neighbours never are of one kind, so that each field has something to be exchanged for. */
const KINDS: readonly EntryKind[] = ['review', 'block', 'deny', 'approve', 'override', 'expire', 'block']

/** An entry in which every field of the format says something, and something else than in its neighbours. */
export function fullDraft(index: number, session: SessionId = SESSION): EntryDraft {
  return draft({
    ...{ kind: KINDS[index % KINDS.length] ?? 'block', session, env: newId(), ref: newId(), effect: 'none' },
    actor: { agent: `agent-${index}`, subject: `key_${index}`, tenant: `tenant-${index}` },
    action: { protocol: `proto-${index}`, tool: `forge.tool_${index}`, capability: `cap-${index}` },
    decision: { rule: `rule-${index}`, policy: `policy-${index}`, policySha256: `${index}`.repeat(64) as Sha256 },
    outcome: { label: `pr/${index}`, status: index % 2 === 0 ? 'ok' : 'error', credential: null },
    commitments: committed(`value ${index}`),
  })
}

/** A log of two sessions that take turns, with a manifest of the first, signed as a whole. */
export async function sample(): Promise<LogState> {
  const writer = createLogWriter()
  writer.leaf('boot', { size: 0, store: {} })
  for (let index = 0; index < ENTRIES; index += 1) {
    writer.by(`gw-${index}`)
    writer.at(`2026-04-06T14:22:0${index}.000Z`)
    writer.append(fullDraft(index))
    writer.append(fullDraft(index, OTHER))
    if (index === 3) await writer.sign()
  }
  await writer.manifest(SESSION)
  await writer.sign()
  return writer.state()
}

export const PINS = `${SIGNER.vkey}\n`

export function storeOf(state: LogState, more: Partial<Extract<Evidence, { as: 'store' }>> = {}): Evidence {
  return { as: 'store', reader: memoryReader(state), session: SESSION, pins: PINS, ...more }
}

/** Position in `state.entries` of an entry of the session. */
export function indexOf(state: LogState, seq: number, session: string = SESSION): number {
  const index = state.entries.findIndex((entry) => entry.session === session && entry.seq === seq)
  if (index < 0) throw new Error(`no entry ${seq}`)
  return index
}

export function entryAt(state: LogState, index: number): StoredEntry {
  const entry = state.entries[index]
  if (entry === undefined) throw new Error(`no row ${index}`)
  return entry
}

export function headOf(state: LogState, session: string = SESSION): SessionHead {
  const head = state.sessions.get(session)
  if (head === undefined) throw new Error(`no session ${session}`)
  return head
}

export function newest({ checkpoints }: LogState): StoredCheckpoint {
  const checkpoint = checkpoints.at(-1)
  if (checkpoint === undefined) throw new Error('never signed')
  return checkpoint
}

/** The evidence after an edit of a copy. */
export function tampered(state: LogState, edit: (copy: LogState) => void, more = {}): () => Evidence {
  return () => {
    const copy = copyOf(state)
    edit(copy)
    return storeOf(copy, more)
  }
}
