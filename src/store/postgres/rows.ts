import type { LogHead, SessionHead, StoredEntry, StoredPayload } from '../../ledger/store.ts'
import { bytesOf } from '../bytes.ts'
import type { Row } from './connection.ts'

export const ENTRY_COLUMNS = ['n', 'eid', 'session', 'seq', 'kind', 'env', 'ts', 'hash', 'prev', 'body'] as const
export const HEAD = 'SELECT origin, size, replay_from, frontier, min_index FROM aegis.ledger_log WHERE id = 1'
export const SESSION_COLUMNS = 'session, tenant, next_seq, head_hash, status, manifest_n, last_n'

/** `e.n, e.eid, ...` */
export function entryColumns(table: string): string {
  return ENTRY_COLUMNS.map((name) => `${table}.${name}`).join(', ')
}

export function headOf(row: Row | undefined): LogHead | null {
  if (row === undefined) return null
  return {
    origin: textOf(row['origin']),
    size: Number(row['size']),
    replayFrom: Number(row['replay_from']),
    frontier: bytesOf(row['frontier']),
    minIndex: Number(row['min_index']),
  }
}

export function sessionOf(row: Row): SessionHead {
  return {
    session: textOf(row['session']),
    tenant: textOf(row['tenant']),
    nextSeq: Number(row['next_seq']),
    headHash: textOf(row['head_hash']),
    status: row['status'] === 'closed' ? 'closed' : 'open',
    manifestN: numberOrNull(row['manifest_n']),
    lastN: Number(row['last_n']),
  }
}

export function entryOf(row: Row): StoredEntry {
  return {
    n: Number(row['n']),
    eid: textOrNull(row['eid']),
    session: textOrNull(row['session']),
    seq: numberOrNull(row['seq']),
    kind: textOf(row['kind']),
    env: textOrNull(row['env']),
    ts: textOrNull(row['ts']),
    hash: textOf(row['hash']),
    prev: textOrNull(row['prev']),
    body: bytesOf(row['body']),
  }
}

export function payloadOf(row: Row): StoredPayload {
  return { n: Number(row['n']), path: textOf(row['path']), salt: bytesOf(row['salt']), value: bytesOf(row['value']) }
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}
