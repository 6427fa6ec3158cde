import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Log } from '../../core/runtime.ts'
import { createLineSplitter } from './lines.ts'
import type { Limits } from './upstream-config.ts'

export interface ChildSpec {
  readonly upstream: string
  readonly command: readonly string[]
  readonly cwd: string | null
  readonly env: Readonly<Record<string, string>>
  readonly limits: Limits
  readonly log: Log
  /** Makes a line of the child's stderr fit for the log. */
  readonly redact: (line: string) => string
  onLine(line: string): void
  /** Called once, when the process is gone or could not be started. Nothing follows. */
  onGone(problem: string): void
}

/** A running upstream, the leader of its own process group. */
export interface Child {
  /** False where the process is gone or no longer reads what it is sent. */
  send(text: string): boolean
  /** Ends the whole group: by end of input, then SIGTERM, then SIGKILL. */
  end(): Promise<void>
}

const STDERR_LINE_BYTES = 8_192
const STDERR_SHOWN = 500
/** Lines of one process that reach the log; a chatty upstream must not fill the disk. */
const STDERR_LINES = 200

/** A child that outlives us would keep its credential. One listener for all of them, since Node warns at eleven. */
const alive = new Set<number>()
process.on('exit', () => {
  for (const pid of alive) killGroup(pid, 'SIGKILL')
})

export function startChild(spec: ChildSpec): Child {
  const [program = '', ...args] = spec.command
  const child = spawn(program, args, {
    env: { ...spec.env },
    ...(spec.cwd === null ? {} : { cwd: spec.cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: `npx` and shells leave grandchildren, which are reached by the group only.
    detached: true,
  })
  const { pid } = child
  if (pid !== undefined) alive.add(pid)
  let gone = false
  /** Why it was ended by us. */
  let fault: string | null = null

  const ended = new Promise<void>((resolve) => {
    const leave = (problem: string) => {
      if (gone) return
      gone = true
      if (pid !== undefined) alive.delete(pid)
      resolve()
      spec.onGone(fault ?? problem)
    }
    // First of all: an `error` without a listener would end our own process.
    child.on('error', (error) => leave(`it could not be started (${codeOf(error)})`))
    // The leader's end is the group's: a grandchild that holds the pipes open would keep `close` from coming.
    child.on('exit', () => {
      if (pid !== undefined) killGroup(pid, 'SIGKILL')
    })
    child.on('close', (code, signal) =>
      leave(signal === null ? `it exited with status ${code}` : `it died of ${signal}`),
    )
  })

  const kill = (problem: string): void => {
    fault ??= problem
    if (pid !== undefined) killGroup(pid, 'SIGKILL')
  }
  /** One that hung up can be spoken to no more: it may take a moment to end, and no call waits for it any longer. */
  const hungUp = async (problem: string): Promise<void> => {
    if (!(await within(ended, spec.limits.graceMs))) kill(problem)
  }
  const tooLong = `it sent a message over ${spec.limits.messageBytes} bytes`
  const out = createLineSplitter(spec.limits.messageBytes, spec.onLine, () => kill(tooLong))
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stdout.on('end', () => void hungUp('it closed its output'))
  logStderr(child, spec)
  // Writing to a process that has just died, too: then `close` tells it first.
  child.stdin.on('error', () => void hungUp('it does not read its input'))

  return {
    send(text) {
      // It does not read: holding ever more for it would be our memory, not its.
      if (gone || !child.stdin.writable || child.stdin.writableLength > spec.limits.messageBytes) return false
      child.stdin.write(`${text}\n`)
      return true
    },
    async end() {
      if (gone || pid === undefined) return
      child.stdin.end()
      if (await within(ended, spec.limits.graceMs)) return
      killGroup(pid, 'SIGTERM')
      if (await within(ended, spec.limits.graceMs)) return
      killGroup(pid, 'SIGKILL')
      await ended
    },
  }
}

function logStderr(child: ChildProcessWithoutNullStreams, spec: ChildSpec): void {
  let lines = 0
  const show = (line: string) => {
    lines += 1
    if (lines > STDERR_LINES || line.trim() === '') return
    // Redacted before it is cut: half of a secret is not recognised any more.
    spec.log.info({ upstream: spec.upstream, stderr: spec.redact(line).slice(0, STDERR_SHOWN) }, 'upstream says')
  }
  const splitter = createLineSplitter(STDERR_LINE_BYTES, show, () => show('(a line too long to show)'))
  child.stderr.on('data', (chunk: Buffer) => splitter.push(chunk))
}

/** True where `ended` came first. */
async function within(ended: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  const won = await Promise.race([ended.then(() => true), late])
  clearTimeout(timer)
  return won
}

function killGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch {
    // ESRCH: the whole group is gone, which is what was wanted.
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.name
}
