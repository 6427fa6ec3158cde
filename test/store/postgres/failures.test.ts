import { describe, expect, it } from 'vitest'
import { isRefusal, storeError } from '../../../src/store/postgres/failures.ts'

/** An error as the driver gives it: of the server with a severity, of the connection without. */
function failed(code: string, severity?: string): Error {
  return Object.assign(new Error(code), { code, ...(severity === undefined ? {} : { severity }) })
}

describe('a failure of PostgreSQL', () => {
  it.each([
    ['a duplicate', '23505', 'ERROR', 'conflict'],
    ['a wrong hash', '23514', 'FEHLER', 'conflict'],
    ['an append-only table', '23001', 'ERROR', 'conflict'],
    ['a full disk', '53100', 'ERROR', 'full'],
    ['a lock that was not given', '55P03', 'ERROR', 'busy'],
    ['a deadlock', '40P01', 'ERROR', 'busy'],
    ['a server that only reads', '25006', 'ERROR', 'busy'],
    ['an input or output error', '58030', 'ERROR', 'fatal'],
    ['corrupt data', 'XX001', 'ERROR', 'fatal'],
    ['a gateway that was taken over', 'AEG01', 'ERROR', 'superseded'],
  ])('that the server tells is final: %s', (_, code, severity, failure) => {
    expect(isRefusal(failed(code, severity))).toBe(true)
    expect(storeError(failed(code, severity)).failure).toBe(failure)
  })

  it.each([
    ['a server that stops', '57P01', 'FATAL'],
    ['a crash', '57P02', 'FATAL'],
    ['a gateway that stalled in its transaction', '25P03', 'FATAL'],
    ['a broken pipe', 'EPIPE', undefined],
    ['a reset connection', 'ECONNRESET', undefined],
  ])('of the connection leaves open what became of a commit: %s', (_, code, severity) => {
    expect(isRefusal(failed(code, severity))).toBe(false)
    expect(storeError(failed(code, severity)).failure).toBe('unreachable')
  })
})
