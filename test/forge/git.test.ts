import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Git, openGit, type TreeChange } from '../../starter-kit/forge/git.ts'
import { gitSays } from './git-cli.ts'

let git: Git
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aegis-git-'))
  git = await openGit(join(folder, 'bare.git'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Path to content, or to content with a mode. */
type Files = Readonly<Record<string, string | readonly [content: string, mode: string]>>

async function treeOf(files: Files): Promise<string> {
  const changes = Object.entries(files).map(async ([path, file]): Promise<TreeChange> => {
    const [content, mode] = typeof file === 'string' ? [file, '100644'] : file
    return { path, mode, sha: await git.writeBlob(Buffer.from(content)) }
  })
  return git.writeTree(null, await Promise.all(changes))
}

const LONG = Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join('')

describe('the difference of two trees', () => {
  it.each<[string, Files, Files, object]>([
    ['an added file', {}, { a: 'x\n' }, { status: 'added', path: 'a', additions: 1, patch: '@@ -0,0 +1 @@\n+x' }],
    ['a removed file', { a: 'x\n' }, {}, { status: 'removed', path: 'a', deletions: 1 }],
    ['a renamed file', { a: LONG }, { b: LONG }, { status: 'renamed', path: 'b', previousPath: 'a', patch: null }],
    ['a binary file', { a: 'x\0y' }, { a: 'z\0y' }, { status: 'modified', additions: 0, patch: null }],
    ['a mode alone', { a: 'x' }, { a: ['x', '100755'] }, { status: 'modified', additions: 0, patch: null }],
    ['a link where a file was', { a: 'x' }, { a: ['b', '120000'] }, { status: 'changed', path: 'a' }],
    ['a name with everything in it', {}, { 'ü "q" *?.txt': 'x\n' }, { status: 'added', additions: 1 }],
    ['a text that looks like a header', {}, { a: 'diff --git a/x b/x\n@@ -1 +1 @@\n' }, { additions: 2 }],
  ])('shows %s', async (_, before, after, expected) => {
    const changes = await git.changes(await treeOf(before), await treeOf(after))
    expect(changes).toHaveLength(1)
    expect(changes[0]).toMatchObject(expected)
  })

  it('gives every file its own patch and counts, as git counts them', async () => {
    const content = fc.constantFrom('', 'x\n', 'y\n', 'x\ny\n', 'no end', 'b\0in', '-\n', '+\n', LONG)
    const mode = fc.constantFrom('100644', '100755', '120000')
    const files = fc.dictionary(fc.constantFrom('a', 'b', 'c/d', 'c/e'), fc.tuple(content, mode))
    await fc.assert(
      fc.asyncProperty(files, files, async (before, after) => {
        const [from, to] = [await treeOf(before), await treeOf(after)]
        const changes = await git.changes(from, to)
        const counted = gitSays(git.gitDir, 'diff-tree', '-r', '-M', '--numstat', from, to).split('\n').filter(Boolean)
        expect(changes).toHaveLength(counted.length)
        for (const [index, { additions, deletions, patch }] of changes.entries()) {
          const [added, removed] = (counted[index] ?? '').split('\t')
          expect([additions, deletions]).toEqual([
            Number(added === '-' ? 0 : added),
            Number(removed === '-' ? 0 : removed),
          ])
          const signs = (sign: string): number => patch?.split('\n').filter((line) => line.startsWith(sign)).length ?? 0
          if (patch !== null && changes[index]?.status !== 'changed')
            expect([signs('+'), signs('-')]).toEqual([additions, deletions])
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('refs', () => {
  it('move only from where they were said to be', async () => {
    const tree = await treeOf({ a: 'x' })
    const by = { name: 'a', email: 'a@users.noreply.github.com', at: 1_775_000_000_000 }
    const commit = (message: string) => git.writeCommit({ tree, parents: [], author: by, committer: by, message })
    const [one, two] = [await commit('one'), await commit('two')]
    expect(await git.moveRef('refs/heads/x', null, one)).toBe(true)
    expect(await git.moveRef('refs/heads/x', null, two)).toBe(false)
    expect(await git.moveRef('refs/heads/x', two, two)).toBe(false)
    expect(await git.moveRef('refs/heads/x', one, two)).toBe(true)
    expect(await git.ref('refs/heads/x')).toBe(two)
    expect((await git.commits([one]))[0]).toMatchObject({ message: 'one', author: by, parents: [] })
  })
})
