import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Change, parseRaw } from './git-diff.ts'
import { GitFailure, type GitOptions, type GitOutput, gitRunner } from './git-process.ts'
import { isSha, isTreePath } from './names.ts'

/** Who made a commit and when; `at` in milliseconds since the epoch. */
export interface Signature {
  readonly name: string
  readonly email: string
  readonly at: number
}

export interface Commit {
  readonly sha: string
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: Signature
  readonly committer: Signature
  readonly message: string
}

export interface TreeEntry {
  readonly mode: string
  readonly type: 'blob' | 'tree' | 'commit'
  readonly sha: string
  /** Bytes, of blobs only. */
  readonly size: number | null
  readonly path: string
}

/** One path to set (or, with a null sha, to remove) in a new tree. */
export interface TreeChange {
  readonly path: string
  readonly mode: string
  readonly sha: string | null
}

export interface Ref {
  readonly name: string
  readonly sha: string
}

/** A bare repository. Names that reach it are checked by `names.ts` first. */
export interface Git {
  readonly gitDir: string
  refs(prefix: string): Promise<readonly Ref[]>
  /** The commit a full ref points to, or null. */
  ref(name: string): Promise<string | null>
  objectType(sha: string): Promise<'commit' | 'tree' | 'blob' | 'tag' | null>
  blob(sha: string): Promise<Buffer>
  tree(sha: string, recursive: boolean): Promise<readonly TreeEntry[]>
  /** What lies at the path of the commit or tree, or null. */
  entry(root: string, path: string): Promise<TreeEntry | null>
  commits(shas: readonly string[]): Promise<readonly Commit[]>
  /** Newest first; `path` keeps what touched it. */
  history(from: string, options: { exclude?: string; path?: string; skip?: number; count?: number }): Promise<string[]>
  writeBlob(content: Buffer): Promise<string>
  writeTree(base: string | null, changes: readonly TreeChange[]): Promise<string>
  writeCommit(commit: Omit<Commit, 'sha'>): Promise<string>
  /** Moves the ref from `from` (null: it must not exist) to `to` (null: deletes it) at once; false where it was not at `from`. */
  moveRef(name: string, from: string | null, to: string | null): Promise<boolean>
  mergeBase(one: string, other: string): Promise<string | null>
  /** The tree of a three-way merge, or null where it conflicts. */
  mergeTrees(ours: string, theirs: string): Promise<string | null>
  changes(from: string, to: string): Promise<readonly Change[]>
  /** Paths whose text holds the term, without regard to case. */
  grep(commit: string, term: string): Promise<readonly string[]>
}

export async function openGit(gitDir: string): Promise<Git> {
  await mkdir(gitDir, { recursive: true })
  const run = gitRunner(gitDir)
  await must(run(['init', '--bare', '--quiet', '--initial-branch=main', gitDir]))
  return { gitDir, ...reading(run), ...writing(run, gitDir), ...comparing(run) }
}

type Run = (args: readonly string[], options?: GitOptions) => Promise<GitOutput>

async function must(output: Promise<GitOutput>): Promise<Buffer> {
  const { code, stdout, stderr } = await output
  if (code !== 0) throw new GitFailure(`git exited with ${code}: ${stderr.trim().slice(0, 400)}`)
  return stdout
}

