import type { SessionHead } from '../../src/ledger/store.ts'
import { committed, draft, SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { copyOf, createLogWriter, type LogState, leafHashOf } from './log.ts'
import { headOf, OTHER, storeOf } from './sample.ts'

const BELOW = 256
const LAST = 300

/** One session is gone as a whole, of the other the beginning: what it sent is gone, what came of it is there. Each value stayed with its row. */
async function prunedSample(): Promise<LogState> {
  const writer = createLogWriter()
  writer.leaf('boot', { size: 0, store: {} })
  for (let index = 0; index < 60; index += 1) writer.append(draft({ commitments: committed(`v${index}`) }))
  await writer.manifest(SESSION, true)
  const act = () => draft({ session: OTHER, commitments: committed('other') })
  while (writer.state().log.size < BELOW - 1) writer.append(act())
  const sent = draft({ session: OTHER, effect: 'forward' })
  const outcome = { label: null, status: 'ok', credential: null } as const
  writer.append(sent, draft({ session: OTHER, kind: 'result', env: sent.env, effect: null, outcome }))
  while (writer.state().log.size < LAST) writer.append(act())
  writer.leaf('prune', { archive_sha256: 'ab'.repeat(32), by: 'key_admin', min_index: BELOW, root: 'cd'.repeat(32) })
  // The record lies in a full tile: what is done to it shows in the tree alone.
  while (writer.state().log.size < 2 * BELOW) writer.append(act())
  await writer.sign()
  const state = writer.state()
  state.entries = state.entries.filter(({ n }) => n >= BELOW)
  state.payloads = state.payloads.filter(({ n }) => n >= BELOW)
  state.log = { ...state.log, minIndex: BELOW }
  return state
}

/** The record that rows were pruned, with another body. */
const record =
  (from: string | RegExp, to: string) =>
  (copy: LogState): void => {
    const index = copy.entries.findIndex(({ kind }) => kind === 'prune')
    const leaf = copy.entries[index]
    if (leaf === undefined) throw new Error('nothing was pruned')
    const body = Buffer.from(Buffer.from(leaf.body).toString().replace(from, to))
    copy.entries[index] = { ...leaf, body, hash: leafHashOf(body) }
  }

const head =
  (session: string, change: Partial<SessionHead>) =>
  (copy: LogState): void => {
    copy.sessions.set(session, { ...headOf(copy, session), ...change })
  }

const PRUNED: Expected = { outcome: 'valid', class: 'PRUNED', only: ['PRUNED'], trust: 'self-signed' }
const cut = (kind: string): Expected => ({ outcome: 'tampered', class: kind })

const DEEDS: readonly {
  readonly name: string
  readonly edit: (copy: LogState) => void
  readonly session: string | null
  readonly expect: Expected
}[] = [
  { name: 'a session that is gone', edit: () => {}, session: SESSION, expect: PRUNED },
  { name: 'a session of which the beginning is gone', edit: () => {}, session: OTHER, expect: PRUNED },
  { name: 'the whole log', edit: () => {}, session: null, expect: PRUNED },
  ...[
    { how: 'no record of it', edit: record('"kind":"prune"', '"kind":"gap"') },
    { how: 'a record of less', edit: record('"min_index":256', '"min_index":128') },
    { how: 'a record of no number', edit: record('"min_index":256', '"min_index":"256"') },
    { how: 'a record of another log', edit: record('log/test', 'log/else') },
    { how: 'a record that is not canonical', edit: record('{', '{ ') },
  ].flatMap(({ how, edit }) => [
    { name: `a session that is gone, ${how}`, edit, session: SESSION, expect: cut('SESSION_MISSING') },
    { name: `a session of which the beginning is gone, ${how}`, edit, session: OTHER, expect: cut('TRUNCATED_HEAD') },
  ]),
  ...[SESSION, OTHER].map((session) => ({
    name: `a record made up after the signing: ${session}`,
    edit: record('key_admin', 'key_other'),
    session,
    expect: cut('REWRITTEN'),
  })),
  {
    name: 'no row that records it',
    edit: (copy) => {
      copy.entries = copy.entries.map((entry) => (entry.kind === 'prune' ? { ...entry, kind: 'gap' } : entry))
    },
    session: OTHER,
    expect: cut('TRUNCATED_HEAD'),
  },
  {
    name: 'no row that records it: the whole log',
    edit: (copy) => {
      copy.entries = copy.entries.map((entry) => (entry.kind === 'prune' ? { ...entry, kind: 'gap' } : entry))
    },
    session: null,
    expect: cut('TRUNCATED_HEAD'),
  },
  {
    name: 'a session that is gone, but not below the record',
    edit: (copy) => {
      copy.entries = copy.entries.filter(({ session }) => session !== OTHER)
    },
    session: OTHER,
    expect: cut('SESSION_MISSING'),
  },
  {
    name: 'more rows gone than the record says',
    edit: (copy) => {
      copy.entries = copy.entries.filter(({ n }) => n !== BELOW)
    },
    session: null,
    expect: { outcome: 'tampered', class: 'DELETED', n: BELOW },
  },
  { name: 'a manifest that went with the rows', edit: head(OTHER, { manifestN: 100 }), session: OTHER, expect: PRUNED },
  ...[-1, 2 * BELOW + 50, 290].map((place) => ({
    name: `a manifest at ${place}, where none is`,
    edit: head(OTHER, { manifestN: place }),
    session: OTHER,
    expect: { ...cut('MANIFEST_FORGED'), only: ['MANIFEST_FORGED', 'PRUNED'] },
  })),
  {
    name: 'a head that knows fewer entries than were pruned',
    edit: head(OTHER, { nextSeq: 5 }),
    session: OTHER,
    expect: cut('PROJECTION_MISMATCH'),
  },
  {
    name: 'a closed session that is open, its manifests gone',
    edit: head(OTHER, { status: 'closed' }),
    session: OTHER,
    expect: cut('PROJECTION_MISMATCH'),
  },
  {
    name: 'the tile that stands for the rows',
    edit: (copy) => {
      copy.tiles = copy.tiles.map((tile) => ({ ...tile, hashes: Buffer.alloc(tile.hashes.length, 1) }))
    },
    session: OTHER,
    expect: cut('REWRITTEN'),
  },
  {
    name: 'the tile that stands for the rows: the whole log',
    edit: (copy) => {
      copy.tiles = copy.tiles.map((tile) => ({ ...tile, hashes: Buffer.alloc(tile.hashes.length, 1) }))
    },
    session: null,
    expect: cut('REWRITTEN'),
  },
  {
    name: 'no tile stands for the rows: the whole log',
    edit: (copy) => {
      copy.tiles = []
    },
    session: null,
    expect: { outcome: 'tampered' },
  },
]

export async function pruning(): Promise<Group> {
  const state = await prunedSample()
  const cases = DEEDS.map(({ name, edit, session, expect }): Case => {
    const evidence = (): Evidence => {
      const copy = copyOf(state)
      edit(copy)
      return storeOf(copy, { session })
    }
    return { name, evidence, expect }
  })
  return { name: 'T15 pruned', cases }
}
