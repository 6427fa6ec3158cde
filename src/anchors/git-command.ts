import { spawn } from 'node:child_process'

/** What a git command said. */
export interface GitAnswer {
  readonly status: number | null
  readonly out: string
  /** The same, byte for byte. */
  readonly bytes: Buffer
  /** One line, cut short, without what stood between `//` and `@` in an address. */
  readonly complaint: string
}

export interface GitOptions {
  readonly repository: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
  readonly input?: string
  /** Which transports may be used; none where the repository is an auditor's copy. `ext::` would run any command. */
  readonly protocols?: 'file:git:https:ssh' | 'none'
}

const LONGEST_ANSWER = 64 * 1024 * 1024
/** What git and ssh need of the surroundings; above all no `GIT_DIR` and the like, which would lead to another repository. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'SSH_AUTH_SOCK',
  'GIT_SSH_COMMAND',
  'GIT_SSL_CAINFO',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
]
/** The repository's settings are not ours: no hook runs, no file system monitor is started, everything written is synced. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.fsync=all',
  'gc.auto=0',
  'maintenance.auto=false',
]

/**
 * Runs git without a shell, a terminal, hooks, replaced objects or anything fetched behind our back. Ends the whole process group
 * with the signal. Rejects only where git cannot be started or is stopped.
 */
export function git(words: readonly string[], options: GitOptions): Promise<GitAnswer> {
  const { repository, env, signal, input, protocols = 'none' } = options
  const settings = SETTINGS.flatMap((setting) => ['-c', setting])
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Error('git was not started: out of time'))
    const child = spawn('git', ['-C', repository, ...settings, ...words], {
      env: surroundings(env, protocols),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    const out = gather(LONGEST_ANSWER)
    const err = gather(4096)
    const stop = () => {
      if (child.pid !== undefined) endGroup(child.pid)
    }
    const done = () => signal?.removeEventListener('abort', stop)
    signal?.addEventListener('abort', stop, { once: true })
    child.stdout.on('data', (chunk: Buffer) => out.add(chunk) || stop())
    child.stderr.on('data', (chunk: Buffer) => void err.add(chunk))
    child.stdin.on('error', () => undefined)
    child.on('error', (error) => {
      done()
      reject(error)
    })
    child.on('close', (status) => {
      done()
      if (signal?.aborted) reject(new Error(`git ${words[0]} was stopped: out of time`))
      else if (out.over()) reject(new Error(`git ${words[0]} answered with more than 64 MiB`))
      else resolve({ status, out: out.text(), bytes: out.bytes(), complaint: withoutSecrets(err.text()) })
    })
    child.stdin.end(input ?? '')
  })
}

function surroundings(env: GitOptions['env'], protocols: string): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => {
    const value = env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    ...Object.fromEntries(passed),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS: 'true',
    GIT_ALLOW_PROTOCOL: protocols,
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
  }
}

/** The helpers for a transport are children of git, in its group. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

function gather(limit: number) {
  const chunks: Buffer[] = []
  let length = 0
  return {
    /** False from the byte that is too many. */
    add(chunk: Buffer): boolean {
      length += chunk.length
      if (length <= limit) chunks.push(chunk)
      return length <= limit
    },
    over: () => length > limit,
    bytes: () => Buffer.concat(chunks),
    text: () => Buffer.concat(chunks).toString('utf8'),
  }
}

/** Git prints the remote's address, and an address may hold a password. */
function withoutSecrets(complaint: string): string {
  const clean = complaint.replace(/\/\/[^/\s@]*@/g, '//').replace(/\s+/g, ' ')
  return clean.trim().slice(0, 300)
}
