import { AegisError } from '../core/errors.ts'

/** Longest key accepted, in characters. */
export const KEY_TEXT_LIMIT = 4096

/** Longest text of an `Authorization: Bearer` header: tokens of issuers that put much into them, in characters. */
const BEARER_LIMIT = 8192

/** Visible ASCII; no comma, which joins two headers of one name. */
const KEY_TEXT = /^[!-+\--~]+$/
const BEARER = /^bearer +(\S+)$/i

/** Whether a text can be a key at all: 1 to 4,096 visible ASCII characters without a comma. */
export function isKeyText(text: string): boolean {
  return text.length <= KEY_TEXT_LIMIT && KEY_TEXT.test(text)
}

/** Headers that hold a key and nothing else. */
const KEY_HEADERS = ['X-API-Key', 'X-Agent-Key'] as const

/**
 * The key a request presents: `Authorization: Bearer KEY` (RFC 6750), `X-API-Key: KEY` or `X-Agent-Key: KEY`. Null where it
 * presents none. Never from a query string: those end in logs, histories and referrers.
 * @throws AegisError `unauthenticated` where a header is malformed, doubled, or two of them differ.
 */
export function bearerFrom(headers: { get(name: string): string | null | undefined }): string | null {
  const authorization = headers.get('authorization') ?? null
  let presented = authorization === null ? null : bearerOf(authorization)
  for (const name of KEY_HEADERS) {
    const key = headers.get(name.toLowerCase()) ?? null
    if (key === null) continue
    if (!isKeyText(key)) throw malformed(`${name}: KEY`)
    // Two keys are two principals: whichever we took, a proxy before us may have checked the other.
    if (presented !== null && presented !== key) throw different()
    presented = key
  }
  return presented
}

function different(): AegisError {
  return new AegisError('unauthenticated', 'Authorization, X-API-Key and X-Agent-Key present different keys', {
    advice: 'send one of these headers',
  })
}

function bearerOf(authorization: string): string {
  const key = BEARER.exec(authorization)?.[1]
  if (key === undefined || key.length > BEARER_LIMIT || !KEY_TEXT.test(key))
    throw malformed('Authorization: Bearer KEY')
  return key
}

function malformed(form: string): AegisError {
  return new AegisError('unauthenticated', 'the key header is malformed or sent twice', { advice: `send \`${form}\`` })
}
