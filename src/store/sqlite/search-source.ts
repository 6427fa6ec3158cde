import type { SearchSource } from '../../search/ports.ts'
import { type Handle, prepare } from './handle.ts'
import { createLedgerReader } from './ledger-reader.ts'
import { entryColumns, entryOf, payloadColumns, payloadOf } from './rows.ts'

export function createSearchSource(handle: Handle): SearchSource {
  const at = prepare(
    handle,
    `SELECT ${entryColumns('e')} FROM ledger_entry e WHERE n IN (SELECT value FROM json_each(?)) ORDER BY n`,
  )
  const between = prepare(
    handle,
    `SELECT ${payloadColumns('p')} FROM ledger_payload p WHERE n >= ? AND n < ?
       AND path IN (SELECT value FROM json_each(?)) AND octet_length(value) <= ? ORDER BY n, path`,
  )
  return {
    ...createLedgerReader(handle),
    entriesAt: async (ns) => (ns.length === 0 ? [] : at.all([JSON.stringify(ns)]).map(entryOf)),
    payloadsBetween: async (from, to, paths, mostBytes) =>
      between.all([from, to, JSON.stringify(paths), mostBytes]).map(payloadOf),
  }
}
