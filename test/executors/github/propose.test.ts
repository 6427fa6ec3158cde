import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Plan } from '../../../src/core/envelope.ts'
import { AegisError } from '../../../src/core/errors.ts'
import { propose } from '../../../src/executors/github/propose.ts'
import { Refused } from '../../../src/executors/github/refused.ts'
import { createGithubRest, type Fetch } from '../../../src/github/index.ts'
import { act } from '../../core/policy/acts.ts'
import { type TestForge, testForge } from '../../forge/harness.ts'
import { handClock } from '../../support/world.ts'

const REPOSITORY = { owner: 'aegisflow', name: 'aegisflow' }
const NEVER = new AbortController().signal

let forge: TestForge
let work: string

beforeAll(async () => {
  forge = await testForge()
  work = mkdtempSync(join(tmpdir(), 'aegis-work-'))
  execFileSync('git', ['clone', '-q', forge.gitDir, work])
})
afterAll(async () => {
  await forge.stop()
  rmSync(work, { recursive: true, force: true })
})

const git = (...args: string[]) => execFileSync('git', ['-C', forge.gitDir, ...args], { encoding: 'utf8' }).trim()
const inWork = (...args: string[]) =>
  execFileSync('git', ['-C', work, '-c', 'user.name=dev', '-c', 'user.email=dev@example.com', ...args], {
    encoding: 'utf8',
  })

/** Something a person pushes to main before the agent comes. */
function personPushes(make: () => void, to = 'main'): void {
  inWork('fetch', '-q', 'origin')
  inWork('checkout', '-q', '-B', 'work', 'origin/main')
  make()
  inWork('add', '-A')
  inWork('commit', '-q', '-m', 'by a person')
  inWork('push', '-q', 'origin', `HEAD:${to}`)
}

let count = 0
/** A plan of its own branch, unless a test gives one. */
function planned(files: Plan['files'], more: Partial<Plan> = {}): Plan {
  count += 1
  return {
    kind: 'pull_request',
    repository: REPOSITORY,
    branch: `aegis/test/change-${count}`,
    base: 'main',
    message: `change ${count}`,
    title: `change ${count}`,
    body: 'why',
    files,
    acts: [act()],
    ...more,
  }
}

const file = (path: string, content: string | null, expects: string | null = null) => ({ path, content, expects })

async function rest(fetch: Fetch = globalThis.fetch) {
  const token = await forge.token({ contents: 'write', pull_requests: 'write' })
  return createGithubRest({ apiUrl: forge.url, fetch, clock: handClock(), token: async () => token })
}

/** The wire to the forge, on which some requests fail. */
function failing(fails: (method: string, path: string) => boolean): Fetch {
  return async (input, init) => {
    const path = new URL(String(input)).pathname
    if (fails(init?.method ?? 'GET', path)) throw new TypeError('fetch failed')
    return fetch(input, init)
  }
}

async function refusal(plan: Plan): Promise<Refused> {
  const error = await propose(await rest(), plan, NEVER).catch((thrown: unknown) => thrown)
  if (error instanceof Refused) return error
  throw new Error(`expected a refusal, got ${String(error)}`)
}

const branchOf = (plan: Plan) => git('for-each-ref', '--format=%(objectname)', `refs/heads/${plan.branch}`)

describe('a plan', () => {
  it('adds, changes and deletes in one commit on the tip of the base, and keeps what was executable executable', async () => {
    personPushes(() => {
      writeFileSync(join(work, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
      writeFileSync(join(work, 'old.txt'), 'old\n')
    })
    const plan = planned([file('run.sh', '#!/bin/sh\necho hi\n'), file('new/deep/a.txt', 'a\n'), file('old.txt', null)])
    const { commit, pull, existing } = await propose(await rest(), plan, NEVER)
    expect(existing).toBe(false)
    expect(pull.url).toContain(`/pull/${pull.number}`)
    expect(git('diff', '--name-status', 'main', commit)).toBe('A\tnew/deep/a.txt\nD\told.txt\nM\trun.sh')
    expect(git('ls-tree', commit, 'run.sh')).toMatch(/^100755/)
    expect(git('rev-parse', `${commit}^`)).toBe(git('rev-parse', 'main'))
  })

  it('carried out twice is one pull request, also where the base has moved meanwhile', async () => {
    const plan = planned([file('twice.txt', 'twice\n')])
    const first = await propose(await rest(), plan, NEVER)
    personPushes(() => writeFileSync(join(work, 'other.txt'), `${count}\n`))
    const second = await propose(await rest(), plan, NEVER)
    expect(second).toEqual({ ...first, existing: true })
  })

  it('goes on from the branch that an earlier try left behind', async () => {
    const plan = planned([file('left.txt', 'left\n')])
    const cut = failing((method, path) => method !== 'GET' && (path.endsWith('/pulls') || method === 'DELETE'))
    const error = await propose(await rest(cut), plan, NEVER).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AegisError)
    expect(error).toMatchObject({ data: { sent: true, branch: plan.branch, branch_removed: false } })
    expect(String(error)).toContain('is left behind')
    const left = branchOf(plan)
    expect(left).not.toBe('')
    expect(await propose(await rest(), plan, NEVER)).toMatchObject({ commit: left, existing: false })
  })

  it('takes its branch away again where the pull request cannot be opened', async () => {
    const plan = planned([file('away.txt', 'away\n')])
    const cut = failing((method, path) => method === 'POST' && path.endsWith('/pulls'))
    const error = await propose(await rest(cut), plan, NEVER).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ data: { sent: true, branch_removed: true } })
    expect(branchOf(plan)).toBe('')
  })

  it.each([
    ['the tree', '/git/trees'],
    ['the commit', '/git/commits'],
  ])('that fails at %s has sent nothing that anybody sees', async (_what, end) => {
    const plan = planned([file('unseen.txt', 'unseen\n')])
    const cut = failing((method, path) => method === 'POST' && path.endsWith(end))
    const error = await propose(await rest(cut), plan, NEVER).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ data: { sent: false } })
    expect(branchOf(plan)).toBe('')
  })
})

