import { existsSync, readdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gitSays } from './git-cli.ts'
import { ask, REPO, type TestForge, testForge } from './harness.ts'

let forge: TestForge
let token: string
beforeAll(async () => {
  forge = await testForge()
  token = await forge.token()
})
afterAll(() => forge.stop())

const tip = (branch: string): string => gitSays(forge.gitDir, 'rev-parse', `refs/heads/${branch}`)

/** A request whose path is sent byte for byte: `fetch` would fold the dots away. */
function raw(method: string, path: string, body?: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const call = request(forge.url, { method, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    call.on('error', reject)
    call.end(body)
  })
}

describe('hostile names', () => {
  it.each([
    `${REPO}/contents/../../../../etc/passwd`,
    `${REPO}/contents/%2e%2e/%2e%2e/etc/passwd`,
    `${REPO}/contents/..%2f..%2fetc%2fpasswd`,
    `${REPO}/contents/.git/config`,
    `${REPO}/contents/%00`,
    `${REPO}/contents/go.mod?ref=--output=/tmp/x`,
    `${REPO}/contents/go.mod?ref=main~0`,
    `${REPO}/contents/go.mod?ref=main%5E%7Btree%7D`,
    `${REPO}/contents/%zz`,
    `${REPO}/git/ref/heads/..%2f..%2fHEAD`,
    `${REPO}/git/ref/pull/1/head`,
    `${REPO}/git/trees/--help`,
    `${REPO}/git/blobs/HEAD`,
    `${REPO}/commits/main@%7B0%7D`,
    `${REPO}/commits?sha=--all`,
    `${REPO}/compare/--output=x...main`,
    '/repos/..%2f..%2fx/y/contents/a',
    '/raw/aegisflow/aegisflow/main/../../config',
  ])('GET %s finds nothing', async (path) => {
    expect([400, 404, 422]).toContain(await raw('GET', path))
  })

  it.each([
    'refs/heads/a b',
    'refs/heads/../../config',
    'refs/heads/-x',
    'refs/heads/x.lock',
    'HEAD',
    'refs/pull/9/head',
    'refs/heads/a\nb',
  ])('a branch %j is not made', async (ref) => {
    expect((await ask(forge, `POST ${REPO}/git/refs`, token, { ref, sha: tip('main') })).status).toBe(422)
  })

  it.each([
    '../x',
    '/x',
    '.git/hooks/post-update',
    'a/../../b',
    'GIT~1/config',
    '',
  ])('a tree with the path %j is not made', async (path) => {
    const tree = [{ path, mode: '100644', type: 'blob', content: 'x' }]
    expect((await ask(forge, `POST ${REPO}/git/trees`, token, { base_tree: tip('main'), tree })).status).toBe(422)
  })

  it('a tree takes no submodules and no trees of unknown origin', async () => {
    for (const mode of ['160000', '040000', '777']) {
      const tree = [{ path: 'x', mode, type: 'commit', sha: tip('main') }]
      expect((await ask(forge, `POST ${REPO}/git/trees`, token, { base_tree: tip('main'), tree })).status).toBe(422)
    }
  })

  it('an author cannot write lines of its own into a commit', async () => {
    const tree = gitSays(forge.gitDir, 'rev-parse', 'main^{tree}')
    const author = { name: 'x\nparent 0000', email: 'e>\ncommitter y <z' }
    const { body } = await ask(forge, `POST ${REPO}/git/commits`, token, { message: 'm', tree, parents: [], author })
    const raw = gitSays(forge.gitDir, 'cat-file', 'commit', String(body['sha']))
    expect(raw.match(/^(?:tree|parent|author|committer) /gm)).toEqual(['tree ', 'author ', 'committer '])
  })

  it('a title of markup, a path of options and a message of flags are plain text', async () => {
    const content = Buffer.from('x').toString('base64')
    const body = { message: '--amend', content, branch: 'main' }
    expect((await ask(forge, `PUT ${REPO}/contents/--help`, token, body)).status).toBe(201)
    expect(gitSays(forge.gitDir, 'log', '-1', '--format=%s', 'main')).toBe('--amend')
    expect(gitSays(forge.gitDir, 'show', 'main:--help')).toBe('x')
  })

  it('no answer is ever a failure of the server, whatever is asked', async () => {
    const piece = fc.constantFrom(
      '..',
      '.git',
      '-x',
      '%00',
      '%2f',
      'main',
      'a b',
      ':',
      '~',
      '@{',
      '*',
      '\u{1f600}',
      'git',
      'refs',
    )
    const paths = fc
      .array(piece, { minLength: 1, maxLength: 4 })
      .map((parts) => encodeURI(parts.join('/')).replaceAll('%25', '%'))
    const bases = ['contents', 'git/ref', 'git/trees', 'commits', 'branches', 'compare', 'pulls', 'issues']
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...bases), paths, async (base, path) => {
        expect(await raw('GET', `${REPO}/${base}/${path}`)).toBeLessThan(500)
      }),
      { numRuns: 60 },
    )
  })

  it('leaves nothing behind in the repository but what git keeps there', () => {
    expect(existsSync(join(forge.gitDir, 'hooks', 'post-update'))).toBe(false)
    expect(readdirSync(forge.gitDir).filter((name) => name.startsWith('index-'))).toEqual([])
    expect(gitSays(forge.gitDir, 'fsck', '--strict')).not.toMatch(/error|missing/)
  })
})

