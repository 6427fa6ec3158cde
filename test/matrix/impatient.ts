import type { LedgerReader } from '../../src/ledger/store.ts'

/** More than any case asks for. */
const PATIENCE = 20_000

/** A reader that loses patience: who asks it again and again would never end, and a test of that would not either. */
export function impatient(reader: LedgerReader): LedgerReader {
  let asked = 0
  return new Proxy(reader, {
    get(target, name) {
      asked += 1
      if (asked > PATIENCE) throw new Error('it does not end')
      return Reflect.get(target, name)
    },
  })
}
