import type { LogHead, SessionHead } from '../../src/ledger/store.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { checkpointOf, copyOf, createLogWriter, type LogState, leafHashOf, SIGNER, STRANGER } from './log.ts'
import { regrow, rewriteFrom } from './rewrite.ts'
import { entryAt, fullDraft, headOf, indexOf, newest, OTHER, storeOf } from './sample.ts'

/** A full tile and a ragged edge. */
const ROUNDS = 140

/** One session that was closed, with an older manifest, and one that is open; signed three times, the last two of them anchored. */
export async function rowsSample(): Promise<LogState> {
  const writer = createLogWriter()
  writer.leaf('boot', { size: 0, store: {} })
  for (let index = 0; index < ROUNDS; index += 1) {
    writer.append(fullDraft(index % 7), fullDraft(index % 7, OTHER))
    if (index === 50) await writer.manifest(SESSION)
    if (index === 60) await writer.sign()
    if (index === 70) await writer.manifest(OTHER)
    if (index === 100) await writer.sign()
  }
  await writer.manifest(SESSION, true)
  await writer.sign()
  const state = writer.state()
  state.receipts = state.checkpoints.slice(1).map(({ size }) => ({ size, sink: 'file', receipt: 'kept', at: 1 }))
  return state
}

/** What an administrator does to the rows that claim something beside the entries, and what each verification says of it. */
interface Deed {
  readonly name: string
  readonly edit: (copy: LogState) => void | Promise<void>
  /** Of the session; absent: it does not rest on that. */
  readonly session?: Expected
  /** Of the whole log. */
  readonly whole: Expected
}

const told = (kind: string, more: Partial<Expected> = {}): Expected => ({
  ...{ outcome: 'tampered', class: kind, only: [kind] },
  ...more,
})
const MISMATCH = told('PROJECTION_MISMATCH')

const head =
  (change: Partial<SessionHead>, session: string = SESSION) =>
  (copy: LogState): void => {
    copy.sessions.set(session, { ...headOf(copy, session), ...change })
  }
const logRow =
  (change: Partial<LogHead>) =>
  (copy: LogState): void => {
    copy.log = { ...copy.log, ...change }
  }

const HEADS: readonly Deed[] = [
  { name: 'a tenant', edit: head({ tenant: 'other' }), session: MISMATCH, whole: MISMATCH },
  { name: 'a closed session is open', edit: head({ status: 'open' }), session: MISMATCH, whole: MISMATCH },
  { name: 'an open session is closed', edit: head({ status: 'closed' }, OTHER), whole: MISMATCH },
  { name: 'the place of the last entry', edit: head({ lastN: 7 }), session: MISMATCH, whole: MISMATCH },
  { name: 'a manifest that is not named', edit: head({ manifestN: null }), session: MISMATCH, whole: MISMATCH },
  {
    name: 'an older manifest that is named',
    edit: (copy) => head({ manifestN: copy.entries.find(({ kind }) => kind === 'manifest')?.n ?? -1 })(copy),
    session: MISMATCH,
    whole: MISMATCH,
  },
  ...[-1, -283, 9999].map(
    (place): Deed => ({
      name: `a manifest at ${place}`,
      edit: head({ manifestN: place }),
      session: told('MANIFEST_FORGED', { first: `seq start -> manifest (entry ${place}) MANIFEST_FORGED` }),
      whole: told('MANIFEST_FORGED'),
    }),
  ),
  {
    name: 'a manifest of the other session',
    edit: (copy) => head({ manifestN: headOf(copy, OTHER).manifestN })(copy),
    session: told('MANIFEST_FORGED'),
    whole: told('MANIFEST_FORGED'),
  },
  {
    name: 'a manifest that is an entry',
    edit: head({ manifestN: 1 }),
    session: told('MANIFEST_FORGED'),
    whole: told('MANIFEST_FORGED'),
  },
  {
    name: 'a closed session is open, and its last manifest says so too',
    edit: (copy) => {
      const { manifestN } = headOf(copy)
      const leaf = entryAt(copy, manifestN ?? -1)
      const body = Buffer.from(Buffer.from(leaf.body).toString().replace('"final":true', '"final":false'))
      copy.entries[leaf.n] = { ...leaf, body, hash: leafHashOf(body) }
      head({ status: 'open' })(copy)
    },
    session: { outcome: 'tampered', class: 'REWRITTEN' },
    whole: { outcome: 'tampered', class: 'REWRITTEN' },
  },
  {
    name: 'no head row',
    edit: (copy) => {
      copy.sessions.delete(SESSION)
    },
    session: MISMATCH,
    whole: MISMATCH,
  },
]

