import { inspect } from 'node:util'
import { AegisError } from '../core/errors.ts'
import type { Credential } from './ports.ts'

const SHOWN = '[credential]'

/** A credential with an end: after `end` it reveals nothing more, however long somebody keeps it. */
export interface LentSecret {
  readonly credential: Credential
  end(): void
}

/** Wraps a token so that no printing, logging or serialising of the object shows it. */
export function lentSecret(token: string, apiUrl?: string): LentSecret {
  let current: string | null = token
  const hidden = {
    toJSON: () => SHOWN,
    toString: () => SHOWN,
    [inspect.custom]: () => SHOWN,
    ...(apiUrl === undefined ? {} : { apiUrl }),
    reveal() {
      if (current === null) throw new AegisError('internal', 'a credential was used after its call had ended')
      return current
    },
  }
  return {
    credential: Object.freeze(hidden),
    end() {
      current = null
    },
  }
}

/**
 * The value, with the token replaced where it repeats it (`git push` prints the remote's URL, a debugging upstream its headers).
 * Such a value comes back through its JSON form; any other comes back itself.
 */
export function withoutToken<T>(value: T, token: string): T {
  const text: string | undefined = JSON.stringify(value)
  const needle = JSON.stringify(token).slice(1, -1)
  if (text === undefined || !text.includes(needle)) return value
  const clean: T = JSON.parse(text.replaceAll(needle, SHOWN))
  return clean
}

/**
 * The error, or one without its causes where any part of it holds the token. Causes are what clients attach requests to, with
 * their headers.
 */
export function errorWithoutToken(error: unknown, token: string): unknown {
  if (!inspect(error, { depth: 8, showHidden: true, maxStringLength: null, maxArrayLength: null }).includes(token))
    return error
  if (!(error instanceof AegisError)) {
    const message = error instanceof Error ? error.message : 'the call failed'
    return new AegisError('internal', message.replaceAll(token, SHOWN))
  }
  return new AegisError(error.code, error.message.replaceAll(token, SHOWN), {
    ...(error.advice === null ? {} : { advice: error.advice.replaceAll(token, SHOWN) }),
    ...(error.path === null ? {} : { path: error.path.replaceAll(token, SHOWN) }),
    ...(error.data === null ? {} : { data: withoutToken({ ...error.data }, token) }),
  })
}
