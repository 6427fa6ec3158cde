/** The ledger on a PostgreSQL of its own: what gateways append together, while they sign what they append. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { startPostgres, type TestServer } from '../test/support/postgres.ts'
import { quantile, round } from './load.ts'
import type { Appended } from './peers/appender.ts'

export interface PostgresRow {
  readonly gateways: number
  readonly callers_each: number
  readonly append_per_s: number
  readonly p50_ms: number
  readonly p99_ms: number
  /** Microseconds of processor time of all gateways, an entry. */
  readonly gateway_cpu_us: number
}

const SHAPES = [
  { gateways: 1, callers: 64 },
  { gateways: 4, callers: 16 },
  { gateways: 1, callers: 256 },
  { gateways: 4, callers: 64 },
] as const

/** Of each shape the best of so many rounds, in turns: what else the machine does harms all alike. */
export async function postgresFigures(rounds: number, seconds: number, say: (line: string) => void) {
  const server = await startPostgres()
  if (server === null) throw new Error('there is no PostgreSQL on this machine')
  try {
    const best: PostgresRow[] = []
    for (let round = 0; round < rounds; round++) {
      for (const [at, { gateways, callers }] of SHAPES.entries()) {
        const row = await measured(server, gateways, callers, seconds)
        say(`${gateways} x ${callers}: ${row.append_per_s} appends/s, ${row.gateway_cpu_us} us of the gateways each`)
        if (row.append_per_s > (best[at]?.append_per_s ?? 0)) best[at] = row
      }
    }
    return best
  } finally {
    await server.close()
  }
}

interface Peer {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly lines: Interface
}

async function measured(server: TestServer, gateways: number, callers: number, seconds: number): Promise<PostgresRow> {
  const database = await server.database()
  const folder = mkdtempSync(join(tmpdir(), 'aegis-bench-'))
  const peers: Peer[] = []
  try {
    // One after another: the first makes the key of the log.
    for (let index = 0; index < gateways; index++) {
      peers.push(await start([database.as('app'), folder, `gw-${index}`, String(callers)]))
    }
    await Promise.all(peers.map((peer) => run(peer, 1)))
    const done = await Promise.all(peers.map((peer) => run(peer, seconds)))
    return rowOf(done, callers)
  } finally {
    await Promise.all(peers.map(stop))
    rmSync(folder, { recursive: true, force: true })
    await database.drop()
  }
}

async function start(args: readonly string[]): Promise<Peer> {
  const file = new URL('./peers/appender.js', import.meta.url)
  const child = spawn(process.execPath, [file.pathname, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('a gateway ended before it was open')))
  await Promise.race([once(lines, 'line'), ended])
  ended.catch(() => {})
  return { child, lines }
}

async function run({ child, lines }: Peer, seconds: number): Promise<Appended> {
  const answer = once(lines, 'line')
  child.stdin.write(`${seconds}\n`)
  const [line] = await answer
  return JSON.parse(String(line))
}

async function stop({ child }: Peer): Promise<void> {
  const exited = once(child, 'exit')
  child.stdin.end()
  await exited
}

function rowOf(done: readonly Appended[], callers: number): PostgresRow {
  const sum = (of: (one: Appended) => number) => done.reduce((total, one) => total + of(one), 0)
  const waits = done.flatMap(({ waits }) => waits).sort((a, b) => a - b)
  return {
    gateways: done.length,
    callers_each: callers,
    append_per_s: Math.round(sum(({ entries, seconds }) => entries / seconds)),
    p50_ms: round(quantile(waits, 0.5), 1),
    p99_ms: round(quantile(waits, 0.99), 1),
    gateway_cpu_us: Math.round((sum(({ cpu_seconds }) => cpu_seconds) * 1e6) / sum(({ entries }) => entries)),
  }
}
