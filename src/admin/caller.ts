import type { Context, MiddlewareHandler } from 'hono'
import { AegisError } from '../core/errors.ts'
import { bearerFrom } from '../identity/bearer.ts'
import { demandCsrf, demandOwnPage, type Sessions } from '../identity/index.ts'
import type { KeyRecord } from '../identity/ports.ts'

/** Largest form of a page, in bytes. */
const FORM_LIMIT = 64 * 1024
/** RFC 9110 section 9.2.1. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Who calls, and how they showed it. */
export interface Caller {
  readonly key: KeyRecord
  /** `session`: by the cookie of a person who logged in. */
  readonly via: 'key' | 'session'
  /** The id of the login that the cookie is of; null with a key. */
  readonly login: string | null
  /** What every change by cookie must carry; null with a key. */
  readonly csrf: string | null
  /** Whether the caller may go on: asked now and then by what outlives a request. */
  readonly inForce: () => Promise<boolean>
}

export interface AdminEnv {
  Variables: Caller
}

export type AdminContext = Context<AdminEnv>

/** How callers are known at a door. */
export interface Doorkeeping {
  readonly authenticate: (headers: Headers) => Promise<KeyRecord | null>
  readonly inForce: (record: KeyRecord) => Promise<boolean>
  /** Null at a door that looks at no cookies. */
  readonly sessions: Pick<Sessions, 'authenticate' | 'stands'> | null
  /** As browsers reach us. */
  readonly adminUrl: string
}

/** Nobody passes unknown: identity comes from the server's records, never from the request's own words. */
export function demandKey(keeping: Doorkeeping): MiddlewareHandler<AdminEnv> {
  return async (context, next) => {
    const caller = await callerOf(context, keeping)
    if (caller === null) {
      throw new AegisError('unauthenticated', 'a valid key is needed', {
        advice: 'send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`',
      })
    }
    setCaller(context, caller)
    // A browser keeps what it may: after logging out nobody finds it there.
    if (caller.via === 'session') context.header('Cache-Control', 'no-store')
    return next()
  }
}

function setCaller(context: AdminContext, { key, via, login, csrf, inForce }: Caller): void {
  context.set('key', key)
  context.set('via', via)
  context.set('login', login)
  context.set('csrf', csrf)
  context.set('inForce', inForce)
}

/**
 * Who calls; null where nobody is known. A key in a header settles it, right or wrong: then no cookie is looked at. A change by cookie
 * must come from a page of ours and carry the session's CSRF token.
 * @throws AegisError `forbidden` where it does not; `unauthenticated` for a malformed or an expired key
 */
export async function callerOf(context: AdminContext, keeping: Doorkeeping): Promise<Caller | null> {
  const { headers } = context.req.raw
  if (bearerFrom(headers) !== null) {
    const key = await keeping.authenticate(headers)
    return key && { key, via: 'key', login: null, csrf: null, inForce: () => keeping.inForce(key) }
  }
  const { sessions, adminUrl } = keeping
  const visitor = sessions && (await sessions.authenticate(headers))
  if (sessions === null || visitor === null) return null
  const { record: key, session: login, csrf } = visitor
  if (!SAFE.has(context.req.method)) {
    demandOwnPage(headers, adminUrl)
    demandCsrf(csrf, await csrfIn(context))
  }
  return { key, via: 'session', login, csrf, inForce: () => sessions.stands(headers) }
}

async function csrfIn(context: AdminContext): Promise<string | null> {
  const header = context.req.header('x-csrf-token')
  if (header !== undefined) return header
  return isForm(context) ? (await formOf(context)).get('csrf') : null
}

function isForm(context: AdminContext): boolean {
  return /^application\/x-www-form-urlencoded\s*(;|$)/i.test(context.req.header('content-type') ?? '')
}

/**
 * The form of a page. May be asked for more than once.
 * @throws AegisError `unsupported_media_type`, `too_large`; `invalid_request` where a field comes twice
 */
export async function formOf(context: AdminContext): Promise<URLSearchParams> {
  if (!isForm(context)) throw new AegisError('unsupported_media_type', 'the body must be a form')
  // The server cuts a body off where its length says, so that a length in bounds bounds it.
  const length = Number(context.req.header('content-length') ?? Number.NaN)
  if (!(length <= FORM_LIMIT)) throw new AegisError('too_large', `a form has at most ${FORM_LIMIT} bytes`)
  const form = new URLSearchParams(await context.req.text())
  const names = [...form.keys()]
  if (new Set(names).size === names.length) return form
  throw new AegisError('invalid_request', 'a field of the form comes twice')
}
