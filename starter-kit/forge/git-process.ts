import { spawn } from 'node:child_process'

/** What a git command gave back. */
export interface GitOutput {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

export interface GitOptions {
  readonly input?: string | Buffer
  readonly env?: Readonly<Record<string, string>>
}

/** A git command that failed where it should not have. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure'
}

const OUTPUT_LIMIT = 64 * 1024 * 1024

/**
 * Runs git on one bare repository: an argument array, never a shell; no configuration but the repository's own, no hooks,
 * no prompts, no credentials of this machine.
 */
export function gitRunner(gitDir: string): (args: readonly string[], options?: GitOptions) => Promise<GitOutput> {
  const fixed = [
    '--git-dir',
    gitDir,
    '--literal-pathspecs',
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'core.quotePath=false',
  ]
  return (args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn('git', [...fixed, ...args], { env: { ...environment(gitDir), ...options.env } })
      const chunks: Buffer[] = []
      let size = 0
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > OUTPUT_LIMIT) child.kill('SIGKILL')
        else chunks.push(chunk)
      })
      child.stderr.on('data', (chunk: Buffer) => {
        if (stderr.length < 4096) stderr += chunk.toString('utf8')
      })
      child.on('error', (cause) => reject(new GitFailure('git cannot be started: is it installed?', { cause })))
      child.on('close', (code) => {
        if (code === null) reject(new GitFailure(`git ${args[0] ?? ''} was stopped: more than ${OUTPUT_LIMIT} bytes`))
        else resolve({ code, stdout: Buffer.concat(chunks), stderr })
      })
      // A command that ends before reading its input closes the pipe: its exit status says all.
      child.stdin.on('error', () => undefined)
      child.stdin.end(options.input ?? '')
    })
}

function environment(gitDir: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: gitDir,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
  }
}
