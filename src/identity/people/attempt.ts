import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { Sha256 } from '../../core/ids.ts'
import type { Clock, Random } from '../../core/runtime.ts'
import { localPath } from './browser.ts'

/** How long a person may take to log in at the provider, in milliseconds. */
export const ATTEMPT_MS = 10 * 60_000
const SECRET_BYTES = 32

/** A login under way. Everything in it follows from what one browser holds and a key that only we have. */
export interface Attempt {
  /** Names it, so that it can be used up. */
  readonly id: Sha256
  /** RFC 6749 section 10.12. */
  readonly state: string
  /** OpenID Connect Core section 3.1.2.1: binds the ID token to this browser. */
  readonly nonce: string
  /** RFC 7636 section 4.1. */
  readonly verifier: string
  readonly returnTo: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

export interface Attempts {
  /** Nothing is stored, so that nobody can fill a store by beginning logins. */
  begin(returnTo: string): Attempt & { readonly cookie: string }
  /** Null for a text that we did not make, or too long ago. */
  open(cookie: string): Attempt | null
}

/** @param key 32 bytes, the same in all gateways of a store */
export function createAttempts(key: Uint8Array, clock: Pick<Clock, 'now'>, random: Random): Attempts {
  const derive = (purpose: string, text: string) =>
    createHmac('sha256', key).update(`${purpose}\0${text}`).digest('base64url')

  const attempt = (secret: string, returnTo: string, until: number): Attempt => ({
    id: hash('sha256', secret, 'hex') as Sha256,
    state: derive('state', secret),
    nonce: derive('nonce', secret),
    verifier: derive('verifier', secret),
    returnTo,
    until,
  })

  return {
    begin(wanted) {
      const secret = Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url')
      const returnTo = localPath(wanted)
      const until = clock.now() + ATTEMPT_MS
      const text = [secret, until.toString(36), Buffer.from(returnTo).toString('base64url')].join('.')
      return { ...attempt(secret, returnTo, until), cookie: `${text}.${derive('seal', text)}` }
    },

    open(cookie) {
      const end = cookie.lastIndexOf('.')
      const text = cookie.slice(0, end)
      if (end < 0 || !sameText(cookie.slice(end + 1), derive('seal', text))) return null
      const [secret = '', until = '', returnTo = ''] = text.split('.')
      const opened = attempt(
        secret,
        localPath(Buffer.from(returnTo, 'base64url').toString()),
        Number.parseInt(until, 36),
      )
      return opened.until > clock.now() ? opened : null
    },
  }
}

/** Whether two secrets are the same, in a time that tells nothing. */
export function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.byteLength === b.byteLength && timingSafeEqual(a, b)
}
