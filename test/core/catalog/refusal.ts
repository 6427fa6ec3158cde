import { AegisError } from '../../../src/core/errors.ts'

/** The AegisError that `run` throws; anything else, or nothing, fails the test. */
export function refusal(run: () => unknown): AegisError {
  try {
    run()
  } catch (error) {
    if (error instanceof AegisError) return error
    throw error
  }
  throw new Error('was not refused')
}
