/** Each part of a path runs in a process of its own, as it would outside a bench. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Peer {
  readonly port: number
  readonly child: ChildProcess
}

/** Starts `node FILE ARGS...` and waits for its first line, a JSON object with a `port`. */
export async function startPeer(
  file: URL,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Peer> {
  const child = spawn(process.execPath, [file.pathname, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env })
  const lines = createInterface({ input: child.stdout })
  for await (const line of lines) {
    if (!line.startsWith('{')) continue
    const { port } = JSON.parse(line) as { port?: number }
    if (port === undefined) continue
    child.stdout.resume()
    return { port, child }
  }
  throw new Error(`${file.pathname} ended before it was ready`)
}

export async function stopPeer(peer: Peer): Promise<void> {
  if (peer.child.exitCode !== null) return
  const gone = new Promise((resolve) => peer.child.once('exit', resolve))
  peer.child.kill('SIGTERM')
  await gone
}

/** Resident memory of a process in MiB (Linux), or null elsewhere. */
export async function residentMiB(pid: number | undefined): Promise<number | null> {
  const { readFile } = await import('node:fs/promises')
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(status)?.[1]
    return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1024)
  } catch {
    return null
  }
}
