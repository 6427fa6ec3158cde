import type { Sha256 } from '../../core/ids.ts'
import { isObject, type JsonObject } from '../../core/json.ts'
import { parseCanonical } from './body.ts'
import { isHash, leafHash } from './chain.ts'
import { VERSION } from './version.ts'

/** Open intents a manifest names one by one; beyond them it gives the count alone. */
const MAX_OPEN = 1024

/** What a manifest says, read back. */
export interface ManifestClaim {
  readonly log: string
  readonly session: string
  readonly entries: number
  readonly last: string
  readonly final: boolean
  readonly text: string
}

export interface Manifest {
  readonly text: string
  readonly hash: Sha256
}

/** Effects that were recorded and whose result was not (yet): write-ahead's loose ends, by envelope. */
export interface OpenIntents {
  /** Returns false where a result belongs to no open intent. */
  note(entry: { kind: string; env: string; effect: string | null; seq: number }): boolean
  /** Their `seq`, ascending. */
  seqs(): readonly number[]
}

export function createOpenIntents(): OpenIntents {
  const open = new Map<string, number>()
  return {
    note({ kind, env, effect, seq }) {
      if (kind === 'result' || kind === 'orphan') return open.delete(env)
      if (effect === 'forward') open.set(env, seq)
      return true
    },
    seqs: () => [...open.values()].sort((one, other) => one - other),
  }
}

/** Adds up a session's entries. A manifest is a pure function of them, so anybody can compute it at any time. */
export interface Tally {
  add(kind: string, hash: string): void
  readonly entries: number
  manifest(final: boolean, open: readonly number[]): Manifest
}

export function createTally(origin: string, session: string, genesisHash: string): Tally {
  const counts: Record<string, number> = {}
  let entries = 0
  let last = genesisHash
  return {
    add(kind, hash) {
      counts[kind] = (counts[kind] ?? 0) + 1
      entries += 1
      last = hash
    },
    get entries() {
      return entries
    },
    manifest(final, open) {
      const named = open.length > 0 && { open: { count: open.length, seqs: open.slice(0, MAX_OPEN) } }
      // In the order of their names, as RFC 8785 has them; words, hashes and counts the engine writes as it does.
      const counted = Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))
      const claim = {
        counts: counted,
        entries,
        final,
        kind: 'manifest',
        last,
        log: origin,
        ...named,
        session,
        v: VERSION,
      }
      const text = JSON.stringify(claim)
      return { text, hash: leafHash(text) }
    },
  }
}

/** Null where the text is no manifest of this format. */
export function readManifest(text: string): ManifestClaim | null {
  const value = parseCanonical(text)
  if (value === null || value['v'] !== VERSION || value['kind'] !== 'manifest' || !isObject(value['counts']))
    return null
  return claimOf(value, text)
}

function claimOf(value: JsonObject, text: string): ManifestClaim | null {
  const { log, session, entries, last, final } = value
  if (typeof log !== 'string' || typeof session !== 'string' || typeof final !== 'boolean') return null
  if (typeof entries !== 'number' || entries < 0 || !isHash(last)) return null
  return { log, session, entries, last, final, text }
}
