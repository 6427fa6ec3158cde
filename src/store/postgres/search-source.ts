import type { SearchSource } from '../../search/ports.ts'
import type { Query } from './connection.ts'
import { createLedgerReader } from './ledger-reader.ts'
import { entryColumns, entryOf, payloadOf } from './rows.ts'

const AT = `SELECT ${entryColumns('e')} FROM aegis.ledger_entry e WHERE n = ANY($1::bigint[]) ORDER BY n`
const BETWEEN = `SELECT n, path, salt, value FROM aegis.ledger_payload
  WHERE n >= $1 AND n < $2 AND path = ANY($3::text[]) AND octet_length(value) <= $4 ORDER BY n, path`

export function createSearchSource(query: Query): SearchSource {
  return {
    ...createLedgerReader(query),
    entriesAt: async (ns) => (ns.length === 0 ? [] : (await query(AT, [ns])).map(entryOf)),
    payloadsBetween: async (from, to, paths, mostBytes) =>
      (await query(BETWEEN, [from, to, paths, mostBytes])).map(payloadOf),
  }
}
