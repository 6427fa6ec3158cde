import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { mapBounded } from '../../github/index.ts'
import type { Place } from './place.ts'
import { objectOf, sha, text } from './shapes.ts'
import type { Blob, Was } from './tree.ts'
import type { WrittenFile } from './written-files.ts'

/** A larger file, or what comes after these, is not read: its old text is unknown. */
const FILE_BYTES = 1024 * 1024
const ALL_BYTES = 8 * 1024 * 1024
const MOST_FILES = 300
const AT_ONCE = 8

/** A path that is to be written, and what lies there. */
export interface FoundFile extends WrittenFile {
  readonly was: Was
}

export interface OldTexts {
  /** For each path what is there: null for nothing, `'unknown'` for what cannot be read or is no text. */
  readonly texts: readonly (string | null | 'unknown')[]
  /** Other files that the write reaches: what links stand for, and files in whose place a folder comes. */
  readonly besides: readonly WrittenFile[]
  /** False where a link is among them: it may lead to another one. */
  readonly complete: boolean
}

/** The texts at the paths, as Git's blobs. A link counts as the file it stands for as well: some writers follow it. */
export async function oldTexts(place: Place, found: readonly FoundFile[]): Promise<OldTexts> {
  const affordable = withinMeans(found.map(({ was }) => was))
  const read = async ({ sha: name }: Blob) => (affordable.has(name) ? readBlob(place, name) : 'unknown')
  const looks = await mapBounded(found, AT_ONCE, async ({ path, now, was }): Promise<Look> => {
    if (was.kind === 'nothing') return { text: null }
    if (was.kind !== 'file' && was.kind !== 'under-file') return { text: 'unknown' }
    if (was.kind === 'under-file' && !was.blob.link) return { text: 'unknown', beside: { path: was.at, now: null } }
    const content = await read(was.blob)
    if (!was.blob.link) return { text: content }
    const link = was.kind === 'file' ? { at: path, rest: '' } : was
    return { text: 'unknown', beside: { path: linked(link.at, content, link.rest), now }, linked: true }
  })
  return {
    texts: looks.map(({ text: content }) => content),
    besides: looks.flatMap(({ beside }) => (beside === undefined ? [] : [beside])),
    complete: !looks.some((look) => look.linked === true),
  }
}

interface Look {
  readonly text: string | null | 'unknown'
  readonly beside?: WrittenFile
  readonly linked?: boolean
}

/** The blobs that fit into the limits, in the order of the files. */
function withinMeans(found: readonly Was[]): ReadonlySet<string> {
  const chosen = new Set<string>()
  let bytes = 0
  for (const was of found) {
    const blob: Blob | null = was.kind === 'file' || was.kind === 'under-file' ? was.blob : null
    if (blob === null || blob.size > FILE_BYTES || bytes + blob.size > ALL_BYTES || chosen.size >= MOST_FILES) continue
    if (!chosen.has(blob.sha)) bytes += blob.size
    chosen.add(blob.sha)
  }
  return chosen
}

/** Where a link leads, inside the repository as far as it stays there. */
function linked(at: string, target: string, rest: string): string {
  return posix.join(posix.dirname(at), target, rest)
}

/** `GET /git/blobs/{sha}`, once for each blob; its name is checked against its content. */
async function readBlob(place: Place, name: string): Promise<string | 'unknown'> {
  // Base64 takes four bytes for three, with line ends among them.
  const { body } = await place.rest.get(place.path('git/blobs', name), { ...place.immutable, limit: FILE_BYTES * 2 })
  const blob = objectOf(body, 'blob')
  if (sha(blob, 'sha', 'a blob') !== name) throw new Error('GitHub answers with another file than asked for')
  if (text(blob, 'encoding', 'a blob') !== 'base64')
    throw new Error('GitHub answers with a file in an unknown encoding')
  const bytes = Buffer.from(text(blob, 'content', 'a blob'), 'base64')
  if (gitName(bytes, name.length) !== name) throw new Error('GitHub answers with another content than the SHA names')
  return plainText(bytes)
}

function gitName(content: Buffer, length: number): string {
  const hash = createHash(length === 40 ? 'sha1' : 'sha256')
  return hash.update(`blob ${content.length}\0`).update(content).digest('hex')
}

function plainText(bytes: Buffer): string | 'unknown' {
  if (bytes.includes(0)) return 'unknown'
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return 'unknown'
  }
}
