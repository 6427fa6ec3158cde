import { AegisError } from './errors.ts'
import type { Json, JsonObject } from './json.ts'

export interface JsonLimits {
  /** Containers within containers. */
  readonly maxDepth: number
  /** Length of the text in UTF-8. */
  readonly maxBytes: number
  /** Values and members together. */
  readonly maxNodes: number
}

/** DESIGN decision 4. 100,000 nodes let a 1 MiB `push_files` of small files pass. */
export const JSON_LIMITS: JsonLimits = { maxDepth: 64, maxBytes: 1024 * 1024, maxNodes: 100_000 }

/**
 * Parses JSON (RFC 8259) within the I-JSON profile (RFC 7493), so that every reader sees the same value: refuses duplicate
 * keys, lone surrogates (escaped ones too), integers beyond 2^53-1, numbers beyond a double, a byte order mark, anything
 * after the value. `-0` is read as 0, as RFC 8785 writes it. Objects have a null prototype.
 * @throws AegisError `parse_error` (not JSON), `invalid_request` (ambiguous JSON), `too_large`
 */
export function parseStrict(text: string, limits: Partial<JsonLimits> = {}): Json {
  const { maxDepth, maxBytes, maxNodes } = { ...JSON_LIMITS, ...limits }
  if (longerThan(text, maxBytes)) throw tooLarge(`the JSON text is longer than ${maxBytes} bytes`)
  const scan: Scan = { text, at: 0, depth: 0, nodes: 0, maxDepth, maxNodes }
  skipBlanks(scan)
  const value = readValue(scan)
  skipBlanks(scan)
  if (scan.at < text.length) throw malformed(scan, 'unexpected text after the value')
  return value
}

/** Counts only where it must: a UTF-16 unit takes one to three bytes. */
function longerThan(text: string, bytes: number): boolean {
  if (text.length * 3 <= bytes) return false
  return text.length > bytes || new TextEncoder().encode(text).length > bytes
}