const same = (bytes: Uint8Array, value: number) => Buffer.alloc(bytes.length, value)

const LOG: readonly Deed[] = [
  {
    name: 'another tree in the head row',
    edit: (copy) => logRow({ frontier: same(copy.log.frontier, 1) })(copy),
    session: MISMATCH,
    whole: MISMATCH,
  },
  { name: 'no tree in the head row', edit: logRow({ frontier: new Uint8Array() }), session: MISMATCH, whole: MISMATCH },
  {
    name: 'a tile is missing',
    edit: (copy) => {
      copy.tiles = copy.tiles.filter(({ index }) => index !== 0)
    },
    session: MISMATCH,
    whole: MISMATCH,
  },
  {
    name: 'a tile is another',
    edit: (copy) => {
      copy.tiles = copy.tiles.map((tile) => (tile.index === 0 ? { ...tile, hashes: same(tile.hashes, 1) } : tile))
    },
    session: MISMATCH,
    whole: MISMATCH,
  },
]

/** The newest checkpoint of the store with these changes, or none. */
const checkpoint =
  (change: Partial<LogState['checkpoints'][number]> | null) =>
  (copy: LogState): void => {
    const last = newest(copy)
    copy.checkpoints = [...copy.checkpoints.slice(0, -1), ...(change === null ? [] : [{ ...last, ...change }])]
  }

const CHECKPOINTS: readonly Deed[] = [
  { name: 'the newest checkpoint is gone', edit: checkpoint(null), session: MISMATCH, whole: MISMATCH },
  ...[0, -283, 1, 206, 90_000].map(
    (size): Deed => ({
      name: `the newest checkpoint is numbered ${size}`,
      edit: checkpoint({ size }),
      session: MISMATCH,
      whole: MISMATCH,
    }),
  ),
  { name: 'its root', edit: checkpoint({ root: Buffer.alloc(32, 1) }), session: MISMATCH, whole: MISMATCH },
  {
    name: 'an old checkpoint is signed by a stranger',
    edit: async (copy) => {
      const [first, ...others] = copy.checkpoints
      const part = copyOf(copy)
      part.entries = part.entries.slice(0, first?.size)
      regrow(part)
      copy.checkpoints = [await checkpointOf(part, [STRANGER]), ...others]
    },
    whole: told('WRONG_KEY'),
  },
  {
    name: 'history is rewritten, and an old checkpoint is a stranger’s',
    edit: async (copy) => {
      const [first, ...others] = copy.checkpoints
      const part = copyOf(copy)
      part.entries = part.entries.slice(0, first?.size)
      regrow(part)
      copy.checkpoints = [await checkpointOf(part, [STRANGER]), ...others]
      rewriteFrom(copy, 130)
    },
    session: { outcome: 'tampered', class: 'REWRITTEN', n: 0 },
    whole: { outcome: 'tampered', class: 'REWRITTEN', n: 0 },
  },
  {
    name: 'a checkpoint more, of no entries',
    edit: (copy) => {
      copy.checkpoints = [{ ...newest(copy), size: 0 }, ...copy.checkpoints]
    },
    whole: MISMATCH,
  },
  {
    name: 'an old checkpoint has another note',
    edit: (copy) => {
      const [first, second, ...others] = copy.checkpoints
      if (first !== undefined && second !== undefined)
        copy.checkpoints = [{ ...first, note: second.note }, second, ...others]
    },
    whole: MISMATCH,
  },
  {
    name: 'a receipt for a size that was never signed',
    edit: (copy) => {
      copy.receipts = [...copy.receipts, { size: 3, sink: 'file', receipt: 'kept', at: 1 }]
    },
    whole: MISMATCH,
  },
  {
    name: 'a receipt for a size below zero',
    edit: (copy) => {
      copy.receipts = [{ size: -3, sink: 'file', receipt: 'kept', at: 1 }, ...copy.receipts]
    },
    whole: MISMATCH,
  },
  {
    name: 'another history, signed with the stolen key at the size that was signed',
    edit: async (copy) => {
      rewriteFrom(copy, 270)
      copy.checkpoints = [...copy.checkpoints.slice(0, -1), await checkpointOf(copy, [SIGNER])]
    },
    session: told('FORK'),
    whole: told('FORK'),
  },
]

