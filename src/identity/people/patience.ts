import { AegisError } from '../../core/errors.ts'
import { LoginRefusal } from './refusal.ts'
import type { ProviderSettings } from './settings.ts'

/** Milliseconds a person waits for the provider, whatever it is asked for one page. */
export const PATIENCE_MS = 5_000

/** Waits for the provider on behalf of one page. */
export type Patience = <T>(work: Promise<T>) => Promise<T>

/**
 * One page's patience. What the provider did wrong, with the addresses it was asked at, is for the log: people are told that it
 * cannot be used.
 */
export function createPatience({ issuer, name }: Pick<ProviderSettings, 'issuer' | 'name'>): Patience {
  const until = performance.now() + PATIENCE_MS
  return async (work) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const tell = () => reject(new AegisError('unavailable', `no answer within ${PATIENCE_MS / 1000} s`))
      timer = setTimeout(tell, Math.max(0, until - performance.now()))
    })
    try {
      return await Promise.race([work, late])
    } catch (error) {
      if (!(error instanceof AegisError) || error.code !== 'unavailable') throw error
      const mend = error.advice === null ? {} : { mend: error.advice }
      throw new LoginRefusal(
        'unavailable',
        `${name} cannot be used at this moment`,
        { issuer, reason: reasonsOf(error), ...mend },
        {
          advice: 'try again in a few seconds, or log in with a key; an administrator finds the reason in the log',
          cause: error,
        },
      )
    } finally {
      clearTimeout(timer)
    }
  }
}

/** An error of ours with those behind it. */
function reasonsOf(error: AegisError): string {
  return error.cause instanceof AegisError ? `${error.message}: ${reasonsOf(error.cause)}` : error.message
}
