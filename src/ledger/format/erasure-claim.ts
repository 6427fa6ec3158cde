import { type JsonObject, textMember } from '../../core/json.ts'
import { parseCanonical } from './body.ts'
import { type Committed, isCommitted, VERSION } from './version.ts'

/** What an `erase` leaf says: of these entries the values at these paths were deleted, with their salts. */
export interface ErasureClaim {
  readonly log: string
  /** All its entries are of this session. */
  readonly session: string
  /** Entries by `n`. */
  readonly refs: readonly number[]
  readonly paths: readonly Committed[]
  readonly reason: string
  /** On whose word, as given with the request. */
  readonly authority: string
  /** The key that asked: authenticated. */
  readonly by: string
  /** RFC 3339, a claim. */
  readonly ts: string
}

/** Most entries one leaf names: with its texts it stays below the 32 KiB of a body. */
export const MAX_REFS = 1024

/** Null where the text is no `erase` leaf of this format. */
export function readErasure(text: string): ErasureClaim | null {
  const value = parseCanonical(text)
  if (value === null || value['v'] !== VERSION || value['kind'] !== 'erase') return null
  const refs = numbers(value['refs'])
  const paths = committedPaths(value['paths'])
  const words = textsOf(value)
  return refs === null || paths === null || words === null ? null : { ...words, refs, paths }
}

/** The recorded erasure that covers the value at `path` of entry `n`, or undefined. */
export function coveringErasure<T extends ErasureClaim>(known: readonly T[], n: number, path: string): T | undefined {
  return known.find(({ refs, paths }) => refs.includes(n) && paths.some((erased) => erased === path))
}

function textsOf(value: JsonObject): Omit<ErasureClaim, 'refs' | 'paths'> | null {
  const log = textMember(value, 'log')
  const session = textMember(value, 'session')
  const reason = textMember(value, 'reason')
  const authority = textMember(value, 'authority')
  const by = textMember(value, 'by')
  const ts = textMember(value, 'ts')
  if (log === undefined || session === undefined || reason === undefined) return null
  if (authority === undefined || by === undefined || ts === undefined) return null
  return { log, session, reason, authority, by, ts }
}

function numbers(value: JsonObject[string] | undefined): number[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_REFS) return null
  const found = value.filter((n): n is number => typeof n === 'number' && n >= 0)
  return found.length === value.length ? found : null
}

function committedPaths(value: JsonObject[string] | undefined): Committed[] | null {
  if (!Array.isArray(value) || value.length === 0) return null
  const found = value.filter((path): path is Committed => typeof path === 'string' && isCommitted(path))
  return found.length === value.length ? found : null
}
