import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'
import { FIX_BRANCH, TEST_FILE } from '../../starter-kit/forge/index.ts'
import { lie } from '../forge/spoiling.ts'
import { factsHouse, file, type House, PUSH, REPO } from './house.ts'

let house: House
let pull: number
beforeAll(async () => {
  house = await factsHouse()
  pull = await house.openPull(FIX_BRANCH)
  house.commit(FIX_BRANCH, file('later', 'later'))
})
beforeEach(() => house.stage.clear())
afterAll(() => house.stop())

const MERGE = (): JsonObject => ({ pullNumber: pull })
const paths = (): string[] => house.stage.seen.map(({ path }) => path.replace(REPO, ''))

const removedBefore = (item: Json): Json =>
  isObject(item) ? { ...item, status: 'removed', contents_url: `x?ref=${'0'.repeat(40)}` } : item

describe('the changes', () => {
  const told = async (tool: string, parameters: JsonObject) => house.one('changes', tool, parameters)

  it('of a push are the lines that are new against what the branch holds', async () => {
    house.commit('work', file('src/a.txt', 'one\ntwo\n') + file('bin/run', 'x\n', '100755'))
    const files = [
      { path: '/src/a.txt', content: 'one\n2\nthree\n' },
      { path: 'src/new.txt', content: 'new\n' },
      { path: './bin/run', content: 'y\n' },
    ]
    expect(await told('push_files', { branch: 'work', message: 'm', files })).toEqual({
      known: true,
      value: {
        complete: true,
        files: [
          { path: 'src/a.txt', previousPath: null, status: 'modified', additions: 2, deletions: 1, added: '2\nthree' },
          { path: 'src/new.txt', previousPath: null, status: 'added', additions: 1, deletions: 0, added: 'new' },
          { path: 'bin/run', previousPath: null, status: 'modified', additions: 1, deletions: 1, added: 'y' },
        ],
      },
    })
    const gone = { branch: 'work', message: 'm', path: 'src/a.txt' }
    expect(await told('delete_file', gone)).toMatchObject({ value: { files: [{ status: 'removed', deletions: 2 }] } })
    const alone = { ...gone, content: 'one\ntwo\n' }
    expect(await told('create_or_update_file', alone)).toMatchObject({
      value: { files: [{ additions: 0, added: '' }] },
    })
  })

  it('of a push to a branch that is to be made are against the default branch', async () => {
    const push = { ...PUSH, branch: 'brand/new' }
    expect(await told('push_files', push)).toMatchObject({
      value: { files: [{ path: 'README.md', status: 'modified' }] },
    })
  })

  it('reach through a symbolic link to what it stands for', async () => {
    const links = file('docs/link', '../.github/workflows/ci.yml', '120000') + file('etc', '.github', '120000')
    house.commit('links', links)
    const files = ['docs/link', 'etc/dependabot.yml'].map((path) => ({ path, content: 'x\n' }))
    const found = await told('push_files', { branch: 'links', message: 'm', files })
    expect(found).toMatchObject({ value: { complete: false } })
    expect(JSON.stringify(found)).toContain('".github/workflows/ci.yml"')
    expect(JSON.stringify(found)).toContain('".github/dependabot.yml"')
  })

  it('name the files in whose place a file comes, and the file in whose place a folder comes', async () => {
    const files = ['.github', 'README.md/x'].map((path) => ({ path, content: 'x\n' }))
    expect(await told('push_files', { branch: 'main', message: 'm', files })).toMatchObject({
      value: {
        files: [
          { path: '.github', deletions: null },
          { path: 'README.md/x', deletions: null },
          { path: 'README.md', status: 'removed' },
          { path: '.github/workflows/ci.yml', status: 'removed' },
        ],
      },
    })
  })

  it('do not count lines of what is no text or too large', async () => {
    house.commit('odd', file('big', 'x\n'.repeat(600_000)) + file('bin', 'a\0b'))
    const files = ['big', 'bin'].map((path) => ({ path, content: 'x\n' }))
    expect(await told('push_files', { branch: 'odd', message: 'm', files })).toMatchObject({
      value: {
        files: [
          { path: 'big', deletions: null },
          { path: 'bin', deletions: null },
        ],
      },
    })
    expect(paths().filter((path) => path.includes('blobs'))).toHaveLength(1)
  })

  it('are not complete where the list of the tree was cut', async () => {
    house.stage.spoil(/git\/trees/, lie('truncated', true))
    const files = ['README.md', 'elsewhere/x'].map((path) => ({ path, content: 'x\n' }))
    expect(await told('push_files', { branch: 'main', message: 'm', files })).toMatchObject({
      value: { complete: false, files: [{ path: 'README.md', status: 'modified', deletions: 5 }, { deletions: null }] },
    })
  })

  it('of a pull request are its files', async () => {
    const found = await told('merge_pull_request', MERGE())
    expect(found).toMatchObject({
      value: { complete: true, files: [{ path: TEST_FILE, additions: 3 }, { path: 'later' }] },
    })
    expect(JSON.stringify(found)).toContain('mu.Lock()')
  })

  it('of a pull request take a removed file as GitHub shows it: at a commit before the head', async () => {
    house.stage.spoil(/\/files/, {
      kind: 'alter',
      alter: (json) => (Array.isArray(json) ? json.map(removedBefore) : json),
    })
    expect(await told('merge_pull_request', MERGE())).toMatchObject({ value: { files: [{ status: 'removed' }, {}] } })
  })

  it('of a proposed pull request are the comparison of its branches, and so of a new base', async () => {
    const plain = { title: 't', head: FIX_BRANCH, base: 'main' }
    expect(await told('create_pull_request', plain)).toMatchObject({
      value: { complete: true, files: [{ path: TEST_FILE }, {}] },
    })
    const moved = { pullNumber: pull, base: 'work' }
    expect(await told('update_pull_request', moved)).toMatchObject({ value: { files: [{ path: TEST_FILE }, {}] } })
  })

  it('are cut at 3,000 files of a pull request and at 300 of a comparison', async () => {
    const many = Array.from({ length: 3100 }, (_, index) => file(`many/${index}`, `${index}\n`)).join('')
    house.commit('huge', many)
    const huge = await house.openPull('huge')
    house.stage.clear()
    const all = await house.changes('merge_pull_request', { pullNumber: huge })
    expect([all.complete, all.files.length]).toEqual([false, 3000])
    expect(paths().filter((path) => path.includes('/files'))).toHaveLength(30)
    const compared = await house.changes('create_pull_request', { title: 't', head: 'huge', base: 'main' })
    expect([compared.complete, compared.files.length]).toEqual([false, 300])
  })
})