function leafEdit(edit: (body: string) => string, columns: { readonly kind?: string; readonly session?: string } = {}) {
  return (copy: LogState): void => {
    const leaf = entryAt(copy, 0)
    const body = edit(Buffer.from(leaf.body).toString())
    copy.entries[0] = { ...leaf, ...columns, body: Buffer.from(body), hash: leafHashOf(body) }
  }
}

/** The leaf's own damage, beside which the tree differs too. */
const leafTold = (kind: string): Expected => ({ outcome: 'tampered', class: kind, n: 0 })

const LEAVES: readonly Deed[] = [
  {
    name: 'the body of a leaf',
    edit: (copy) => {
      const leaf = entryAt(copy, 0)
      copy.entries[0] = { ...leaf, body: Buffer.from('{}') }
    },
    whole: told('ALTERED_BODY', { n: 0 }),
  },
  { name: 'a leaf that is not canonical', edit: leafEdit((body) => `${body} `), whole: leafTold('NON_CANONICAL') },
  {
    name: 'a leaf of another log',
    edit: leafEdit((body) => body.replace('log/test', 'log/else')),
    whole: leafTold('WRONG_LOG'),
  },
  { name: 'a leaf’s kind', edit: leafEdit((body) => body, { kind: 'gap' }), whole: MISMATCH },
  { name: 'a leaf’s session', edit: leafEdit((body) => body, { session: OTHER }), whole: MISMATCH },
  {
    name: 'a leaf rewritten with its hash',
    edit: leafEdit((body) => body.replace('gw-1', 'gw-2')),
    whole: { outcome: 'tampered', class: 'REWRITTEN', n: 0 },
  },
  {
    name: 'an entry of a session that has no beginning',
    edit: (copy) => {
      const last = entryAt(copy, copy.entries.length - 1)
      copy.entries.push({ ...last, n: last.n + 1, session: 'key_c3/x', seq: 4, kind: 'allow' })
    },
    whole: { outcome: 'tampered', class: 'INSERTED' },
  },
  {
    name: 'a row of the middle is gone',
    edit: (copy) => {
      copy.entries.splice(0, 1)
    },
    whole: { outcome: 'tampered', class: 'DELETED', n: 0 },
  },
]

const NOTHING: Deed = {
  name: 'nothing',
  edit: () => {},
  session: { outcome: 'valid', only: [], trust: 'self-signed' },
  whole: { outcome: 'valid', only: [], trust: 'self-signed' },
}

/** Which side of a broken link is false: the signed tree knows. */
const BLAME: readonly Deed[] = [
  {
    name: 'the first entry after a checkpoint names another before it, and all after it was made to fit',
    edit: (copy) =>
      rewriteFrom(copy, indexOf(copy, 61), (body) => body.replace(/"prev":"\w{64}"/, `"prev":"${'ab'.repeat(32)}"`)),
    session: { outcome: 'tampered', first: 'seq 60 -> 61 (entry 124) ALTERED_LINK' },
    whole: { outcome: 'tampered', class: 'ALTERED_LINK', seq: 60, n: 124 },
  },
  {
    name: 'an entry rewritten with its hash, and nothing else',
    edit: (copy) => {
      const index = indexOf(copy, 30)
      const body = Buffer.from(entryAt(copy, index).body).toString().replace('forge.', 'other.')
      copy.entries[index] = { ...entryAt(copy, index), body: Buffer.from(body), hash: leafHashOf(body) }
    },
    session: { outcome: 'tampered', first: 'seq 30 -> 31 (entry 61) ALTERED_BODY' },
    whole: { outcome: 'tampered', class: 'ALTERED_BODY', seq: 30, n: 61 },
  },
]

