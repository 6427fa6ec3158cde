import { createReadStream } from 'node:fs'
import { AegisError } from '../core/errors.ts'
import type { AnchoredNote } from './check.ts'
import { noteIn } from './file-anchor.ts'
import { NOTE_FILE } from './git-anchor.ts'
import { git } from './git-command.ts'

/** An anchor that an auditor names: `file:PATH` or `git:REPOSITORY#REF`. */
export type AnchorSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'git'; readonly repository: string; readonly ref: string }

/** @throws AegisError `invalid_params` */
export function parseAnchorSource(text: string): AnchorSource {
  const file = /^file:(.+)$/s.exec(text)?.[1]
  if (file !== undefined) return { kind: 'file', path: file }
  const [, repository, ref] = /^git:([^#]+)#([^#]+)$/s.exec(text) ?? []
  if (repository !== undefined && ref !== undefined && isRef(ref)) return { kind: 'git', repository, ref }
  throw new AegisError('invalid_params', `not an anchor: ${JSON.stringify(text.slice(0, 80))}`, {
    advice: 'Write file:PATH, or git:REPOSITORY#REF with the full name of a ref such as refs/heads/checkpoints.',
  })
}

/** The full name of a ref, as `git check-ref-format` has it. */
export function isRef(text: string): boolean {
  if (!/^refs\/[^\s~^:?*[\\\u0000-\u001f\u007f]+$/.test(text) || text.length > 200) return false
  return !/\.\.|\/\/|@\{|\.$|\/$|(^|\/)\.|\.lock(\/|$)/.test(text)
}

const MOST_NOTES = 5_000_000
const LONGEST_LINE = 64 * 1024

/**
 * Every note an anchor holds, oldest first. What reads as none is left out where a crash may have torn it (a file's line) and is
 * given as it stands where nothing of ours can have written it, so that the check tells of it.
 * @throws AegisError `not_found`, `cannot_decide` where there is no such anchor or it cannot be read
 */
export async function readAnchor(
  source: AnchorSource,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AnchoredNote[]> {
  return source.kind === 'file' ? readFileAnchor(source.path) : readGitAnchor(source, env)
}

async function readFileAnchor(path: string): Promise<AnchoredNote[]> {
  const notes: AnchoredNote[] = []
  try {
    for await (const line of linesOf(path)) {
      const note = noteIn(line)
      // A torn line is the beginning of one that was never acknowledged.
      if (note === null && isTorn(line)) continue
      notes.push({ by: 'place', sink: 'file', note: note ?? '' })
      if (notes.length > MOST_NOTES) throw new Error(`more than ${MOST_NOTES} lines`)
    }
  } catch (error) {
    throw unreadable(`file:${path}`, error)
  }
  return notes
}

/** Lines of a file that may hold anything: of one that is too long only the beginning, whatever its length. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE)
    for (const line of lines) yield line.slice(0, LONGEST_LINE)
  }
  if (rest !== '') yield rest
}

function isTorn(line: string): boolean {
  return line === '' || (line.startsWith('{"size":'.slice(0, line.length)) && !line.endsWith('}'))
}

async function readGitAnchor(
  { repository, ref }: { readonly repository: string; readonly ref: string },
  env: Readonly<Record<string, string | undefined>>,
): Promise<AnchoredNote[]> {
  const signal = AbortSignal.timeout(120_000)
  const ask = async (words: readonly string[], input = '') => {
    const answer = await git(words, { repository, env, signal, input })
    if (answer.status === 0) return answer.bytes
    throw new Error(answer.complaint === '' ? `git ${words[0]} failed` : answer.complaint)
  }
  try {
    const commits = await ask(['rev-list', '--first-parent', '--reverse', '--end-of-options', ref, '--'])
    const names = commits.toString('latin1').split('\n').filter(Boolean)
    const notes: AnchoredNote[] = []
    // In portions, since one answer is held whole.
    for (let at = 0; at < names.length; at += 10_000) {
      const wanted = names.slice(at, at + 10_000).map((commit) => `${commit}:${NOTE_FILE}\n`)
      const found = blobs(await ask(['cat-file', '--batch'], wanted.join('')))
      notes.push(...found.map((note) => ({ by: 'place' as const, sink: 'git', note })))
    }
    return notes
  } catch (error) {
    throw unreadable(`git:${repository}#${ref}`, error)
  }
}

/** The answer of `cat-file --batch`: `<id> <type> <bytes>`, the bytes, a line feed; or one line that ends in `missing`. */
function blobs(out: Buffer): string[] {
  const found: string[] = []
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf(0x0a, at)
    if (end < 0) break
    const [, type, length] = / (blob|tree|commit|tag) (\d+)$/.exec(out.toString('latin1', at, end)) ?? []
    const next = end + 1 + Number(length ?? 0)
    found.push(type === 'blob' ? out.toString('utf8', end + 1, next) : '')
    at = length === undefined ? next : next + 1
  }
  return found
}

function unreadable(what: string, error: unknown): AegisError {
  const reason = error instanceof Error ? error.message : 'unknown reason'
  const code = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'not_found' : 'cannot_decide'
  return new AegisError(code, `the anchor ${what} cannot be read: ${reason}`, {
    advice: 'Check its path; an anchor that cannot be read proves nothing.',
  })
}