/** UTF-8 as text. @throws AegisError `parse_error` where the bytes are not UTF-8; a byte order mark is kept, and refused by `parseStrict`. */
export function decodeUtf8Strict(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    throw new AegisError('parse_error', 'the text is not valid UTF-8', { cause, advice: 'Send UTF-8.' })
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Refuses members that differ only in case (`name`/`Name`): readers that match names loosely, Go's encoding/json among
 * them, would take the one that was not judged.
 * @throws AegisError `invalid_request` with the member's path
 */
export function refuseTwins(object: JsonObject, path: string): void {
  const keys = Object.keys(object)
  if (keys.every((key) => CASELESS.test(key))) return
  const seen = new Map<string, string>()
  for (const key of keys) {
    // Upper case first: `ſ` and `K` (the Kelvin sign) fold to s and k there, as in Go.
    const folded = key.toUpperCase().toLowerCase()
    const twin = seen.get(folded)
    if (twin !== undefined) {
      throw new AegisError(
        'invalid_request',
        `${JSON.stringify(twin)} and ${JSON.stringify(key)} differ only in case`,
        {
          path: path === '' ? key : `${path}.${key}`,
          advice: 'Send only one of them.',
        },
      )
    }
    seen.set(folded, key)
  }
}

const CASELESS = /^[a-z0-9_-]*$/

interface Scan {
  readonly text: string
  readonly maxDepth: number
  readonly maxNodes: number
  at: number
  depth: number
  nodes: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const MINUS = 0x2d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y

function readValue(scan: Scan): Json {
  scan.nodes += 1
  if (scan.nodes > scan.maxNodes) throw tooLarge(`the JSON text holds more than ${scan.maxNodes} values`)
  const code = scan.text.charCodeAt(scan.at)
  if (code === QUOTE) return readString(scan)
  if (code === OPEN_BRACE) return readObject(scan)
  if (code === OPEN_BRACKET) return readArray(scan)
  if (code === MINUS || (code >= 0x30 && code <= 0x39)) return readNumber(scan)
  if (word(scan, 'true')) return true
  if (word(scan, 'false')) return false
  if (word(scan, 'null')) return null
  if (code === 0xfeff) throw malformed(scan, 'a byte order mark')
  throw malformed(scan, scan.at >= scan.text.length ? 'unexpected end' : 'unexpected character')
}

function word(scan: Scan, expected: string): boolean {
  if (!scan.text.startsWith(expected, scan.at)) return false
  scan.at += expected.length
  return true
}

function skipBlanks(scan: Scan): void {
  for (; ; scan.at += 1) {
    const code = scan.text.charCodeAt(scan.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
  }
}

function readObject(scan: Scan): JsonObject {
  enter(scan)
  const object: Record<string, Json> = Object.create(null)
  skipBlanks(scan)
  if (scan.text.charCodeAt(scan.at) === CLOSE_BRACE) return leave(scan, object)
  for (;;) {
    if (scan.text.charCodeAt(scan.at) !== QUOTE) throw malformed(scan, 'expected a member name')
    const start = scan.at
    const key = readString(scan)
    // Agreeing on which twin counts is what parser-differential attacks live on.
    if (key in object) throw ambiguous(start, `the key ${JSON.stringify(key.slice(0, 80))} appears twice`)
    skipBlanks(scan)
    if (scan.text.charCodeAt(scan.at) !== COLON) throw malformed(scan, 'expected ":"')
    scan.at += 1
    skipBlanks(scan)
    object[key] = readValue(scan)
    skipBlanks(scan)
    const code = scan.text.charCodeAt(scan.at)
    if (code === CLOSE_BRACE) return leave(scan, object)
    if (code !== COMMA) throw malformed(scan, 'expected "," or "}"')
    scan.at += 1
    skipBlanks(scan)
  }
}

function readArray(scan: Scan): readonly Json[] {
  enter(scan)
  const array: Json[] = []
  skipBlanks(scan)
  if (scan.text.charCodeAt(scan.at) === CLOSE_BRACKET) return leave(scan, array)
  for (;;) {
    array.push(readValue(scan))
    skipBlanks(scan)
    const code = scan.text.charCodeAt(scan.at)
    if (code === CLOSE_BRACKET) return leave(scan, array)
    if (code !== COMMA) throw malformed(scan, 'expected "," or "]"')
    scan.at += 1
    skipBlanks(scan)
  }
}

function enter(scan: Scan): void {
  scan.at += 1
  scan.depth += 1
  if (scan.depth > scan.maxDepth) throw ambiguous(scan.at, `nested deeper than ${scan.maxDepth}`)
}

function leave<T>(scan: Scan, container: T): T {
  scan.at += 1
  scan.depth -= 1
  return container
}

// Strings are most of a message: found and checked by the engine's own search, read by code only where they must be.
const NOT_PLAIN = /[\u0000-\u001f\\\ud800-\udfff]/
const CONTROL = /[\u0000-\u001f]/

function readString(scan: Scan): string {
  const { text } = scan
  const start = scan.at
  const end = closingQuote(scan)
  scan.at = end + 1
  const raw = text.slice(start + 1, end)
  if (!NOT_PLAIN.test(raw)) return raw
  if (CONTROL.test(raw)) throw malformed({ at: start + 1 + raw.search(CONTROL) }, 'a control character in a string')
  const value = raw.includes('\\') ? decodeEscapes(text, start, end + 1) : raw
  if (!value.isWellFormed()) throw ambiguous(start, 'a string holds a lone surrogate')
  return value
}

/** The next quote that an even number of backslashes precede. */
function closingQuote(scan: Scan): number {
  const { text, at: start } = scan
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 1) return at
  }
  throw malformed(scan, 'a string has no end')
}

function decodeEscapes(text: string, start: number, end: number): string {
  try {
    const value: unknown = JSON.parse(text.slice(start, end))
    if (typeof value === 'string') return value
  } catch {
    // The engine's message quotes the text, which may be secret; ours names the place only.
  }
  throw new AegisError('parse_error', `not JSON: a wrong escape in the string at character ${start}`)
}

function readNumber(scan: Scan): number {
  NUMBER.lastIndex = scan.at
  const found = NUMBER.exec(scan.text)
  if (found === null) throw malformed(scan, 'a malformed number')
  const [digits, fraction, exponent] = found
  const value = Number(digits)
  const whole = fraction === undefined && exponent === undefined
  if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) {
    throw ambiguous(scan.at, 'a number that a double cannot hold exactly')
  }
  scan.at += digits.length
  return value === 0 ? 0 : value
}

function malformed(scan: Pick<Scan, 'at'>, what: string): AegisError {
  return new AegisError('parse_error', `not JSON: ${what} at character ${scan.at}`)
}

function ambiguous(at: number, what: string): AegisError {
  return new AegisError('invalid_request', `ambiguous JSON: ${what}, at character ${at}`, {
    advice:
      'Send JSON that every parser reads alike (RFC 7493): each key once, whole numbers up to 2^53-1, as text beyond.',
  })
}

function tooLarge(message: string): AegisError {
  return new AegisError('too_large', message, { advice: 'Split the request.' })
}
