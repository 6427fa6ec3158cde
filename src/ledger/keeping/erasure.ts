import type { ApprovalChange } from '../../core/approval.ts'
import { AegisError } from '../../core/errors.ts'
import type { EnvelopeId } from '../../core/ids.ts'
import type { Committed } from '../draft.ts'
import { coveringErasure, erasures, MAX_REFS } from '../erasures.ts'
import { type EntryBody, isBody, readBody } from '../format/body.ts'
import { logLeaf } from '../log-leaves.ts'
import type { Scribe } from '../seal.ts'
import type { LedgerReader, LedgerStore, StoredEntry } from '../store.ts'
import { withSnapshot } from '../with-snapshot.ts'
import type { Writer } from '../writer.ts'

export interface ErasureRequest {
  /** `n` of the entry. */
  readonly entry: number
  readonly paths: readonly Committed[]
  readonly reason: string
  /** On whose word: a request's number, a law, a person. */
  readonly authority: string
  /** The key that asks. */
  readonly by: string
  /** Also from the entries that hold the same value under the same salt: those of the approval and of what it let through. */
  readonly everywhere: boolean
}

export interface ErasureReceipt {
  /** The `erase` leaves, by `n`. */
  readonly leaves: readonly number[]
  /** Entries that lost values. */
  readonly erased: readonly number[]
  /** Entries that still hold one of these values under the same commitment. */
  readonly remaining: readonly number[]
  /** Envelopes whose approval may still hold it, until it is settled. */
  readonly envelopes: readonly string[]
  /** Are the old copies overwritten in the database's files? False: something reads them; the next erasure does it. */
  readonly overwritten: boolean
}

/** Erasing committed values: the one thing of an entry that can go, for it stands beside the hashed bytes. */
export interface Eraser {
  /**
   * Records the erasure and deletes value and salt in one transaction, then overwrites what that left in the files.
   * @throws AegisError `not_found` where the entry holds no such value, `conflict` where it is gone or under a legal hold
   */
  erase(request: ErasureRequest): Promise<ErasureReceipt>
}

/** Longest texts of a request, in characters. */
const LIMIT = { reason: 1000, authority: 300 } as const

/** What one entry loses. */
interface Target {
  readonly n: number
  readonly body: EntryBody
  readonly paths: readonly Committed[]
}

/** `sign`: signs what was recorded, where the log is signed at all. */
export function createEraser(store: LedgerStore, writer: Writer, scribe: Scribe, sign: () => Promise<unknown>): Eraser {
  return {
    async erase(request) {
      checkTexts(request)
      const { targets, remaining, traces } = await withSnapshot(store, async (reader) => {
        const found = await findTargets(reader, request)
        return { ...found, traces: await tracesOf(reader, found) }
      })
      const leaves: number[] = []
      for (const group of grouped(targets)) leaves.push(await record(writer, scribe, request, group))
      await sign()
      const overwritten = await store.scour(traces).then(
        () => true,
        () => false,
      )
      const erased = targets.map(({ n }) => n)
      return { leaves, erased, remaining, envelopes: approvalsOf(targets), overwritten }
    },
  }
}

function checkTexts({ reason, authority, paths }: ErasureRequest): void {
  if (paths.length === 0) throw new AegisError('invalid_request', 'name at least one value to erase', { path: 'paths' })
  if (reason.trim() === '') throw new AegisError('invalid_request', 'an erasure needs a reason', { path: 'reason' })
  for (const [path, text, limit] of [
    ['reason', reason, LIMIT.reason],
    ['authority', authority, LIMIT.authority],
  ] as const) {
    if (text.length <= limit) continue
    throw new AegisError('invalid_request', `\`${path}\` is longer than ${limit} characters`, { path })
  }
}

interface Found {
  readonly targets: readonly Target[]
  /** Entries, by `n`, that go on holding one of the values. */
  readonly remaining: readonly number[]
}

/** Long enough that another value seldom has the same, bytes. */
const TRACE = { least: 32, most: 256 } as const

/** Salts as ledger and approvals keep them, and both ends of longer values: by these are remains known. */
async function tracesOf(reader: LedgerReader, { targets, remaining }: Found): Promise<Uint8Array[]> {
  const payloads = (await Promise.all(targets.map(({ n }) => reader.payloads(n)))).flat()
  const gone = payloads.filter(({ n, path }) =>
    targets.some((target) => target.n === n && target.paths.some((erased) => erased === path)),
  )
  // What is still held elsewhere is found there, and no remains.
  if (remaining.length > 0) return []
  return gone.flatMap(({ salt, value }) => [
    salt,
    Buffer.from(Buffer.from(salt).toString('hex')),
    ...(value.length < TRACE.least ? [] : [value.subarray(0, TRACE.most), value.subarray(-TRACE.most)]),
  ])
}

async function findTargets(reader: LedgerReader, { entry, paths, everywhere }: ErasureRequest): Promise<Found> {
  const body = await bodyOf(reader, entry)
  const unique = [...new Set(paths)]
  for (const path of unique) await demandValue(reader, body, entry, path)
  const others = await sameValues(reader, body, entry, unique)
  const targets = [{ n: entry, body, paths: unique }, ...(everywhere ? others : [])]
  await demandNoHold(reader, targets)
  return { targets, remaining: everywhere ? [] : others.map(({ n }) => n) }
}

