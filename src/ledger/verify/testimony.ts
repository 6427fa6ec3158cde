import { isAscii } from 'node:buffer'
import { type EntryBody, isBody, readBody, type Unreadable } from '../format/body.ts'
import { leafHash, leafHashOfBytes } from '../format/chain.ts'

/** The typed columns beside a stored body; null where the source has none (a bundle). */
export interface Columns {
  readonly eid: string | null
  readonly session: string | null
  readonly seq: number | null
  readonly kind: string
  readonly env: string | null
  readonly ts: string | null
  readonly prev: string | null
}

/** An entry as some source presents it. Nothing in it is believed. */
export interface Presented {
  readonly n: number
  readonly hash: string
  readonly body: Uint8Array | string
  readonly columns: Columns | null
  /** Does the signed tree have this hash in this place? Absent or null: there is none that covers it. */
  readonly inTree?: boolean | null
}

/** What one entry says about itself. */
export interface Testimony {
  readonly n: number
  readonly claimedHash: string
  readonly bodyHash: string
  /** Body and hash agree. */
  readonly sound: boolean
  readonly body: EntryBody | null
  readonly unreadable: Unreadable | null
  readonly columns: Columns | null
  readonly inTree: boolean | null
}

/** @param anyForm does not ask whether a body is canonical, only what it says */
export function examine(entry: Presented, anyForm = false): Testimony {
  const text = typeof entry.body === 'string' ? entry.body : decode(entry.body)
  const bodyHash = typeof entry.body === 'string' ? leafHash(entry.body) : leafHashOfBytes(entry.body)
  const read = text === null ? NOT_TEXT : readBody(text, anyForm)
  const body = isBody(read) ? read : null
  const unreadable = isBody(read) ? null : read
  const { n, hash: claimedHash, columns, inTree = null } = entry
  return { n, claimedHash, bodyHash, sound: bodyHash === claimedHash, body, unreadable, columns, inTree }
}

const NOT_TEXT: Unreadable = { canonical: false, reason: 'not UTF-8', unknownVersion: false }

// A byte order mark is a byte like any other here: swallowing it would hide an edit.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Most bodies are ASCII, which needs no decoder. */
function decode(bytes: Uint8Array): string | null {
  if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  try {
    return UTF8.decode(bytes)
  } catch {
    return null
  }
}

/** May a successor name this entry by that hash? An unsound entry has two: which one is named says what was altered. */
export function answersTo(entry: Testimony, hash: string): boolean {
  return entry.claimedHash === hash || entry.bodyHash === hash
}

/** The first column that disagrees with the body, or null. */
export function projectionFault({ body, columns }: Testimony): string | null {
  if (body === null || columns === null) return null
  for (const name of COLUMNS) if (columns[name] !== body[name]) return name
  return null
}

const COLUMNS = ['eid', 'session', 'seq', 'kind', 'env', 'ts', 'prev'] as const
