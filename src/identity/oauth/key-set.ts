import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json } from '../../core/json.ts'
import type { Clock, Log } from '../../core/runtime.ts'
import { discoverKeys } from './discovery.ts'
import { fetchDocument } from './fetch-document.ts'
import type { IssuerSettings } from './settings.ts'

/** Milliseconds after which keys are fetched again before they are used: a withdrawn key lives no longer. */
const FRESH_MS = 10 * 60_000
/** Milliseconds keys are used for while their issuer cannot be reached. */
const STALE_MS = 60 * 60_000
/** Milliseconds between two looks for a key that was not there: anybody can make up the name of one. */
const UNKNOWN_MS = 30_000
/** Milliseconds before an issuer that failed is asked again. */
const FAILED_MS = 5_000
const MAX_KEYS = 100

/** The public keys of one issuer, as `jose` asks for them. Addresses and keys inside a token are never looked at. */
export interface KeySet {
  readonly find: JWTVerifyGetKey
}

interface Held {
  readonly pick: JWTVerifyGetKey
  readonly at: number
}

/** Fetched at first need; one request at a time, however many tokens wait for it. */
export function createKeySet(
  settings: Pick<IssuerSettings, 'issuer' | 'jwksUri'>,
  parts: {
    readonly clock: Clock
    readonly log: Log
    /** Milliseconds between two looks for a key that was not there; half a minute where anybody can send a token. */
    readonly lookAgain?: number
  },
): KeySet {
  const { issuer, jwksUri } = settings
  const { clock, log, lookAgain = UNKNOWN_MS } = parts
  let held: Held | null = null
  let address = jwksUri
  let fetching: Promise<Held> | null = null
  let failed: { readonly at: number; readonly error: unknown } | null = null

  async function load(): Promise<Held> {
    try {
      address ??= await discoverKeys(issuer)
      held = { pick: createLocalJWKSet(publicKeys(await fetchDocument(address), address)), at: clock.elapsed() }
      failed = null
      return held
    } catch (error) {
      // The keys may have moved: next time they are looked up anew.
      address = jwksUri
      failed = { at: clock.elapsed(), error }
      log.warn({ issuer, error: String(error) }, 'the keys of an issuer could not be fetched')
      throw error
    } finally {
      fetching = null
    }
  }

  function refresh(): Promise<Held> {
    if (fetching !== null) return fetching
    if (failed !== null && clock.elapsed() - failed.at < FAILED_MS) return Promise.reject(failed.error)
    fetching = load()
    return fetching
  }

  async function current(): Promise<Held> {
    const known = held
    const age = known === null ? Number.POSITIVE_INFINITY : clock.elapsed() - known.at
    if (known !== null && age < FRESH_MS) return known
    try {
      return await refresh()
    } catch (cause) {
      if (known !== null && age < STALE_MS) return known
      throw new AegisError('unavailable', 'tokens cannot be checked now: their issuer does not give its keys', {
        advice: 'try again in a few seconds',
        data: { retry_after: FAILED_MS / 1000 },
        cause,
      })
    }
  }

  return {
    async find(header, token) {
      const known = await current()
      try {
        return await known.pick(header, token)
      } catch (error) {
        const rotated = error instanceof errors.JWKSNoMatchingKey && clock.elapsed() - known.at >= lookAgain
        if (!rotated) throw error
        const next = await refresh().catch(() => known)
        return next.pick(header, token)
      }
    },
  }
}

/** How many keys an issuer publishes that a signature can be checked with, looked up now. @throws AegisError `unavailable` */
export async function countKeys({ issuer, jwksUri }: Pick<IssuerSettings, 'issuer' | 'jwksUri'>): Promise<number> {
  const address = jwksUri ?? (await discoverKeys(issuer))
  return publicKeys(await fetchDocument(address), address).keys.length
}

/**
 * Keys a signature can be checked with. Symmetric keys, and private ones that somebody published, are left out: who can
 * read them can sign.
 */
function publicKeys(document: { readonly [name: string]: Json | undefined }, address: string): JSONWebKeySet {
  const { keys } = document
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) {
    throw new AegisError('unavailable', `${address} holds no list of at most ${MAX_KEYS} keys`)
  }
  const usable = keys.filter(
    (key) => isObject(key) && typeof key['kty'] === 'string' && key['kty'] !== 'oct' && key['d'] === undefined,
  )
  return { keys: usable as JSONWebKeySet['keys'] }
}
