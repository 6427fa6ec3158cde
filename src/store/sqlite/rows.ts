import type { StoredEntry, StoredPayload } from '../../ledger/store.ts'
import { bytesOf } from '../bytes.ts'
import { column } from './handle.ts'

/**
 * A row comes as one BLOB, which halves the time that the driver takes to hand it over; and the driver aborts the process on text
 * that is not UTF-8, which a tamperer may have stored. First stands the length of the body, as SQLite counts it, which comes last:
 * what comes before is copied at each step. Each text column may be null (`~`, which no honest one is), and no honest one holds a
 * line feed.
 */
const TEXTS = ['eid', 'session', 'seq', 'kind', 'env', 'ts', 'hash', 'prev'] as const

export function entryColumns(table: string): string {
  const texts = TEXTS.map((name) => `ifnull(${table}.${name}, '~')`).join(' || char(10) || ')
  const body = `ifnull(${table}.body, x'')`
  return `${table}.n AS n, CAST(octet_length(${body}) || ' ' || ${texts} || ${body} AS BLOB) AS row`
}

export function payloadColumns(table: string): string {
  return `${table}.n AS n, ${payloadBlob(table)} AS row`
}

/** The same beside an entry of the same `n`; null where there is none. */
export function joinedPayload(table: string): string {
  return `iif(${table}.n IS NULL, NULL, ${payloadBlob(table)}) AS payload`
}

function payloadBlob(table: string): string {
  const [path, salt, value] = ['path', 'salt', 'value'].map((name) => `ifnull(${table}.${name}, x'')`)
  const lengths = `octet_length(${path}) || ' ' || octet_length(${salt}) || ' '`
  return `CAST(${lengths} || ${path} || ${salt} || ${value} AS BLOB)`
}

export function entryOf(row: unknown): StoredEntry {
  const bytes = blobOf(column(row, 'row'))
  const start = bytes.indexOf(SPACE) + 1
  const end = bytes.length - lengthAt(bytes, 0, start - 1)
  const texts = bytes.toString('latin1', start, end).split('\n')
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
    body: bytes.subarray(end),
  }
}

export function payloadOf(row: unknown): StoredPayload {
  return payloadIn(Number(column(row, 'n')), column(row, 'row'))
}

export function joinedPayloadOf(row: unknown): StoredPayload | null {
  const blob = column(row, 'payload')
  return blob === null ? null : payloadIn(Number(column(row, 'n')), blob)
}

function payloadIn(n: number, blob: unknown): StoredPayload {
  const bytes = blobOf(blob)
  const second = bytes.indexOf(SPACE) + 1
  const start = bytes.indexOf(SPACE, second) + 1
  const salt = start + lengthAt(bytes, 0, second - 1)
  const value = salt + lengthAt(bytes, second, start - 1)
  return {
    n,
    path: bytes.toString('latin1', start, salt),
    salt: bytes.subarray(salt, value),
    value: bytes.subarray(value),
  }
}

const SPACE = 0x20
const DIGIT_ZERO = 0x30

function blobOf(value: unknown): Buffer {
  const bytes = bytesOf(value)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function lengthAt(bytes: Buffer, from: number, to: number): number {
  let length = 0
  for (let at = from; at < to; at += 1) length = length * 10 + (bytes[at] ?? 0) - DIGIT_ZERO
  return length
}

/** -1 where the column holds something else than a position: it equals no body's. */
function positionOf(text: string | null): number | null {
  if (text === null) return null
  return /^\d{1,15}$/.test(text) ? Number(text) : -1
}

/** Honest columns are ASCII; any other byte makes the text differ from the body's. */
export function latin1(value: unknown): string {
  return Buffer.from(bytesOf(value)).toString('latin1')
}
