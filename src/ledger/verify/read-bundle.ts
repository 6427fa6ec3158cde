import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import {
  BUNDLE_FORMAT,
  type BundleEntry,
  type BundleErasure,
  type BundleReceipt,
  type Disclosure,
  type EvidenceBundle,
  UNSIGNED_FORMAT,
} from '../format/bundle-format.ts'
import { isLogName } from '../format/chain.ts'
import { outline } from './json-outline.ts'

/** Larger files are refused: a session of a hundred thousand entries stays below. Bytes. */
export const MAX_BUNDLE_BYTES = 256 * 1024 * 1024
const MAX_DEPTH = 6

/** The file is no bundle, only a part of one, or of a format this code does not know: nothing can be said of it. */
export class BundleError extends Error {
  override readonly name = 'BundleError'
  /** The member at fault, where there is one. */
  readonly path: string | null

  constructor(path: string | null, message: string) {
    super(message)
    this.path = path
  }
}

/**
 * Reads a bundle file, strictly: members that appear twice, are unknown or of the wrong type, and hostile sizes are refused.
 * @throws BundleError, and nothing else
 */
export function readBundle(text: string): EvidenceBundle {
  if (text.length > MAX_BUNDLE_BYTES) throw new BundleError(null, `it is longer than ${MAX_BUNDLE_BYTES} bytes`)
  const { members, depth } = outline(text)
  if (depth > MAX_DEPTH) throw new BundleError(null, `it is nested deeper than ${MAX_DEPTH}`)
  const reader = createMemberReader()
  const bundle = bundleOf(reader, parse(text))
  // The engine keeps the last of two equal names, other parsers the first: agreeing on one is what forgers live on.
  if (reader.members() !== members) throw new BundleError(null, 'a member appears twice')
  return bundle
}

function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    // The engine's message quotes the text, which may be secret.
    throw new BundleError(null, 'it is not JSON')
  }
}

function bundleOf(read: MemberReader, value: Json): EvidenceBundle {
  const format = isObject(value) ? value['format'] : undefined
  if (format !== BUNDLE_FORMAT && format !== UNSIGNED_FORMAT) {
    throw new BundleError('format', `it is not a bundle of format ${BUNDLE_FORMAT}`)
  }
  const signed = format === BUNDLE_FORMAT
  const file = read.object(value, 'bundle', signed ? [...MEMBERS, ...SIGNED_MEMBERS] : MEMBERS)
  const manifest = read.object(file['manifest'], 'manifest', ['n', 'body', 'hash'])
  const partial = file['partial'] !== undefined
  if (partial && file['partial'] !== true) throw wrong('partial', 'can only be true')
  const each = <T>(key: string, one: (value: Json, path: string) => T) =>
    list(file[key], key).map((item, index) => one(item, `${key}[${index}]`))
  return {
    ...{ format, origin: name(file, 'origin'), session: name(file, 'session'), ...(partial && { partial }) },
    entries: each('entries', (item, path) => entryOf(read, item, path, signed)),
    manifest: {
      n: manifest['n'] === null ? null : count(manifest, 'n', 'manifest'),
      ...{ body: string(manifest, 'body', 'manifest'), hash: string(manifest, 'hash', 'manifest') },
    },
    disclosures: each('disclosures', (item, path) => disclosureOf(read, item, path)),
    proof: signed ? stringOrNull(file, 'proof', 'bundle') : null,
    receipts: signed ? each('receipts', (item, path) => receiptOf(read, item, path)) : [],
    erasures: signed ? each('erasures', (item, path) => erasureOf(read, item, path)) : [],
    keys: signed ? each('keys', text) : [],
  }
}

const MEMBERS = ['format', 'origin', 'session', 'entries', 'manifest', 'disclosures']
const SIGNED_MEMBERS = ['partial', 'proof', 'receipts', 'erasures', 'keys']

function entryOf(read: MemberReader, value: Json, path: string, signed: boolean): BundleEntry {
  const entry = read.object(value, path, signed ? ['n', 'body', 'hash', 'proof'] : ['n', 'body', 'hash'])
  const known = { n: count(entry, 'n', path), body: string(entry, 'body', path), hash: string(entry, 'hash', path) }
  return entry['proof'] === undefined ? known : { ...known, proof: string(entry, 'proof', path) }
}

function disclosureOf(read: MemberReader, value: Json, path: string): Disclosure {
  const disclosure = read.object(value, path, ['n', 'path', 'salt', 'value'])
  const salt = string(disclosure, 'salt', path)
  // `Buffer.from(text, 'hex')` stops silently at the first odd digit.
  if (!/^[0-9a-f]{64}$/.test(salt)) throw wrong(`${path}.salt`, 'must be 64 hex digits')
  return {
    ...{ n: count(disclosure, 'n', path), path: string(disclosure, 'path', path), salt },
    value: string(disclosure, 'value', path),
  }
}

function receiptOf(read: MemberReader, value: Json, path: string): BundleReceipt {
  const receipt = read.object(value, path, ['sink', 'size', 'receipt', 'note'])
  const known = { sink: string(receipt, 'sink', path), size: count(receipt, 'size', path) }
  const told = { ...known, receipt: string(receipt, 'receipt', path) }
  return receipt['note'] === undefined ? told : { ...told, note: string(receipt, 'note', path) }
}

function erasureOf(read: MemberReader, value: Json, path: string): BundleErasure {
  const erasure = read.object(value, path, ['n', 'body', 'proof'])
  const proof = stringOrNull(erasure, 'proof', path)
  return { n: count(erasure, 'n', path), body: string(erasure, 'body', path), proof }
}

/** Reads objects and counts what it has read of them. */
interface MemberReader {
  object(value: Json | undefined, path: string, known: readonly string[]): JsonObject
  members(): number
}

function createMemberReader(): MemberReader {
  let seen = 0
  return {
    object(value, path, known) {
      if (!isObject(value)) throw wrong(path, 'must be an object')
      for (const key of Object.keys(value)) {
        if (!known.includes(key)) throw wrong(`${path}.${key.slice(0, 80)}`, 'is not known')
        seen += 1
      }
      return value
    },
    members: () => seen,
  }
}

function list(value: Json | undefined, path: string): readonly Json[] {
  if (!Array.isArray(value)) throw wrong(path, 'must be a list')
  return value
}

function text(value: Json | undefined, path: string): string {
  if (typeof value !== 'string') throw wrong(path, 'must be text')
  // A lone surrogate has no bytes: each reader would hash something else.
  if (!value.isWellFormed()) throw wrong(path, 'holds half of a character')
  return value
}

function string(object: JsonObject, key: string, path: string): string {
  return text(object[key], `${path}.${key}`)
}

function stringOrNull(object: JsonObject, key: string, path: string): string | null {
  return object[key] === null ? null : string(object, key, path)
}

function name(object: JsonObject, key: string): string {
  const value = string(object, key, 'bundle')
  if (!isLogName(value)) throw wrong(key, 'must be printable ASCII without spaces')
  return value
}

function count(object: JsonObject, key: string, path: string): number {
  const value = object[key]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) return value
  throw wrong(`${path}.${key}`, 'must be a whole number')
}

function wrong(path: string, why: string): BundleError {
  return new BundleError(path, `it is not well-formed: ${path} ${why}`)
}
