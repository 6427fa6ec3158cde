/** What verifying a whole log costs: the command as an auditor runs it, in a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { round } from './load.ts'

export interface VerifyFigures {
  readonly entries: number
  readonly how: 'strict' | 'fast'
  /** Entries a second of processor time; two threads' worth of it counts twice. */
  readonly entries_per_cpu_s: number
  readonly seconds: number
  /** The most memory that was resident, MiB. */
  readonly rss_mib: number
}

const program = new URL('../src/cli/aegisctl.js', import.meta.url).pathname
const usage = new URL('./peers/usage.js', import.meta.url).pathname

/** @throws Error where the log is not valid */
export async function verifyFigures(store: string, vkey: string, entries: number): Promise<VerifyFigures[]> {
  return [await verified('strict'), await verified('fast')]

  async function verified(how: VerifyFigures['how']): Promise<VerifyFigures> {
    const options = ['--all', '--store', store, '--key', vkey, ...(how === 'fast' ? ['--fast'] : [])]
    const start = performance.now()
    const child = spawn(process.execPath, ['--import', usage, program, 'evidence', 'verify', ...options], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    const [, said, used] = [child.stdout?.resume(), textOf(child.stderr), textOf(child.stdio[3] as Readable)]
    const [status] = await once(child, 'exit')
    if (status !== 0) throw new Error(`the log is not valid (${status}): ${await said}`)
    const { rss_kib: rss, cpu_us: cpu }: { rss_kib: number; cpu_us: number } = JSON.parse(await used)
    const seconds = round((performance.now() - start) / 1000, 1)
    return { entries, how, entries_per_cpu_s: round(entries / (cpu / 1e6), 0), seconds, rss_mib: round(rss / 1024, 0) }
  }
}

async function textOf(stream: Readable | null): Promise<string> {
  let text = ''
  for await (const chunk of stream ?? []) text += String(chunk)
  return text
}
