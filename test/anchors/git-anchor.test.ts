import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gitAnchor } from '../../src/anchors/git-anchor.ts'
import { readAnchor } from '../../src/anchors/index.ts'
import { folder, noProof, patient, tinyLog } from './support.ts'

const log = tinyLog(20)
const ref = 'refs/heads/checkpoints'
const env = { PATH: process.env['PATH'], HOME: folder() }

function git(repository: string, ...words: string[]): string {
  return execFileSync('git', ['-C', repository, ...words], { env, encoding: 'utf8' }).trim()
}

function bare(): string {
  const path = join(folder(), 'remote.git')
  mkdirSync(path)
  git(path, 'init', '--bare', '--quiet')
  return path
}

const sizes = async (repository: string) =>
  (await readAnchor({ kind: 'git', repository, ref }, env)).map(({ note }) => note.split('\n')[1])

describe('an anchor in a git ref', () => {
  it('makes the repository, and each checkpoint a commit that holds the note; the receipt is its id', async () => {
    const repository = join(folder(), 'anchor.git')
    const anchor = gitAnchor('git', { repository, ref, remote: null }, env)
    const first = await anchor.submit(await log.checkpoint(3), noProof, patient())
    const second = await anchor.submit(await log.checkpoint(7), noProof, patient())
    expect(git(repository, 'rev-parse', ref)).toBe(second)
    expect(git(repository, 'rev-parse', `${second}^`)).toBe(first)
    expect(`${git(repository, 'show', `${second}:checkpoint`)}\n`).toBe((await log.checkpoint(7)).note)
    expect(await sizes(repository)).toEqual(['3', '7'])
  })

  it('refuses a smaller checkpoint and another root for the size it has', async () => {
    const anchor = gitAnchor('git', { repository: join(folder(), 'anchor.git'), ref, remote: null }, env)
    await anchor.submit(await log.checkpoint(7), noProof, patient())
    await expect(anchor.submit(await log.checkpoint(6), noProof, patient())).rejects.toMatchObject({
      fault: 'rollback',
    })
    const forked = await tinyLog(20, 2).checkpoint(7)
    await expect(anchor.submit(forked, noProof, patient())).rejects.toMatchObject({ fault: 'fork' })
  })

  it('pushes to a remote, on top of what other gateways pushed', async () => {
    const remote = bare()
    const one = gitAnchor('git', { repository: join(folder(), 'one.git'), ref, remote }, env)
    const two = gitAnchor('git', { repository: join(folder(), 'two.git'), ref, remote }, env)
    await one.submit(await log.checkpoint(3), noProof, patient())
    await two.submit(await log.checkpoint(5), noProof, patient())
    const last = await one.submit(await log.checkpoint(9), noProof, patient())
    expect(git(remote, 'rev-parse', ref)).toBe(last)
    expect(await sizes(remote)).toEqual(['3', '5', '9'])
    await expect(two.submit(await log.checkpoint(8), noProof, patient())).rejects.toMatchObject({ fault: 'rollback' })
  })

  it('never forces: a remote whose history was rewritten is told, a rewound one is brought forward again', async () => {
    const remote = bare()
    const repository = join(folder(), 'one.git')
    const anchor = gitAnchor('git', { repository, ref, remote }, env)
    const first = await anchor.submit(await log.checkpoint(3), noProof, patient())
    await anchor.submit(await log.checkpoint(5), noProof, patient())
    git(remote, 'update-ref', ref, first)
    await anchor.submit(await log.checkpoint(7), noProof, patient())
    expect(await sizes(remote)).toEqual(['3', '5', '7'])
    const other = bare()
    const elsewhere = gitAnchor('git', { repository: join(folder(), 'other.git'), ref, remote: other }, env)
    await elsewhere.submit(await log.checkpoint(4), noProof, patient())
    git(remote, 'fetch', '--quiet', other, `+${ref}:${ref}`)
    const refused = anchor.submit(await log.checkpoint(9), noProof, patient())
    await expect(refused).rejects.toMatchObject({ fault: 'rewritten' })
    expect(await sizes(remote)).toEqual(['4'])
  })

  it('runs no hook of the repository', async () => {
    const repository = join(folder(), 'anchor.git')
    const anchor = gitAnchor('git', { repository, ref, remote: bare() }, env)
    await anchor.submit(await log.checkpoint(3), noProof, patient())
    const marker = join(folder(), 'ran')
    for (const hook of ['pre-push', 'reference-transaction', 'post-update']) {
      const path = join(repository, 'hooks', hook)
      mkdirSync(join(repository, 'hooks'), { recursive: true })
      writeFileSync(path, `#!/bin/sh\ntouch ${marker}\n`)
      chmodSync(path, 0o755)
    }
    await anchor.submit(await log.checkpoint(5), noProof, patient())
    expect(existsSync(marker)).toBe(false)
  })

  it('tells no password of a remote, starts no helper, and stops with its signal', async () => {
    const repository = join(folder(), 'anchor.git')
    const secret = gitAnchor('git', { repository, ref, remote: 'https://alice:hunter2@127.0.0.1:1/x.git' }, env)
    const failed = secret.submit(await log.checkpoint(3), noProof, patient())
    await expect(failed).rejects.toMatchObject({ fault: 'unreachable' })
    await expect(failed).rejects.not.toThrow(/hunter2/)
    const marker = join(folder(), 'ran')
    const helper = gitAnchor('git', { repository, ref, remote: `ext::touch ${marker}` }, env)
    await expect(helper.submit(await log.checkpoint(3), noProof, patient())).rejects.toThrow(/not allowed/)
    expect(existsSync(marker)).toBe(false)
    const late = helper.submit(await log.checkpoint(3), noProof, AbortSignal.abort())
    await expect(late).rejects.toMatchObject({ fault: 'unreachable' })
  })
})

describe('reading a git anchor back', () => {
  it('tells a tree without a note, and bytes that are not text, from notes', async () => {
    const repository = join(folder(), 'anchor.git')
    const anchor = gitAnchor('git', { repository, ref, remote: null }, env)
    await anchor.submit(await log.checkpoint(3), noProof, patient())
    const tree = git(repository, 'hash-object', '-w', '-t', 'tree', '/dev/null')
    const commit = (of: string) =>
      git(repository, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit-tree', of, '-p', ref, '-m', 'x')
    git(repository, 'update-ref', ref, commit(tree))
    const file = join(folder(), 'bytes')
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x0a, 0xff]))
    const blob = git(repository, 'hash-object', '-w', file)
    const odd = execFileSync('git', ['-C', repository, 'mktree'], { env, input: `100644 blob ${blob}\tcheckpoint\n` })
    git(repository, 'update-ref', ref, commit(odd.toString().trim()))
    const notes = (await readAnchor({ kind: 'git', repository, ref }, env)).map(({ note }) => note)
    expect(notes[0]).toBe((await log.checkpoint(3)).note)
    expect(notes.slice(1)).toEqual(['', '\ufffd\ufffd\n\ufffd'])
  })

  it('names a repository or a ref that is not there', async () => {
    const repository = join(folder(), 'anchor.git')
    await expect(readAnchor({ kind: 'git', repository, ref }, env)).rejects.toThrow(/cannot be read/)
  })
})