/** Rows that are newer than the newest checkpoint. */
async function tailed(): Promise<LogState> {
  const state = await rowsSample()
  return { ...state, checkpoints: state.checkpoints.slice(0, 2), receipts: [] }
}

const TAILED: readonly Deed[] = [
  {
    name: 'an entry of another session is gone, where no checkpoint covers the end yet',
    edit: (copy) => {
      copy.entries.splice(indexOf(copy, ROUNDS - 2, OTHER), 1)
    },
    session: { outcome: 'tampered', class: 'DELETED', only: ['DELETED', 'TORN_TAIL'] },
    whole: { outcome: 'tampered', class: 'DELETED' },
  },
  {
    name: 'nothing, where no checkpoint covers the end yet',
    edit: () => {},
    session: { outcome: 'below', only: ['TORN_TAIL'] },
    whole: { outcome: 'below', only: [] },
  },
  {
    name: 'another tree in the head row, where no checkpoint covers the end yet',
    edit: (copy) => logRow({ frontier: same(copy.log.frontier, 1) })(copy),
    session: { outcome: 'tampered', only: ['PROJECTION_MISMATCH', 'TORN_TAIL'] },
    whole: MISMATCH,
  },
]

export async function rowsBeside(): Promise<Group> {
  const state = await rowsSample()
  const deeds = [NOTHING, ...HEADS, ...LOG, ...CHECKPOINTS, ...LEAVES, ...BLAME]
  const remembered = newest(state).note
  const ends = TAILED.flatMap((deed) => casesOf(deed, tailed, null))
  const cases = [...deeds.flatMap((deed) => casesOf(deed, async () => state, remembered)), ...ends]
  return { name: 'rows beside the entries', cases: [...cases, finalManifest(state), ...anchoring(state)] }
}

function casesOf({ name, edit, session, whole }: Deed, made: () => Promise<LogState>, memory: string | null): Case[] {
  const evidence = (asked: string | null) => async (): Promise<Evidence> => {
    const copy = copyOf(await made())
    await edit(copy)
    return storeOf(copy, { session: asked, remembered: memory })
  }
  const log: Case = { name: `${name}: the whole log`, evidence: evidence(null), expect: whole }
  return session === undefined ? [log] : [{ name, evidence: evidence(SESSION), expect: session }, log]
}

/** In a full tile, which is as it was: the tree alone shows it. */
function finalManifest(state: LogState): Case {
  const evidence = (): Evidence => {
    const copy = copyOf(state)
    const leaf = entryAt(copy, headOf(copy, OTHER).manifestN ?? -1)
    const body = Buffer.from(Buffer.from(leaf.body).toString().replace('"final":false', '"final":true'))
    copy.entries[leaf.n] = { ...leaf, body, hash: leafHashOf(body) }
    return storeOf(copy, { session: OTHER })
  }
  return { name: 'a manifest that calls itself final', evidence, expect: told('REWRITTEN') }
}

function anchoring(state: LogState): Case[] {
  const anchors = (count: number) =>
    state.checkpoints.slice(0, count).map(({ note }) => ({ by: 'place', sink: 'file', note }) as const)
  return [
    {
      name: 'an anchor that holds all of it',
      evidence: () => storeOf(state, { anchors: anchors(3) }),
      expect: { outcome: 'valid', only: [], trust: 'anchored(file)' },
    },
    {
      name: 'an anchor that holds the beginning alone',
      evidence: () => storeOf(state, { anchors: anchors(2) }),
      expect: { outcome: 'valid', class: 'UNANCHORED', only: ['UNANCHORED'], trust: 'self-signed' },
    },
    {
      name: 'an anchor that was asked and holds nothing',
      evidence: () => storeOf(state, { anchors: [] }),
      expect: { outcome: 'valid', class: 'UNANCHORED', only: ['UNANCHORED'], trust: 'self-signed' },
    },
  ]
}
