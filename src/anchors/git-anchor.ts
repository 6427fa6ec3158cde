import { mkdir, stat } from 'node:fs/promises'
import type { StoredCheckpoint } from '../ledger/store.ts'
import { type Anchor, AnchorError, demandForward } from './anchor.ts'
import { checkpointIn } from './checkpoint-in.ts'
import { type GitAnswer, git } from './git-command.ts'

export interface GitAnchorSettings {
  /** Folder of the local repository; a bare one is made where there is none. */
  readonly repository: string
  /** Full name, such as `refs/heads/checkpoints`. */
  readonly ref: string
  /** Name or address of the repository to push to, or null: the local one is the anchor. */
  readonly remote: string | null
}

/** The file in each commit's tree that holds the note. */
export const NOTE_FILE = 'checkpoint'

/** Three loose objects a checkpoint would fill a disk with small files; the commands used here never pack by themselves. */
const PACK_EVERY = 500

const AUTHOR = ['-c', 'user.name=aegis', '-c', 'user.email=aegis@localhost', '-c', 'commit.gpgSign=false']

/**
 * Each checkpoint becomes a commit on top of the last one; pushed, where there is a remote, and never with force. Receipt: the
 * commit's id. The local ref says what the remote once had: it moves only after a push.
 */
export function gitAnchor(
  name: string,
  settings: GitAnchorSettings,
  env: Readonly<Record<string, string | undefined>>,
): Anchor {
  const { repository, ref, remote } = settings
  let submissions = 0

  async function submit(checkpoint: StoredCheckpoint, signal: AbortSignal): Promise<string> {
    const run = runner(repository, env, signal)
    await makeRepository(repository, run)
    const local = await tip(run, ref)
    if (remote === null) {
      const commit = await commitOn(run, local, checkpoint)
      // With the value it had: of two gateways at the same moment one is refused and tries again.
      await run.must(['update-ref', '--no-deref', ref, commit, local ?? ''])
      return commit
    }
    const commit = await commitOn(run, local, checkpoint)
    if (await push(run, remote, commit, ref)) return moved(run, ref, commit, local)
    return behindRemote(run, remote, checkpoint, local)
  }

  /** Another gateway pushed meanwhile, or the local repository is new: go on from what the remote has. */
  async function behindRemote(run: Runner, remote: string, checkpoint: StoredCheckpoint, local: string | null) {
    await run.must([
      'fetch',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-gc',
      '--',
      remote,
      `+${ref}:${fetched(ref)}`,
    ])
    const theirs = await tip(run, fetched(ref))
    if (theirs === null) throw new AnchorError('refused', 'the remote took no commit')
    if (local !== null && !(await run.asks(['merge-base', '--is-ancestor', local, theirs]))) {
      throw new AnchorError('rewritten', `the remote's ${ref} no longer holds ${local}, which was pushed to it`)
    }
    const commit = await commitOn(run, theirs, checkpoint)
    if (await push(run, remote, commit, ref)) return moved(run, ref, commit, local)
    throw new AnchorError('refused', 'the remote refused the push')
  }

  return {
    name,
    kind: 'git',
    async submit(checkpoint, _prove, signal) {
      try {
        const commit = await submit(checkpoint, signal)
        submissions += 1
        if (submissions % PACK_EVERY === 0) await pack(runner(repository, env, signal))
        return commit
      } catch (error) {
        if (error instanceof AnchorError) throw error
        throw new AnchorError('unreachable', error instanceof Error ? error.message : 'git failed', error)
      }
    },
  }
}

/** The ref that a fetch writes to, outside of branches and of what a remote's settings would touch. */
function fetched(ref: string): string {
  return `refs/aegis/fetched/${ref.replace(/^refs\//, '')}`
}

interface Runner {
  /** What it printed, without the last newline. @throws AnchorError where it fails */
  must(words: readonly string[], input?: string): Promise<string>
  asks(words: readonly string[]): Promise<boolean>
  try(words: readonly string[]): Promise<GitAnswer>
}

function runner(repository: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Runner {
  const run = (words: readonly string[], input = '') =>
    git(words, { repository, env, signal, input, protocols: 'file:git:https:ssh' })
  return {
    async must(words, input) {
      const { status, out, complaint } = await run(words, input)
      if (status === 0) return out.trimEnd()
      throw new AnchorError('unreachable', `git ${words.find((word) => /^[a-z]/.test(word))}: ${complaint}`)
    },
    asks: async (words) => (await run(words)).status === 0,
    try: (words) => run(words),
  }
}

async function makeRepository(repository: string, run: Runner): Promise<void> {
  const there = await stat(repository).catch(() => null)
  if (there === null) await mkdir(repository, { recursive: true, mode: 0o755 })
  if (there === null || !(await run.asks(['rev-parse', '--git-dir']))) await run.must(['init', '--bare', '--quiet'])
}

async function tip(run: Runner, ref: string): Promise<string | null> {
  const { status, out } = await run.try(['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])
  return status === 0 ? out.trim() : null
}

async function commitOn(run: Runner, parent: string | null, checkpoint: StoredCheckpoint): Promise<string> {
  if (parent !== null) {
    const note = await run.must(['cat-file', 'blob', `${parent}:${NOTE_FILE}`])
    const held = checkpointIn(`${note}\n`)
    if (held === null) throw new AnchorError('refused', `${parent} holds no checkpoint`)
    demandForward(held, checkpoint)
  }
  const blob = await run.must(['hash-object', '-w', '--stdin'], checkpoint.note)
  const tree = await run.must(['mktree'], `100644 blob ${blob}\t${NOTE_FILE}\n`)
  const onto = parent === null ? [] : ['-p', parent]
  return run.must([...AUTHOR, 'commit-tree', tree, ...onto, '-m', `checkpoint ${checkpoint.size}`])
}

/** False where the remote refused it. */
async function push(run: Runner, remote: string, commit: string, ref: string): Promise<boolean> {
  const words = ['push', '--no-force-with-lease', '--no-follow-tags', '--no-signed', '--porcelain', '--', remote]
  const { status, out, complaint } = await run.try([...words, `${commit}:${ref}`])
  if (status === 0) return true
  if (/^!\t/m.test(out)) return false
  throw new AnchorError('unreachable', `git push: ${complaint}`)
}

async function moved(run: Runner, ref: string, commit: string, before: string | null): Promise<string> {
  await run.must(['update-ref', '--no-deref', ref, commit, before ?? ''])
  return commit
}

/** The checkpoint is safe whether or not this succeeds. */
async function pack(run: Runner): Promise<void> {
  await run.try(['-c', 'gc.auto=1000', '-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet']).catch(() => undefined)
}
