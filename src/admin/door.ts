import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Log } from '../core/runtime.ts'
import { parseStrict } from '../core/strict-json.ts'
import type { KeyRecord } from '../identity/ports.ts'
import { demand } from '../oversight/rights.ts'
import type { AdminContext } from './caller.ts'
import { errorWire } from './wire.ts'

export {
  type AdminContext,
  type AdminEnv,
  type Caller,
  callerOf,
  type Doorkeeping,
  demandKey,
  formOf,
} from './caller.ts'

/** Largest body of an admin request, in bytes. */
const BODY_LIMIT = 1024 * 1024

/** @throws AegisError `forbidden` where the key's role is below the one needed */
export function demandRole(context: AdminContext, role: Role): KeyRecord {
  const key = context.get('key')
  demand(key, role)
  return key
}

/** The body, parsed strictly once. @throws AegisError naming what to mend */
export async function jsonBody(context: AdminContext): Promise<Json> {
  const type = context.req.header('content-type') ?? ''
  // A form or text body is what a web page can send without asking first: JSON cannot be forged across sites that way.
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new AegisError('unsupported_media_type', 'the body must be JSON', {
      advice: 'send `Content-Type: application/json`',
    })
  }
  const declared = Number(context.req.header('content-length') ?? 0)
  if (declared > BODY_LIMIT) throw tooLarge()
  const bytes = await boundedBytes(context.req.raw.body)
  return parseStrict(decode(bytes))
}

/** The body as it came. @throws AegisError `too_large` */
export async function boundedBytes(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (body !== null) {
    for await (const chunk of body) {
      size += chunk.byteLength
      if (size > BODY_LIMIT) throw tooLarge()
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks)
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new AegisError('parse_error', 'the body is not UTF-8', { cause })
  }
}

function tooLarge(): AegisError {
  return new AegisError('too_large', `the body is larger than ${BODY_LIMIT} bytes`)
}

export function answerError(log: Log): (error: Error, context: Context) => Response {
  return (error, context) => {
    const { status, body } = errorWire(error)
    if (status >= 500) log.error({ path: context.req.path, error: error.message }, 'admin request failed')
    const seconds = error instanceof AegisError ? error.data?.['retry_after'] : undefined
    // RFC 9110 section 10.2.3.
    if (typeof seconds === 'number') context.header('Retry-After', String(seconds))
    if (status === 401) context.header('WWW-Authenticate', 'Bearer realm="aegis"')
    return context.json(body, status as ContentfulStatusCode)
  }
}

/** A whole number from the query, or the default. @throws AegisError `invalid_request` */
export function intQuery(context: AdminContext, name: string, fallback: number, max: number): number {
  const text = context.req.query(name)
  if (text === undefined) return fallback
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value
  throw new AegisError('invalid_request', `\`${name}\` must be a whole number from 1 to ${max}`, { path: name })
}

export type Wire = JsonObject