function reading(run: Run) {
  const refs = async (prefix: string): Promise<Ref[]> => {
    const text = (await must(run(['for-each-ref', '--format=%(objectname) %(refname)', prefix]))).toString('utf8')
    return lines(text).map((line) => ({ sha: line.slice(0, 40), name: line.slice(41) }))
  }
  const objects = async (shas: readonly string[]): Promise<ObjectRead[]> => {
    if (!shas.every(isSha)) throw new GitFailure('not an object name')
    return readBatch(await must(run(['cat-file', '--batch'], { input: shas.map((sha) => `${sha}\n`).join('') })))
  }
  const ref = async (name: string): Promise<string | null> => {
    const found = await run(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`])
    return found.code === 0 ? found.stdout.toString('utf8').trim() : null
  }
  const lsTree = async (args: readonly string[]): Promise<TreeEntry[]> =>
    parseTree((await must(run(['ls-tree', '-z', '-l', '--full-tree', ...args]))).toString('utf8'))
  return {
    refs,
    ref,
    async objectType(sha: string) {
      if (!isSha(sha)) return null
      const type = (await must(run(['cat-file', '--batch-check=%(objecttype)'], { input: `${sha}\n` })))
        .toString('utf8')
        .trim()
      return type === 'commit' || type === 'tree' || type === 'blob' || type === 'tag' ? type : null
    },
    async blob(sha: string) {
      const [object] = await objects([sha])
      if (object === undefined) throw new GitFailure(`no blob ${sha}`)
      return object.content
    },
    tree: (sha: string, recursive: boolean) => lsTree(recursive ? ['-r', '-t', sha] : [sha]),
    async entry(root: string, path: string) {
      if (!isTreePath(path)) return null
      const [entry] = await lsTree([root, '--', path])
      return entry ?? null
    },
    async commits(shas: readonly string[]) {
      return shas.length === 0 ? [] : (await objects(shas)).map(parseCommit)
    },
    async history(from: string, options: { exclude?: string; path?: string; skip?: number; count?: number }) {
      const limits = [`--skip=${options.skip ?? 0}`, `--max-count=${options.count ?? 250}`]
      const range = options.exclude === undefined ? [from] : [from, `^${options.exclude}`]
      const paths = options.path === undefined ? [] : [options.path]
      return lines((await must(run(['rev-list', ...limits, ...range, '--', ...paths]))).toString('utf8'))
    },
    async grep(commit: string, term: string) {
      const found = await run(['grep', '-z', '-l', '-I', '-i', '-F', '-e', term, commit, '--'])
      return found.code === 0
        ? found.stdout
            .toString('utf8')
            .split('\0')
            .filter(Boolean)
            .map((hit) => hit.slice(41))
        : []
    },
  }
}

function writing(run: Run, gitDir: string) {
  return {
    async writeBlob(content: Buffer) {
      return text(await must(run(['hash-object', '-w', '--stdin', '--no-filters'], { input: content })))
    },
    async writeTree(base: string | null, changes: readonly TreeChange[]) {
      // An index of its own for each tree: two pushes at once never see each other's half.
      const index = join(gitDir, `index-${randomUUID()}`)
      const env = { GIT_INDEX_FILE: index }
      try {
        await must(run(base === null ? ['read-tree', '--empty'] : ['read-tree', base], { env }))
        const input = changes.map(indexLine).join('')
        await must(run(['update-index', '-z', '--index-info'], { env, input }))
        return text(await must(run(['write-tree'], { env })))
      } finally {
        await rm(index, { force: true })
      }
    },
    async writeCommit(commit: Omit<Commit, 'sha'>) {
      const parents = commit.parents.flatMap((parent) => ['-p', parent])
      const env = { ...identity('AUTHOR', commit.author), ...identity('COMMITTER', commit.committer) }
      return text(await must(run(['commit-tree', commit.tree, ...parents], { env, input: commit.message })))
    },
    async moveRef(name: string, from: string | null, to: string | null) {
      const none = '0'.repeat(40)
      const args = to === null ? ['-d', name, from ?? none] : [name, to, from ?? none]
      return (await run(['update-ref', ...args])).code === 0
    },
  }
}

/** Comparisons of two commits that are kept: a client that walks the pages of a large one asks for the same again and again. */
const KEPT_COMPARISONS = 16

function comparing(run: Run) {
  const kept = new Map<string, Promise<readonly Change[]>>()
  const compare = async (from: string, to: string): Promise<readonly Change[]> => {
    const raw = await must(run(['diff-tree', '-r', '-M', '-z', '--raw', '--numstat', from, to]))
    const patch = await must(run(['diff-tree', '-r', '-M', '-p', '--no-color', '--no-ext-diff', from, to]))
    return parseRaw(raw.toString('utf8'), patch.toString('utf8'))
  }
  return {
    async mergeBase(one: string, other: string) {
      const found = await run(['merge-base', one, other])
      return found.code === 0 ? text(found.stdout) : null
    },
    async mergeTrees(ours: string, theirs: string) {
      const merged = await run(['merge-tree', '--write-tree', '--no-messages', ours, theirs])
      if (merged.code > 1) throw new GitFailure('merging needs git 2.38 or newer')
      return merged.code === 0 ? text(merged.stdout) : null
    },
    changes(from: string, to: string) {
      const key = `${from} ${to}`
      const [oldest] = kept.keys()
      const found = kept.get(key) ?? compare(from, to)
      if (!kept.has(key) && kept.size >= KEPT_COMPARISONS && oldest !== undefined) kept.delete(oldest)
      kept.set(key, found)
      found.catch(() => kept.delete(key))
      return found
    },
  }
}

function indexLine(change: TreeChange): string {
  return change.sha === null
    ? `0 ${'0'.repeat(40)}\t${change.path}\0`
    : `${change.mode} ${change.sha}\t${change.path}\0`
}

function identity(role: 'AUTHOR' | 'COMMITTER', signature: Signature): Record<string, string> {
  return {
    [`GIT_${role}_NAME`]: signature.name,
    [`GIT_${role}_EMAIL`]: signature.email,
    [`GIT_${role}_DATE`]: `@${Math.floor(signature.at / 1000)} +0000`,
  }
}

interface ObjectRead {
  readonly sha: string
  readonly type: string
  readonly content: Buffer
}

/** `<sha> <type> <size>\n<content>\n` repeated; `<name> missing` ends it. */
function readBatch(output: Buffer): ObjectRead[] {
  const objects: ObjectRead[] = []
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(0x0a, at)
    const [sha, type, size] = output.subarray(at, end).toString('utf8').split(' ')
    if (sha === undefined || type === undefined || size === undefined)
      throw new GitFailure(`no such object: ${sha ?? ''}`)
    const start = end + 1
    objects.push({ sha, type, content: output.subarray(start, start + Number(size)) })
    at = start + Number(size) + 1
  }
  return objects
}

function parseCommit(object: ObjectRead): Commit {
  const content = object.content.toString('utf8')
  const split = content.indexOf('\n\n')
  const head = lines(content.slice(0, split))
  const values = (key: string): string[] =>
    head.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1))
  return {
    sha: object.sha,
    tree: values('tree')[0] ?? '',
    parents: values('parent'),
    author: parseSignature(values('author')[0] ?? ''),
    committer: parseSignature(values('committer')[0] ?? ''),
    message: content.slice(split + 2).replace(/\n$/, ''),
  }
}

function parseSignature(line: string): Signature {
  const [, name = '', email = '', seconds = '0'] = /^(.*?) ?<(.*?)> (\d+)/.exec(line) ?? []
  return { name, email, at: Number(seconds) * 1000 }
}

function parseTree(output: string): TreeEntry[] {
  return output
    .split('\0')
    .filter(Boolean)
    .flatMap((line) => {
      const [, mode, type, sha, size, path] =
        /^(\d{6}) (blob|tree|commit) ([0-9a-f]{40}) +(\S+)\t(.+)$/s.exec(line) ?? []
      if (mode === undefined || sha === undefined || path === undefined) return []
      const kind = type === 'tree' ? 'tree' : type === 'commit' ? 'commit' : 'blob'
      return [{ mode, type: kind, sha, size: size === '-' ? null : Number(size), path }]
    })
}

const text = (output: Buffer): string => output.toString('utf8').trim()
const lines = (output: string): string[] => output.split('\n').filter((line) => line !== '')
