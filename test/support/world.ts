import { randomBytes } from 'node:crypto'
import type { Clock, Log, Random } from '../../src/core/runtime.ts'

export const systemRandom: Random = { bytes: (count) => randomBytes(count) }

/** A clock that moves only when told to. */
export function handClock(start = Date.parse('2026-04-06T14:22:00Z')): Clock & { advance(milliseconds: number): void } {
  let passed = 0
  return {
    now: () => start + passed,
    elapsed: () => passed,
    advance: (milliseconds) => {
      passed += milliseconds
    },
  }
}

/** Keeps what was logged, as `level message {fields}`. */
export function listLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const write = (level: string) => (fields: Record<string, unknown>, message: string) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  }
  return { lines, info: write('info'), warn: write('warn'), error: write('error') }
}
