import type { Random } from './runtime.ts'

declare const brand: unique symbol
/** A nominal type: the value was checked (or made) by the one function that returns it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** UUIDv7 of one envelope (RFC 9562), lower case. The envelope of a review names its approval too. */
export type EnvelopeId = Brand<string, 'EnvelopeId'>
/** `<principal>/<label>`: the chain an entry belongs to. A label is only a name inside its principal's namespace. */
export type SessionId = Brand<string, 'SessionId'>
/** The authenticated caller: the id of a key, such as `key_3f9a0c1d`. Never taken from a request body. */
export type Principal = Brand<string, 'Principal'>
/** 64 lower-case hex digits. */
export type Sha256 = Brand<string, 'Sha256'>

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

export function parseEnvelopeId(text: string): EnvelopeId | null {
  const lower = text.toLowerCase()
  return UUID.test(lower) ? (lower as EnvelopeId) : null
}

/** A session label: 1 to 128 letters, digits and `._:-`, not starting with punctuation. No `/`, which joins it to its principal. */
export function isSessionLabel(text: string): boolean {
  return LABEL.test(text)
}

export function sessionId(principal: Principal, label: string): SessionId {
  return `${principal}/${label}` as SessionId
}

export function sessionLabel(session: string): string {
  return session.slice(session.indexOf('/') + 1)
}

/** UUIDv7 (RFC 9562 section 5.7) from a millisecond time and 10 random bytes. */
export function uuidv7(now: number, random: Random): EnvelopeId {
  const bytes = random.bytes(10)
  const time = now.toString(16).padStart(12, '0')
  const at = (index: number) => bytes[index] ?? 0
  const hex = (value: number) => value.toString(16).padStart(2, '0')
  const tail = [at(4), at(5), at(6), at(7), at(8), at(9)].map(hex).join('')
  const version = hex(0x70 | (at(0) & 0x0f)) + hex(at(1))
  const variant = hex(0x80 | (at(2) & 0x3f)) + hex(at(3))
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}-${tail}` as EnvelopeId
}
