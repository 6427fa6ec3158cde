import type { StoredEntry, StoredPayload } from '../../ledger/store.ts'
import { column } from './handle.ts'

/**
 * Text columns come as one BLOB: the driver aborts the process on text that is not UTF-8, which a tamperer may have stored.
 * Each may be null (`~`, which no honest column is) and no honest column holds a line feed.
 */
const TEXTS = ['eid', 'session', 'seq', 'kind', 'env', 'ts', 'hash', 'prev'] as const

export function entryColumns(table: string): string {
  const texts = TEXTS.map((name) => `ifnull(${table}.${name}, '~')`).join(' || char(10) || ')
  return `${table}.n AS n, CAST(${texts} AS BLOB) AS texts, CAST(${table}.body AS BLOB) AS body`
}

export function payloadColumns(table: string): string {
  const blobs = ['path', 'salt', 'value'].map((name) => `CAST(${table}.${name} AS BLOB) AS ${name}`)
  return `${table}.n AS n, ${blobs.join(', ')}`
}

export function entryOf(row: unknown): StoredEntry {
  const texts = latin1(column(row, 'texts')).split('\n')
  const at = (index: number) => (texts.length === TEXTS.length ? (texts[index] ?? '') : '')
  const orNull = (index: number) => (at(index) === '~' ? null : at(index))
  return {
    n: Number(column(row, 'n')),
    eid: orNull(0),
    session: orNull(1),
    seq: positionOf(orNull(2)),
    kind: at(3),
    env: orNull(4),
    ts: orNull(5),
    hash: at(6),
    prev: orNull(7),
    body: bytesOf(column(row, 'body')),
  }
}

export function payloadOf(row: unknown): StoredPayload {
  return {
    n: Number(column(row, 'n')),
    path: latin1(column(row, 'path')),
    salt: bytesOf(column(row, 'salt')),
    value: bytesOf(column(row, 'value')),
  }
}

/** -1 where the column holds something else than a position: it equals no body's. */
function positionOf(text: string | null): number | null {
  if (text === null) return null
  return /^\d{1,15}$/.test(text) ? Number(text) : -1
}

/** BLOBs come as Buffers from `get` and as ArrayBuffers from `all` and `iterate`. */
export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  return value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array()
}

/** Honest columns are ASCII; any other byte makes the text differ from the body's. */
export function latin1(value: unknown): string {
  return Buffer.from(bytesOf(value)).toString('latin1')
}
