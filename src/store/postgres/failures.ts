import { type CommitFailure, StoreError } from '../../ledger/store.ts'

/** SQLSTATE classes and codes (PostgreSQL manual, appendix A) by what they mean for a commit. */
const BY_CODE: Readonly<Record<string, CommitFailure>> = {
  '53100': 'full',
  '23505': 'conflict',
  '23001': 'conflict',
  '23514': 'conflict',
  '55000': 'conflict',
  '58030': 'fatal',
  // Ours: another gateway has closed what this one left open.
  AEG01: 'superseded',
}
/** Data found corrupt, an internal error: the state on disk is in doubt. */
const FATAL_CLASSES = new Set(['XX', 'F0'])

/** The SQLSTATE of an error that the server sent; null for one of the connection (`EPIPE` looks like a SQLSTATE and is none). */
export function sqlState(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('severity' in error)) return null
  const code = Reflect.get(error, 'code')
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

/** Sessions that the server ended: shut down, connection lost, idle too long in a transaction, transaction too long. */
const ENDED = /^(57P|08|25P03|25P04)/

/** Did the server refuse this statement and go on? Otherwise the connection is gone, and with it what we know. */
export function isRefusal(error: unknown): boolean {
  const state = sqlState(error)
  return state !== null && !ENDED.test(state)
}

/** What did not reach the log passes by itself unless the server says otherwise: locks, restarts, failovers. */
export function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const state = sqlState(error)
  const failure =
    state === null || ENDED.test(state)
      ? 'unreachable'
      : (BY_CODE[state] ?? (FATAL_CLASSES.has(state.slice(0, 2)) ? 'fatal' : 'busy'))
  return new StoreError(failure, reasonOf(error), error)
}

/** What a person may read of it. Errors of the driver name addresses and roles, never passwords. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
