import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { parseStrict } from '../core/strict-json.ts'
import { BUNDLE_FORMAT, type BundleEntry, type Disclosure, type EvidenceBundle } from './bundle.ts'
import { isLogName } from './chain.ts'

/** Larger files are refused: a session of a million entries stays far below. Bytes. */
export const MAX_BUNDLE_BYTES = 256 * 1024 * 1024
const MAX_DEPTH = 6

/**
 * Reads a bundle file, strictly: duplicate keys, unknown members, wrong types and hostile sizes are refused.
 * @throws AegisError `invalid_request`, `parse_error` or `too_large`, naming the member at fault
 */
export function readBundle(text: string): EvidenceBundle {
  const limits = { maxBytes: MAX_BUNDLE_BYTES, maxDepth: MAX_DEPTH, maxNodes: Number.POSITIVE_INFINITY }
  const file = members(parseStrict(text, limits), 'bundle', BUNDLE_MEMBERS)
  if (file['format'] !== BUNDLE_FORMAT) {
    throw new AegisError('cannot_decide', `this is not a bundle of format ${BUNDLE_FORMAT}`, { path: 'format' })
  }
  const manifest = members(file['manifest'], 'manifest', MANIFEST_MEMBERS)
  return {
    format: BUNDLE_FORMAT,
    origin: name(file, 'origin'),
    session: name(file, 'session'),
    entries: list(file, 'entries').map(entryOf),
    manifest: {
      n: manifest['n'] === null ? null : position(manifest, 'manifest.n'),
      body: string(manifest, 'body', 'manifest.body'),
      hash: string(manifest, 'hash', 'manifest.hash'),
    },
    disclosures: list(file, 'disclosures').map(disclosureOf),
  }
}

const BUNDLE_MEMBERS = ['format', 'origin', 'session', 'entries', 'manifest', 'disclosures']
const MANIFEST_MEMBERS = ['n', 'body', 'hash']
const ENTRY_MEMBERS = ['n', 'body', 'hash']
const DISCLOSURE_MEMBERS = ['n', 'path', 'salt', 'value']

function entryOf(value: Json, index: number): BundleEntry {
  const path = `entries[${index}]`
  const entry = members(value, path, ENTRY_MEMBERS)
  return {
    n: position(entry, `${path}.n`),
    body: string(entry, 'body', `${path}.body`),
    hash: string(entry, 'hash', `${path}.hash`),
  }
}

function disclosureOf(value: Json, index: number): Disclosure {
  const path = `disclosures[${index}]`
  const disclosure = members(value, path, DISCLOSURE_MEMBERS)
  return {
    n: position(disclosure, `${path}.n`),
    path: string(disclosure, 'path', `${path}.path`),
    salt: hex(string(disclosure, 'salt', `${path}.salt`), `${path}.salt`),
    value: string(disclosure, 'value', `${path}.value`),
  }
}

function members(value: Json | undefined, path: string, known: readonly string[]): JsonObject {
  if (!isObject(value)) throw wrong(path, 'must be an object')
  for (const key of Object.keys(value)) if (!known.includes(key)) throw wrong(`${path}.${key}`, 'is not known')
  return value
}

function list(object: JsonObject, key: string): readonly Json[] {
  const value = object[key]
  if (!Array.isArray(value)) throw wrong(key, 'must be a list')
  return value
}

function string(object: JsonObject, key: string, path: string): string {
  const value = object[key]
  if (typeof value !== 'string') throw wrong(path, 'must be text')
  return value
}

function name(object: JsonObject, key: string): string {
  const value = string(object, key, key)
  if (!isLogName(value)) throw wrong(key, 'must be printable ASCII without spaces')
  return value
}

function hex(value: string, path: string): string {
  // `Buffer.from(text, 'hex')` stops silently at the first odd digit.
  if (!/^[0-9a-f]{64}$/.test(value)) throw wrong(path, 'must be 64 hex digits')
  return value
}

function position(object: JsonObject, path: string): number {
  const value = object['n']
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw wrong(path, 'must be a whole number')
  return value
}

function wrong(path: string, why: string): AegisError {
  return new AegisError('invalid_request', `this bundle is not well-formed: ${path} ${why}`, { path })
}
