import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { parseStrict } from '../../core/strict-json.ts'
import { ARCHIVE_FORMAT } from '../format/archive-format.ts'
import type { EvidenceBundle } from '../format/bundle-format.ts'
import { isLogName, leafHash } from '../format/chain.ts'
import { appendLeaves, type Frontier, type Hash, rootOf, unpackFrontier } from '../merkle/tree.ts'
import { verifyConsistency } from '../merkle/verify-proof.ts'
import { decodeBase64 } from '../notes/base64.ts'
import { BundleError, MAX_BUNDLE_BYTES, readBundle } from '../verify/read-bundle.ts'
import { type Pins, vouch } from '../verify/trust.ts'

/** What an archive turns out to hold. It is whole where there is no fault. */
export interface ArchiveReport {
  readonly origin: string
  readonly from: number
  readonly to: number
  /** Root of the log's first `to` entries, 64 hex digits. */
  readonly root: string
  readonly bundles: number
  /** What is wrong with it, at most a hundred. */
  readonly faults: readonly string[]
  /** Why it cannot be said whose archive this is; null where it can. */
  readonly undecided: string | null
}

export interface ArchiveOptions {
  readonly pins: Pins | null
  /** Called with each bundle; what it says of itself is for `verifyBundle`. */
  readonly onBundle?: (bundle: EvidenceBundle) => void
}

/** The file is no archive, or only a part of one: nothing can be said of it. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}

interface Header {
  readonly origin: string
  readonly from: number
  readonly to: number
  readonly frontier: Frontier
  readonly checkpoint: string
  readonly consistency: readonly Hash[]
}

const BUNDLE_LINE = '{"bundle":'
const MAX_FAULTS = 100

/** Does the file's first line begin an archive? */
export function isArchive(text: string): boolean {
  return text.startsWith(`{"format":"${ARCHIVE_FORMAT}"`)
}

/**
 * Reads an archive line by line: are all its rows there, and are they those that were signed? Memory: a hash for each row.
 * @throws ArchiveError where it is not an archive, or not to its end
 */
export async function readArchive(lines: AsyncIterable<string>, options: ArchiveOptions): Promise<ArchiveReport> {
  const faults: string[] = []
  const hashes = new Map<number, string>()
  let header: Header | null = null
  let end: JsonObject | null = null
  let bundles = 0
  let rows = 0

  function note(n: number, body: string): void {
    const hash = leafHash(body)
    const known = hashes.get(n)
    if (known !== undefined && known !== hash) faults.push(`it holds two entries ${n}`)
    hashes.set(n, hash)
  }

  for await (const text of lines) {
    if (header === null) {
      header = headerOf(text)
    } else if (end !== null) {
      throw new ArchiveError('it goes on after its end')
    } else if (text.startsWith(BUNDLE_LINE)) {
      const bundle = bundleOf(text, header)
      bundles += 1
      for (const { n, body } of bundle.entries) if (n >= header.from && n < header.to) note(n, body)
      options.onBundle?.(bundle)
    } else {
      const value = objectOf(text)
      if (isObject(value['end'])) end = value['end']
      else rows += noteRow(value['row'], note)
    }
  }
  if (header === null) throw new ArchiveError('it is empty')
  if (end === null || end['bundles'] !== bundles || end['rows'] !== rows) throw new ArchiveError('its end is missing')
  return judge(header, hashes, bundles, faults, options.pins)
}

function judge(
  header: Header,
  hashes: ReadonlyMap<number, string>,
  bundles: number,
  faults: string[],
  pins: Pins | null,
): ArchiveReport {
  const { origin, from, to } = header
  const leaves: Hash[] = []
  for (let n = from; n < to; n += 1) {
    const hash = hashes.get(n)
    if (hash === undefined) faults.push(`entry ${n} is missing`)
    else leaves.push(Buffer.from(hash, 'hex'))
    if (faults.length >= MAX_FAULTS) break
  }
  const root = rootOf(appendLeaves(header.frontier, leaves))
  const report = { origin, from, to, root: Buffer.from(root).toString('hex'), bundles }
  const vouched = vouch(header.checkpoint, origin, pins)
  if (vouched.by === 'fault') return { ...report, faults: [...faults, vouched.fault.detail], undecided: null }
  const { checkpoint } = vouched
  if (faults.length === 0 && !verifyConsistency(to, checkpoint.size, root, checkpoint.root, header.consistency)) {
    faults.push(`its rows ${from} to ${to - 1} are not those of the log that was signed`)
  }
  const undecided =
    vouched.by === 'unknown' ? `it is signed by ${vouched.signers}, and no key of this log is known` : null
  return { ...report, faults, undecided }
}

function headerOf(text: string): Header {
  const value = isArchive(text) ? objectOf(text) : null
  const origin = value && textMember(value, 'origin')
  const checkpoint = value && textMember(value, 'checkpoint')
  if (!origin || !isLogName(origin) || !checkpoint) throw new ArchiveError(`it is not an archive of ${ARCHIVE_FORMAT}`)
  const from = position(value['from'])
  const to = position(value['to'])
  const roots = hashList(value['frontier'])
  const frontier = unpackFrontier(from, Buffer.concat(roots))
  if (frontier === null || to < from) throw new ArchiveError('its first line contradicts itself')
  return { origin, from, to, frontier, checkpoint, consistency: hashList(value['consistency']) }
}

function bundleOf(text: string, { origin }: Header): EvidenceBundle {
  try {
    const bundle = readBundle(text.slice(BUNDLE_LINE.length, -1))
    if (bundle.origin === origin && text.endsWith('}')) return bundle
  } catch (cause) {
    if (!(cause instanceof BundleError)) throw cause
    throw new ArchiveError(`a bundle in it cannot be read: ${cause.message}`, { cause })
  }
  throw new ArchiveError('a bundle in it is of another log')
}

function noteRow(row: Json | undefined, note: (n: number, body: string) => void): 1 {
  const body = isObject(row) ? textMember(row, 'body') : undefined
  if (!isObject(row) || body === undefined) throw new ArchiveError('it holds a line that is neither bundle nor row')
  note(position(row['n']), body)
  return 1
}

function objectOf(text: string): JsonObject {
  try {
    const value = parseStrict(text, { maxBytes: MAX_BUNDLE_BYTES })
    if (isObject(value)) return value
  } catch (cause) {
    throw new ArchiveError('a line of it is not JSON', { cause })
  }
  throw new ArchiveError('a line of it is not a JSON object')
}

function position(value: Json | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new ArchiveError('a position in it is no whole number')
}

function hashList(value: Json | undefined): Hash[] {
  const texts = Array.isArray(value) ? value : []
  const hashes = texts.map((text) => (typeof text === 'string' ? decodeBase64(text) : null))
  const found = hashes.filter((hash) => hash !== null && hash.length === 32)
  if (!Array.isArray(value) || found.length !== texts.length) throw new ArchiveError('a hash in it is none')
  return found.filter((hash) => hash !== null)
}
