import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Log } from '../core/runtime.ts'
import type { Committed } from '../ledger/draft.ts'
import { readErasure } from '../ledger/erasures.ts'
import type { StoredEntry, StoredPayload } from '../ledger/store.ts'
import type { Tail } from '../ledger/tail.ts'
import { type BlockBuilder, createBlockBuilder } from './block-builder.ts'
import { BLOCK_SLOTS, type SearchSource, type SearchState, type SearchStore } from './ports.ts'
import { noSlots, pack, remove, unpack } from './slots.ts'
import { type EntryTerms, hiddenTarget, TARGET_PATHS, targetOf, termsOf } from './terms.ts'

/** The form of what is kept: another one makes the index anew. */
const FORM = 1
/** Larger parameters are read one at a time, bytes. */
const MOST_VALUE = 32 * 1024
/** How long a gateway may go on writing the index once it said so, in milliseconds. */
const LEASE_MS = 30_000
/** How soon another gateway's word is looked for, and how long a failure is waited out, in milliseconds. */
const LOOK_MS = 250
const RETRY_MS = 2000

export interface IndexerParts {
  readonly reader: SearchSource
  readonly tail: Pick<Tail, 'follow' | 'wake'>
  readonly store: SearchStore
  /** Of the installation: targets are kept under it. */
  readonly key: Uint8Array
  /** This gateway, among those that write the index. */
  readonly holder: string
  readonly clock: Clock
  readonly log: Log
  /** How long it rests after work, as a multiple of that: where calls of agents share its thread they come first. */
  readonly rest: number
}

export interface Indexer {
  /** What is not stored yet. */
  edge(): BlockBuilder
  /** All entries with a smaller `n` can be found. */
  known(): number
  /** Resolves once all entries below `n` can be found, or `withinMs` have passed. */
  reached(n: number, withinMs: number): Promise<void>
  close(): Promise<void>
}

/** Follows the log and keeps the index of it. Reads what it needs of each entry once; an append never waits for it. */
export function startIndexer(parts: IndexerParts): Indexer {
  const { store, log, clock } = parts
  const stop = new AbortController()
  const waiting = new Set<() => void>()
  let edge = createBlockBuilder(0)
  let known = 0
  let pruned = 0
  let warned = false

  function knownUpTo(n: number): void {
    known = n
    for (const look of [...waiting]) look()
  }

  /** Where the index ends: made anew where it is not of this log. */
  async function open(): Promise<number> {
    const identity = await identityOf(parts)
    for (;;) {
      const state = await store.state()
      if (await isOfThisLog(parts, state, identity)) return state.next
      if (await mayWrite()) {
        if (state.identity !== '') log.warn({ next: state.next }, 'the search index is of another log: it is made anew')
        await store.reset(identity, Math.floor(((await parts.reader.head())?.minIndex ?? 0) / BLOCK_SLOTS))
      }
    }
  }

  /** One gateway writes the index of a log. The others wait a moment, then look again. */
  async function mayWrite(): Promise<boolean> {
    const now = clock.now()
    if (await store.lease(parts.holder, now, now + LEASE_MS)) return true
    await sleep(LOOK_MS, undefined, { ref: false, signal: stop.signal })
    return false
  }

  /** Until the log shows more than this block holds, or another gateway has stored further ones. */
  async function follow(from: number): Promise<void> {
    edge = createBlockBuilder(from)
    knownUpTo(from * BLOCK_SLOTS)
    for await (const page of parts.tail.follow(from * BLOCK_SLOTS, stop.signal)) {
      const began = clock.elapsed()
      await prune()
      for (const part of byBlock(page)) {
        const block = Math.floor((part[0]?.n ?? 0) / BLOCK_SLOTS)
        if (block !== edge.block && !(await finish(block))) return
        await take(part)
        knownUpTo((part.at(-1)?.n ?? 0) + 1)
      }
      if (parts.rest > 0) await sleep((clock.elapsed() - began) * parts.rest, undefined, { ref: false })
    }
  }

  /** Stores the edge and begins the block after it. False where another gateway did otherwise: then one begins where that is. */
  async function finish(next: number): Promise<boolean> {
    for (;;) {
      const stored = (await store.state()).next
      if (stored === next) break
      if (stored !== edge.block) return false
      if (!(await mayWrite())) continue
      const { stored: block, postings } = edge.finished()
      await store.put(block, postings, next)
    }
    edge = createBlockBuilder(next)
    return true
  }

  async function take(entries: readonly StoredEntry[]): Promise<void> {
    const read = entries.map((entry) => ({ entry, terms: termsOf(entry) }))
    const targets = await targetsOf(parts, read)
    for (const { entry, terms } of read) {
      edge.add(entry.n, terms, targets.get(entry.n) ?? null, entry.hash)
      if (entry.kind === 'erase') await forget(entry)
    }
  }

  /** The leaf is in the log before anybody can say that the value is gone: what stood for it goes now. */
  async function forget(leaf: StoredEntry): Promise<void> {
    const claim = readErasure(Buffer.from(leaf.body).toString())
    if (claim === null || !claim.paths.some(tellsTarget)) return
    const gone = new Map<number, number[]>()
    for (const n of claim.refs) {
      const block = Math.floor(n / BLOCK_SLOTS)
      if (block === edge.block) edge.forgetTarget(n)
      else if (block < edge.block) gone.set(block, [...(gone.get(block) ?? []), n % BLOCK_SLOTS])
    }
    for (const [block, slots] of gone) await store.rewrite(block, 'target', without(slots))
  }

  /** The leaf that says so comes before the rows go, and another role may have to delete them: the head row tells. */
  async function prune(): Promise<void> {
    const min = (await parts.reader.head())?.minIndex ?? 0
    if (min <= pruned) return
    const block = Math.floor(min / BLOCK_SLOTS)
    await store.drop(Math.min(block, edge.block))
    const slots = Array.from({ length: min % BLOCK_SLOTS }, (_, slot) => slot)
    if (slots.length > 0 && block < edge.block) await store.rewrite(block, null, without(slots))
    pruned = min
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await follow(await open())
        warned = false
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        if (!warned && !stop.signal.aborted) log.warn({ why }, 'the search index does not grow; it is tried again')
        warned = true
        await sleep(RETRY_MS, undefined, { ref: false, signal: stop.signal }).catch(() => undefined)
      }
    }
  }

  const running = run()
  return {
    edge: () => edge,
    known: () => known,
    reached(n, withinMs) {
      if (known >= n) return Promise.resolve()
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer)
          waiting.delete(look)
          resolve()
        }
        const look = () => {
          if (known >= n) done()
        }
        const timer = setTimeout(done, withinMs)
        waiting.add(look)
      })
    },
    async close() {
      stop.abort()
      await running
    },
  }
}

