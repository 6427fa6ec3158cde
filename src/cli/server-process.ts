import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AegisError } from '../core/errors.ts'
import { agentEndpoint, type Endpoint, send, serviceOf } from './client.ts'
import { type Context, placesOf, processContext } from './context.ts'
import { builtFile } from './installation.ts'
import { serviceCommand } from './other-user.ts'
import { visible } from './output.ts'

export interface RunningServer {
  readonly socketPath: string
  readonly agentKey: string
}

const START_MS = 20_000
const POLL_MS = 40
const OTHER_MS = 1_500
const LOG_TAIL = 4_000

/**
 * The running server, started where none runs.
 * @throws AegisError `config` before `aegis init`, `upstream_unreachable` where the server does not come up.
 */
export async function ensureServer(context: Context = processContext(), deadline = START_MS): Promise<RunningServer> {
  const agentKey = agentEndpoint(context).key
  const service = serviceOf(context)
  if (service !== null) {
    if (await isHealthy(service.socket)) return { socketPath: service.socket, agentKey }
    throw notServed(service.user)
  }
  const { socket } = placesOf(context)
  if (!(await isHealthy(socket))) await startDetached(context, deadline)
  return { socketPath: socket, agentKey }
}

/** Only its user, or root, can start it: one of our own would have other keys, another policy and another ledger. */
function notServed(user: string): AegisError {
  return new AegisError('upstream_unreachable', `the server that user ${user} runs does not answer`, {
    advice: `Start it: ${serviceCommand('start')}`,
  })
}

/** Does a server of this installation answer? Asked of its socket, which no other user can own. */
export async function isHealthy(socket: string): Promise<boolean> {
  if (!existsSync(socket)) return false
  const endpoint: Endpoint = { socket, url: '', key: '' }
  const answer = await send(endpoint, 'GET', '/health', undefined, 2_000).catch(() => null)
  return answer?.status === 200
}

/** Starts `aegis serve` in the background, its output in the log file, and waits until it answers. */
export async function startDetached(context: Context, deadline = START_MS): Promise<number> {
  const { socket, dataDir, logFile } = placesOf(context)
  makePrivateDirectory(dataDir)
  const log = openLog(logFile)
  const from = statSync(logFile).size
  const child = spawn(process.execPath, [builtFile('src', 'cli', 'aegis.js'), 'serve'], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...context.env },
    cwd: dataDir,
  })
  closeSync(log)
  child.unref()
  const until = Date.now() + deadline
  while (Date.now() < until) {
    if (await isHealthy(socket)) return child.pid ?? 0
    if (child.exitCode !== null || child.signalCode !== null) break
    await sleep(POLL_MS)
  }
  // Two clients may have started one each: the one that lost the lock or a port ends, the other answers soon.
  const other = Math.min(until, Date.now() + OTHER_MS)
  do {
    if (await isHealthy(socket)) return (await runningPid(context)) ?? 0
    await sleep(POLL_MS)
  } while (Date.now() < other)
  throw notStarted(child, logFile, from)
}

function notStarted(child: ChildProcess, logFile: string, from: number): AegisError {
  const ended = child.exitCode !== null
  if (!ended) child.kill('SIGTERM')
  const said = readFileSync(logFile, 'utf8').slice(from).slice(-LOG_TAIL).trimEnd()
  const lines = said.split('\n').map(visible).join('\n')
  return new AegisError(
    'upstream_unreachable',
    lines || `the server ${ended ? 'ended at once' : 'did not answer in time'}`,
    {
      advice: `The whole log: ${logFile}`,
    },
  )
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    throw unwritable(dirname(path), error)
  }
}

/** Makes a directory that only its owner can enter. @throws AegisError `config` naming the directory and the remedy. */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unwritable(path, error)
  }
}

export function unwritable(path: string, error: unknown): AegisError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return new AegisError('config', `${path} cannot be written (${code})`, {
    advice:
      'Give it to the user who runs Aegis, or set AEGIS_CONFIG_DIR and AEGIS_DATA_DIR to directories that it owns.',
    path,
    cause: error,
  })
}

/** The server's process id: from its own file, and only while it answers, so that no stranger's process is meant. */
export async function runningPid(context: Context): Promise<number | null> {
  const { socket, pidFile } = placesOf(context)
  if (!existsSync(pidFile) || !(await isHealthy(socket))) return null
  const pid = Number(readFileSync(pidFile, 'utf8').trim())
  return Number.isInteger(pid) && pid > 1 ? pid : null
}

/** Asks the server to end, and waits. Resolves to false where none runs. */
export async function stopServer(context: Context, deadline = START_MS): Promise<boolean> {
  const pid = await runningPid(context)
  if (pid === null) return false
  process.kill(pid, 'SIGTERM')
  const until = Date.now() + deadline
  while (Date.now() < until) {
    if (!isAlive(pid)) return true
    await sleep(POLL_MS)
  }
  throw new AegisError('cannot_decide', `the server (pid ${pid}) has not ended after ${deadline / 1000} s`, {
    advice: `It may still be finishing calls; look at ${placesOf(context).logFile}.`,
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
