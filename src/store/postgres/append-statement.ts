import type { SealedBatch } from '../../ledger/store.ts'
import { byteaArray, int8Array, textArray } from './binary-arrays.ts'
import type { Statement } from './transaction.ts'

/** As which gateway a batch is written: null where this store has not joined. `oldest` is its oldest open intent. */
export interface Membership {
  readonly member: string | null
  readonly oldest: number | null
  /** How long that gateway then counts as alive, an interval. */
  readonly lease: string
}

const PARAMETERS = Array.from({ length: 29 }, (_, index) => `$${index + 1}`).join(',')
const APPEND = `SELECT aegis.append(${PARAMETERS})`

/** One statement, whatever the size of the batch. Its parameters stand in the order of `aegis.append`. */
export function writeStatement(batch: SealedBatch, { member, oldest, lease }: Membership): Statement {
  const { size, replayFrom, frontier } = batch.log
  const values = [
    ...[member, oldest, lease, size, replayFrom, frontier],
    ...entryArrays(batch.entries),
    ...payloadArrays(batch.payloads),
    ...sessionArrays(batch.sessions),
    int8Array(batch.erased.map(({ n }) => n)),
    textArray(batch.erased.map(({ path }) => path)),
  ]
  return { sql: APPEND, values }
}

function entryArrays(entries: SealedBatch['entries']): Buffer[] {
  return [
    int8Array(entries.map(({ n }) => n)),
    textArray(entries.map(({ eid }) => eid)),
    textArray(entries.map(({ session }) => session)),
    int8Array(entries.map(({ seq }) => seq)),
    textArray(entries.map(({ kind }) => kind)),
    textArray(entries.map(({ env }) => env)),
    textArray(entries.map(({ ts }) => ts)),
    textArray(entries.map(({ hash }) => hash)),
    textArray(entries.map(({ prev }) => prev)),
    byteaArray(entries.map(({ body }) => body)),
  ]
}

function payloadArrays(payloads: SealedBatch['payloads']): Buffer[] {
  return [
    int8Array(payloads.map(({ n }) => n)),
    textArray(payloads.map(({ path }) => path)),
    byteaArray(payloads.map(({ salt }) => salt)),
    byteaArray(payloads.map(({ value }) => value)),
  ]
}

function sessionArrays(sessions: SealedBatch['sessions']): Buffer[] {
  return [
    textArray(sessions.map(({ session }) => session)),
    textArray(sessions.map(({ tenant }) => tenant)),
    int8Array(sessions.map(({ nextSeq }) => nextSeq)),
    textArray(sessions.map(({ headHash }) => headHash)),
    textArray(sessions.map(({ status }) => status)),
    int8Array(sessions.map(({ manifestN }) => manifestN)),
    int8Array(sessions.map(({ lastN }) => lastN)),
  ]
}
