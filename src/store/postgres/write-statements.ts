import type { SealedBatch } from '../../ledger/store.ts'
import { byteaArray, int8Array, textArray } from './binary-arrays.ts'
import type { Statement } from './transaction.ts'

const ENTRIES = `INSERT INTO aegis.ledger_entry (n, eid, session, seq, kind, env, ts, hash, prev, body)
  SELECT * FROM unnest($1::int8[], $2::text[], $3::text[], $4::int8[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::bytea[])`
const PAYLOADS = `INSERT INTO aegis.ledger_payload (n, path, salt, value)
  SELECT * FROM unnest($1::int8[], $2::text[], $3::bytea[], $4::bytea[])`
const SESSIONS = `INSERT INTO aegis.ledger_session (session, tenant, next_seq, head_hash, status, manifest_n, last_n)
  SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::text[], $5::text[], $6::int8[], $7::int8[])
  ON CONFLICT (session) DO UPDATE SET next_seq = excluded.next_seq, head_hash = excluded.head_hash,
    status = excluded.status, manifest_n = excluded.manifest_n, last_n = excluded.last_n`
const ERASE = 'SELECT aegis.erase($1::int8[], $2::text[])'

/** One statement a table, whatever the size of the batch. The head row comes after these (`gateways.ts`): it is checked against them. */
export function writeStatements(batch: SealedBatch): Statement[] {
  const { entries, payloads, sessions, erased } = batch
  return [
    ...(entries.length === 0 ? [] : [entriesStatement(entries)]),
    ...(payloads.length === 0 ? [] : [payloadsStatement(payloads)]),
    ...(sessions.length === 0 ? [] : [sessionsStatement(sessions)]),
    ...(erased.length === 0 ? [] : [eraseStatement(erased)]),
  ]
}

function entriesStatement(entries: SealedBatch['entries']): Statement {
  const values = [
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
  return { sql: ENTRIES, values }
}

function payloadsStatement(payloads: SealedBatch['payloads']): Statement {
  const values = [
    int8Array(payloads.map(({ n }) => n)),
    textArray(payloads.map(({ path }) => path)),
    byteaArray(payloads.map(({ salt }) => salt)),
    byteaArray(payloads.map(({ value }) => value)),
  ]
  return { sql: PAYLOADS, values }
}

function sessionsStatement(sessions: SealedBatch['sessions']): Statement {
  const values = [
    textArray(sessions.map(({ session }) => session)),
    textArray(sessions.map(({ tenant }) => tenant)),
    int8Array(sessions.map(({ nextSeq }) => nextSeq)),
    textArray(sessions.map(({ headHash }) => headHash)),
    textArray(sessions.map(({ status }) => status)),
    int8Array(sessions.map(({ manifestN }) => manifestN)),
    int8Array(sessions.map(({ lastN }) => lastN)),
  ]
  return { sql: SESSIONS, values }
}

function eraseStatement(erased: SealedBatch['erased']): Statement {
  const values = [int8Array(erased.map(({ n }) => n)), textArray(erased.map(({ path }) => path))]
  return { sql: ERASE, values }
}