describe('bad bodies', () => {
  it.each([
    ['{', 400],
    ['[]', 400],
    ['"x"', 400],
    ['{"ref":1,"sha":2}', 422],
    ['{"ref":null}', 422],
    ['{"ref":"refs/heads/x","sha":{}}', 422],
    ['{}', 422],
  ])('%s is refused', async (body, status) => {
    expect(await raw('POST', `${REPO}/git/refs`, body)).toBe(status)
  })
})

describe('many at once', () => {
  it('loses no file: every push that was acknowledged is in the history', async () => {
    await ask(forge, `POST ${REPO}/git/refs`, token, { ref: 'refs/heads/busy', sha: tip('main') })
    const numbers = Array.from({ length: 8 }, (_, index) => index)
    const statuses = await Promise.all(
      numbers.map(async (number) => {
        const body = { message: `file ${number}`, content: 'eA==', branch: 'busy' }
        return (await ask(forge, `PUT ${REPO}/contents/busy/${number}`, token, body)).status
      }),
    )
    expect(statuses).toEqual(numbers.map(() => 201))
    expect(gitSays(forge.gitDir, 'ls-tree', '--name-only', 'busy', 'busy/').split('\n')).toHaveLength(8)
  })

  it('lets one of many updates from the same commit win, and tells the others', async () => {
    await ask(forge, `POST ${REPO}/git/refs`, token, { ref: 'refs/heads/race', sha: tip('main') })
    const from = tip('race')
    const tree = gitSays(forge.gitDir, 'rev-parse', 'main^{tree}')
    const commits = await Promise.all(
      [1, 2, 3, 4].map((number) =>
        ask(forge, `POST ${REPO}/git/commits`, token, { message: `race ${number}`, tree, parents: [from] }),
      ),
    )
    const moved = await Promise.all(
      commits.map(({ body }) => ask(forge, `PATCH ${REPO}/git/refs/heads/race`, token, { sha: String(body['sha']) })),
    )
    expect(moved.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422])
  })

  it('gives every pull request and issue a number of its own', async () => {
    const made = await Promise.all(
      Array.from({ length: 10 }, () => ask(forge, `POST ${REPO}/issues`, token, { title: 'same' })),
    )
    expect(new Set(made.map(({ body }) => body['number'])).size).toBe(10)
  })
})