async function bodyOf(reader: LedgerReader, n: number): Promise<EntryBody> {
  const stored = await reader.entry(n)
  const read = stored === null || stored.seq === null ? null : readBody(textOf(stored))
  if (read !== null && isBody(read)) return read
  throw new AegisError('not_found', `there is no entry ${n} that commits to values`, { path: 'entry' })
}

async function demandValue(reader: LedgerReader, body: EntryBody, n: number, path: Committed): Promise<void> {
  if (!Object.hasOwn(body.commit, path)) {
    const known = Object.keys(body.commit).join(', ')
    throw new AegisError('not_found', `entry ${n} holds no ${path}`, {
      path: 'paths',
      advice: known === '' ? 'It commits to no value at all.' : `It commits to: ${known}.`,
    })
  }
  const payloads = await reader.payloads(n)
  if (payloads.some((payload) => payload.path === path)) return
  const known = coveringErasure(await erasures(reader, body.session), n, path)
  if (known !== undefined)
    throw new AegisError('conflict', `entry ${known.leaf.n} has erased the ${path} of entry ${n}`)
  // To record an erasure now would make a silent deletion look like an honest one.
  throw new AegisError('conflict', `the ${path} of entry ${n} is gone, and no erasure says so`, {
    advice: 'See `aegisctl evidence verify`: a value that disappeared is not erased after the fact.',
  })
}

/** Paths whose salt belongs to the approval: the entries that ask, settle and redeem hold the same value. */
const SHARED: ReadonlySet<Committed> = new Set(['params', 'target', 'justification', 'plan'])

/** The other entries that hold one of these values under the same commitment, from the one that asked on. */
async function sameValues(
  reader: LedgerReader,
  body: EntryBody,
  n: number,
  paths: readonly Committed[],
): Promise<readonly Target[]> {
  const macs = paths.filter((path) => SHARED.has(path)).map((path) => [path, body.commit[path] ?? ''] as const)
  if (macs.length === 0) return []
  const found: Target[] = []
  for await (const page of reader.entries(await firstOf(reader, body, n))) {
    for (const entry of page) {
      if (entry.n === n || entry.seq === null) continue
      const target = await targetIn(reader, entry, macs)
      if (target !== null) found.push(target)
    }
    // A long log is read beside the gateway's work, not instead of it.
    await new Promise(setImmediate)
  }
  return found
}

/** No entry before the one that asked can hold its salt. */
async function firstOf(reader: LedgerReader, body: EntryBody, n: number): Promise<number> {
  const asked = await Promise.all([body.env, body.ref ?? body.env].map((env) => reader.byEnvelope(env)))
  return Math.min(n, ...asked.flat().map((entry) => entry.n))
}

async function targetIn(
  reader: LedgerReader,
  entry: StoredEntry,
  macs: readonly (readonly [Committed, string])[],
): Promise<Target | null> {
  const text = textOf(entry)
  if (!macs.some(([, mac]) => text.includes(mac))) return null
  const body = readBody(text)
  if (!isBody(body)) return null
  const held = new Set((await reader.payloads(entry.n)).map(({ path }) => path))
  const paths = macs.filter(([path, mac]) => body.commit[path] === mac && held.has(path)).map(([path]) => path)
  return paths.length === 0 ? null : { n: entry.n, body, paths }
}

async function demandNoHold(reader: LedgerReader, targets: readonly Target[]): Promise<void> {
  const held = await reader.holds()
  const hold = held.find(({ session }) => targets.some(({ body }) => body.session === session))
  if (hold === undefined) return
  throw new AegisError('conflict', `session ${hold.session} is under a legal hold: nothing of it may be erased`, {
    advice: 'Lift it with `aegisctl evidence unhold` where the law lets you.',
  })
}

/** One leaf speaks of all its entries alike: of one session, with the same paths, and of so many at most. */
function grouped(targets: readonly Target[]): readonly (readonly Target[])[] {
  // Not `Map.groupBy`: Node 20 has none.
  const groups = new Map<string, Target[]>()
  for (const target of targets) {
    const key = `${target.body.session}\n${[...target.paths].sort().join()}`
    groups.set(key, [...(groups.get(key) ?? []), target])
  }
  return [...groups.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / MAX_REFS) }, (_, at) => all.slice(at * MAX_REFS, (at + 1) * MAX_REFS)),
  )
}

function record(writer: Writer, scribe: Scribe, request: ErasureRequest, group: readonly Target[]): Promise<number> {
  const [{ body, paths } = { body: null, paths: [] }] = group
  const session = body?.session ?? ''
  const { authority, by, reason } = request
  const refs = group.map(({ n }) => n).sort((one, other) => one - other)
  return writer.leaf({
    ...logLeaf(scribe, 'erase', { authority, by, paths: [...paths].sort(), reason, refs, session }),
    session,
    erased: group.flatMap(({ n }) => paths.map((path) => ({ n, path }))),
    changes: approvalsOf(group).map((id): ApprovalChange => ({ kind: 'forget', id, paths })),
  })
}

function approvalsOf(targets: readonly Target[]): EnvelopeId[] {
  const ids = targets.flatMap(({ body }) => (body.ref === null ? [body.env] : [body.env, body.ref]))
  return [...new Set(ids)] as EnvelopeId[]
}

function textOf(entry: StoredEntry): string {
  return Buffer.from(entry.body).toString()
}
