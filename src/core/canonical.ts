import { AegisError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'

/** Deepest value the full profile takes: the rim admits 64 levels, what wraps such a value may add a few. */
const MAX_DEPTH = 80
/** Limits of an entry's body (evidence format 1): a verifier in any language can hold these without a float or a recursion problem. */
const MAX_BODY_DEPTH = 8
export const MAX_BODY_BYTES = 32 * 1024

/** Characters that keep a string from being quoted as it stands: escapes (RFC 8785 section 3.2.2.2) and any surrogate. */
const NEEDS_CARE = /["\\\u0000-\u001f\ud800-\udfff]/
/** With `u`, a surrogate matches only where it is not half of a pair. */
const LONE_SURROGATE = /\p{Surrogate}/u

type NumberText = (value: number) => string

/**
 * RFC 8785 (JCS): members sorted by UTF-16 code units, ECMAScript numbers, minimal escapes, no white space.
 * @throws AegisError `invalid_request` on what I-JSON (RFC 7493) cannot carry: undefined, NaN, infinities, lone surrogates, depth over 80.
 */
export function canonicalize(value: Json): string {
  return write(value, MAX_DEPTH, doubleText)
}

/**
 * The body profile: RFC 8785 with integers within 2^53-1 only (no -0), depth at most 8, at most 32 KiB of UTF-8.
 * @throws AegisError `invalid_request` or `too_large`
 */
export function canonicalBody(value: JsonObject): string {
  const text = write(value, MAX_BODY_DEPTH, integerText)
  if (text.length * 3 > MAX_BODY_BYTES && new TextEncoder().encode(text).length > MAX_BODY_BYTES) {
    throw new AegisError('too_large', `an evidence entry may hold ${MAX_BODY_BYTES} bytes at most`)
  }
  return text
}

/** True where the text has a UTF-8 form: no surrogate without its partner. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text)
}

function write(value: Json | undefined, depth: number, number: NumberText): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return number(value)
  if (value === null || value === true || value === false) return String(value)
  // Hostile JavaScript callers: undefined, functions, symbols and bigints have no JSON form.
  if (typeof value !== 'object') throw refuse(`a value of type ${typeof value}`)
  if (depth === 0) throw refuse('a value nested too deeply')
  if (Array.isArray(value)) return writeArray(value, depth - 1, number)
  return writeObject(value as JsonObject, depth - 1, number)
}

function writeArray(items: readonly Json[], depth: number, number: NumberText): string {
  let text = '['
  for (let index = 0; index < items.length; index += 1) {
    if (index > 0) text += ','
    text += write(items[index], depth, number)
  }
  return `${text}]`
}

function writeObject(object: JsonObject, depth: number, number: NumberText): string {
  const keys = sortedKeys(object)
  let text = '{'
  for (const key of keys) {
    if (text.length > 1) text += ','
    text += `${quote(key)}:${write(object[key], depth, number)}`
  }
  return `${text}}`
}

/** By UTF-16 code units, as section 3.2.3 asks and as strings compare. What was canonical before is in order already. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object)
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index - 1] ?? '') > (keys[index] ?? '')) return keys.sort()
  }
  return keys
}

function quote(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`
  if (LONE_SURROGATE.test(text)) throw refuse('a lone surrogate')
  return JSON.stringify(text)
}

function doubleText(value: number): string {
  if (!Number.isFinite(value)) throw refuse('a number that is not finite')
  // Number::toString is the serialisation RFC 8785 section 3.2.2.3 names; it writes -0 as 0.
  return String(value)
}

function integerText(value: number): string {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw refuse('a number that is not a safe integer')
  return String(value)
}

function refuse(what: string): AegisError {
  return new AegisError('invalid_request', `canonical JSON cannot hold ${what}`)
}
