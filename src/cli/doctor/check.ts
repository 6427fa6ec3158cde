import { AegisError } from '../../core/errors.ts'

/** One thing looked at. `advice` is the remedy where it is not well. */
export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly detail: string
  readonly advice: string | null
}

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, advice: null }
}

export function warn(name: string, detail: string, advice: string): Check {
  return { name, state: 'warn', detail, advice }
}

export function fail(name: string, detail: string, advice: string): Check {
  return { name, state: 'fail', detail, advice }
}

/** A check that failed by an error, with the error's own advice. */
export function failedBy(name: string, error: unknown): Check {
  const detail = error instanceof Error ? error.message : String(error)
  return { name, state: 'fail', detail, advice: error instanceof AegisError ? error.advice : null }
}

/** Runs one check; an error that it throws is its result. */
export async function attempt(name: string, check: () => Promise<Check> | Check): Promise<Check> {
  try {
    return await check()
  } catch (error) {
    return failedBy(name, error)
  }
}
