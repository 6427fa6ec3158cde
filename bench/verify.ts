/** What verifying a whole log costs: the command as an auditor runs it, in a process of its own. */
import { spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { openReader } from '../src/store/open.ts'
import { round } from './load.ts'

export interface VerifyFigures {
  readonly entries: number
  /** `bare`: the same bodies and values, in memory already, parsed and hashed by Node and nothing else. */
  readonly how: 'strict' | 'fast' | 'bare'
  /** Entries a second of processor time; two threads' worth of it counts twice. */
  readonly entries_per_cpu_s: number
  readonly seconds: number
  /** The most memory that was resident, MiB; null where that says nothing. */
  readonly rss_mib: number | null
}

const program = new URL('../src/cli/aegisctl.js', import.meta.url).pathname
const usage = new URL('./peers/usage.js', import.meta.url).pathname

/** @throws Error where the log is not valid */
export async function verifyFigures(store: string, vkey: string, entries: number): Promise<VerifyFigures[]> {
  return [await verified('strict'), await verified('fast'), await bare(store)]

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

const SAMPLE = 20_000

async function bare(store: string): Promise<VerifyFigures> {
  const { ledger, close } = await openReader(store)
  const bodies: Uint8Array[] = []
  const values: Uint8Array[] = []
  for await (const page of ledger.entries(0)) {
    for (const { n, body } of page) {
      bodies.push(body)
      values.push(...(await ledger.payloads(n)).map(({ value }) => value))
    }
    if (bodies.length >= SAMPLE) break
  }
  await close()
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  for (const body of bodies) {
    JSON.parse(Buffer.from(body).toString())
    hash('sha256', body)
  }
  for (const value of values) hash('sha256', value)
  const { user, system } = process.cpuUsage(cpu)
  const seconds = round((performance.now() - start) / 1000, 2)
  const rate = round(bodies.length / ((user + system) / 1e6), 0)
  return { entries: bodies.length, how: 'bare', entries_per_cpu_s: rate, seconds, rss_mib: null }
}

async function textOf(stream: Readable | null): Promise<string> {
  let text = ''
  for await (const chunk of stream ?? []) text += String(chunk)
  return text
}