describe('a plan is refused, and leaves nothing behind,', () => {
  it('where its branch is there with something else on it', async () => {
    const plan = planned([file('mine.txt', 'mine\n')])
    personPushes(() => writeFileSync(join(work, 'backdoor.txt'), 'boo\n'), plan.branch)
    const before = branchOf(plan)
    expect(await refusal(plan)).toMatchObject({ status: 409, message: expect.stringContaining('holds something else') })
    expect(branchOf(plan)).toBe(before)
  })

  it('where its branch holds the change, and one commit more', async () => {
    const plan = planned([file('more.txt', 'more\n')])
    personPushes(() => writeFileSync(join(work, 'first.txt'), 'first\n'), plan.branch)
    writeFileSync(join(work, 'more.txt'), 'more\n')
    inWork('add', '-A')
    inWork('commit', '-q', '-m', 'second')
    inWork('push', '-q', 'origin', `HEAD:${plan.branch}`)
    expect(await refusal(plan)).toMatchObject({ status: 409 })
  })

  it('where a person has closed this very proposal', async () => {
    const plan = planned([file('closed.txt', 'closed\n')])
    const { pull } = await propose(await rest(), plan, NEVER)
    await (await rest()).send('PATCH', `/repos/aegisflow/aegisflow/pulls/${pull.number}`, { state: 'closed' })
    expect(await refusal(plan)).toMatchObject({
      status: 409,
      message: expect.stringContaining('a person has closed it'),
    })
  })

  it.each([
    ['the base already holds it', () => [file('README.md', `${git('show', 'main:README.md')}\n`)], 422],
    ['a file to delete is not there', () => [file('nowhere.txt', null)], 404],
    ['the file is not the one the caller saw', () => [file('README.md', 'x\n', 'a'.repeat(40))], 409],
    ['the path is a symbolic link', () => [file('link.txt', 'x\n')], 422],
    ['the path runs through a symbolic link', () => [file('linked/a.txt', 'x\n')], 422],
    ['the path runs through a file', () => [file('README.md/a.txt', 'x\n')], 422],
    ['the path is a folder', () => [file('folder', 'x\n')], 422],
    ['the path climbs', () => [file('../up.txt', 'x\n')], 422],
    ['the path has a backslash', () => [file('a\\b.txt', 'x\n')], 422],
    ['the path is absolute', () => [file('/etc/passwd', 'x\n')], 422],
    ['the path is inside .git', () => [file('.GIT/config', 'x\n')], 422],
    ['the path hides a character', () => [file('a\u202etxt', 'x\n')], 422],
  ] as const)('where %s', async (_why, files, status) => {
    if (!git('ls-tree', '-r', '--name-only', 'main').includes('link.txt')) {
      personPushes(() => {
        symlinkSync('README.md', join(work, 'link.txt'))
        execFileSync('mkdir', ['-p', join(work, 'folder')])
        writeFileSync(join(work, 'folder/a.txt'), 'a\n')
        symlinkSync('folder', join(work, 'linked'))
      })
    }
    const plan = planned([...files()])
    expect(await refusal(plan)).toMatchObject({ status })
    expect(branchOf(plan)).toBe('')
  })

  it('where its base is not there', async () => {
    expect(await refusal(planned([file('a.txt', 'a\n')], { base: 'nowhere' }))).toMatchObject({ status: 404 })
  })
})