function tellsTarget(path: Committed): boolean {
  return TARGET_PATHS.some((known) => known === path)
}

function without(gone: readonly number[]): (slots: Uint8Array) => Uint8Array | null {
  return (packed) => {
    const slots = noSlots()
    unpack(packed, slots)
    for (const slot of gone) remove(slots, slot)
    return pack(slots)
  }
}

/** A page cut where blocks end. */
function byBlock(page: readonly StoredEntry[]): StoredEntry[][] {
  const parts = new Map<number, StoredEntry[]>()
  for (const entry of page) {
    const block = Math.floor(entry.n / BLOCK_SLOTS)
    const part = parts.get(block)
    if (part === undefined) parts.set(block, [entry])
    else part.push(entry)
  }
  return [...parts.values()]
}

async function identityOf({ reader, key }: IndexerParts): Promise<string> {
  const origin = (await reader.head())?.origin ?? ''
  const check = createHmac('sha256', key).update('search key').digest('hex').slice(0, 16)
  return `${FORM}:${check}:${origin}`
}

/** A log that was set back and went on otherwise has other entries where the index ends. */
async function isOfThisLog(
  { reader, store }: IndexerParts,
  { identity, next }: SearchState,
  wanted: string,
): Promise<boolean> {
  if (identity !== wanted || next * BLOCK_SLOTS > ((await reader.head())?.size ?? 0)) return false
  const [last] = await store.blocks({ from: next - 1, to: next - 1 }, 0, Number.POSITIVE_INFINITY)
  const entry = last === undefined ? null : await reader.entry(next * BLOCK_SLOTS - 1)
  return entry === null || last?.lastHash === entry.hash
}

interface Read {
  readonly entry: StoredEntry
  readonly terms: EntryTerms
}

/** Targets as the index keeps them, by `n`. */
async function targetsOf({ reader, key }: IndexerParts, read: readonly Read[]): Promise<Map<number, string>> {
  const asked = read.flatMap(({ entry: { n }, terms: { action } }) => (action === null ? [] : [{ n, action }]))
  const found = new Map<number, string>()
  const [first, last] = [asked[0], asked.at(-1)]
  if (first === undefined || last === undefined) return found
  const byEntry = new Map<number, StoredPayload[]>()
  for (const payload of await reader.payloadsBetween(first.n, last.n + 1, TARGET_PATHS, MOST_VALUE)) {
    byEntry.set(payload.n, [...(byEntry.get(payload.n) ?? []), payload])
  }
  for (const { n, action } of asked) {
    const target = targetOf(action, byEntry.get(n) ?? (await reader.payloads(n)))
    if (target !== null) found.set(n, hiddenTarget(key, target))
  }
  return found
}
