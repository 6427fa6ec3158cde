import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Config } from '../../config.ts'
import { AegisError } from '../../core/errors.ts'
import type { Context } from '../context.ts'
import { builtFile } from '../installation.ts'
import { isHealthy } from '../server-process.ts'
import { initialize } from '../setup/init.ts'

/** An installation of its own in a temporary folder: nothing of the user's is read or changed. */
export interface Stage {
  /** The world as the stage's commands see it. */
  readonly context: Context
  readonly config: Config
  readonly folder: string
  close(): Promise<void>
}

const START_MS = 60_000

export async function buildStage(outside: Context): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-demo-'))
  const context: Context = { ...outside, cwd: folder, env: stageEnvironment(outside, folder) }
  let child: ChildProcess | null = null
  const close = async () => {
    await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const port = await freePorts(3)
    const options = { policy: 'pr-writer', port: String(port), adminPort: String(port + 1), editor: 'none' }
    const { config } = await initialize(options, context)
    child = startServer(context, join(folder, 'server.log'))
    await untilHealthy(config.places.socket, child, join(folder, 'server.log'))
    return { context, config, folder, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Without the user's own AEGIS_* settings, which name another installation. */
function stageEnvironment({ env }: Context, folder: string): Context['env'] {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('AEGIS_'))
  return { ...Object.fromEntries(kept), AEGIS_CONFIG_DIR: join(folder, 'config'), AEGIS_DATA_DIR: join(folder, 'data') }
}

/** The first of `count` free ports in a row on loopback. */
async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const first = await bindable(0)
    if (first === null || first + count > 65_535) continue
    const rest = await Promise.all(Array.from({ length: count - 1 }, (_, index) => bindable(first + 1 + index)))
    if (!rest.includes(null)) return first
  }
  throw new AegisError('cannot_decide', `no ${count} free ports in a row were found`, { advice: 'Try again.' })
}

function bindable(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null))
    })
  })
}

/** On a leash: it ends with the demo, however the demo ends. */
function startServer(context: Context, logFile: string): ChildProcess {
  const leash = pathToFileURL(builtFile('src', 'cli', 'leash.js')).href
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(process.execPath, ['--import', leash, builtFile('src', 'cli', 'aegis.js'), 'serve'], {
    stdio: ['pipe', log, log],
    env: { ...context.env },
    cwd: context.cwd,
  })
  closeSync(log)
  return child
}

async function untilHealthy(socket: string, child: ChildProcess, logFile: string): Promise<void> {
  const until = Date.now() + START_MS
  while (Date.now() < until && child.exitCode === null) {
    if (await isHealthy(socket)) return
    await sleep(40)
  }
  throw new AegisError(
    'upstream_unreachable',
    `the demo's server did not start:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`,
  )
}

async function end(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await gone
  clearTimeout(timer)
}
