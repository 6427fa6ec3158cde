import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import type { Answer } from './installation.ts'

/** The built programs. */
export const PROGRAMS = resolve(import.meta.dirname, '../../dist/src/cli')

/** An installation as a person has it: files in two directories, the built programs as processes of their own. */
export interface Served {
  readonly folder: string
  /** The SQLite file. */
  readonly store: string
  readonly env: Readonly<Record<string, string>>
  readonly agentKey: string
  readonly adminKey: string
  /** Of the running server. */
  readonly urls: { readonly mcp: string; readonly admin: string }
  /** Of the running server; 0 where none runs. */
  readonly pid: number
  /** All that servers of this installation have said so far, on both streams. */
  said(): string
  start(): Promise<void>
  /** As a power cut would. */
  kill(): Promise<void>
  /** As an operator would; gives the exit status. */
  stop(): Promise<number | null>
  aegis(...words: string[]): SpawnSyncReturns<string>
  aegisctl(...words: string[]): SpawnSyncReturns<string>
  post(path: string, body: unknown, key?: string): Promise<Answer>
  get(path: string, key?: string): Promise<Answer>
  close(): Promise<void>
}

export interface ServedOptions {
  /** What `aegis.yaml` says besides its version and its ports, which are free ones. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Where the data is kept instead of in the installation's folder. */
  readonly dataDir?: string
}

const AGENT_KEY = 'agent-key-for-tests'
const LISTENING = /^aegis: MCP at (\S+)\/mcp, admin at (\S+),/m

/** Makes an installation with `aegis init`; nothing runs yet. */
export function makeServed(options: ServedOptions = {}): Served {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-served-'))
  const config = join(folder, 'config')
  const data = options.dataDir ?? join(folder, 'data')
  mkdirSync(config, { mode: 0o700 })
  const settings = { version: 1, listen: { port: 0, admin_port: 0 }, policy: 'pr-writer', ...options.settings }
  writeFileSync(join(config, 'aegis.yaml'), stringify(settings), { mode: 0o600 })
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, AEGIS_CONFIG_DIR: config, AEGIS_DATA_DIR: data }
  const run = (program: string, words: readonly string[]) =>
    spawnSync(process.execPath, [join(PROGRAMS, program), ...words], { env, cwd: folder, encoding: 'utf8' })
  const made = run('aegis.js', ['init', '--api-key', AGENT_KEY])
  if (made.status !== 0) throw new Error(`aegis init failed: ${made.stderr}`)
  const adminKey = String(JSON.parse(readFileSync(join(config, 'client.json'), 'utf8')).admin_key)

  let child: ChildProcess | null = null
  let said = ''
  let urls = { mcp: '', admin: '' }

  async function start(): Promise<void> {
    const from = said.length
    const started = spawn(process.execPath, [join(PROGRAMS, 'aegis.js'), 'serve'], { env, cwd: folder })
    child = started
    const hear = (chunk: Buffer) => {
      said += chunk
    }
    started.stdout.on('data', hear)
    started.stderr.on('data', hear)
    const ended = once(started, 'exit')
    for (;;) {
      const [, mcp, admin] = LISTENING.exec(said.slice(from)) ?? []
      if (mcp !== undefined && admin !== undefined) {
        urls = { mcp, admin }
        return
      }
      if (started.exitCode !== null || started.signalCode !== null) break
      await Promise.race([once(started.stdout, 'data'), ended])
    }
    throw new Error(`aegis serve ended: ${said.slice(from)}`)
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const ending = child
    child = null
    if (ending === null) return null
    if (ending.exitCode !== null || ending.signalCode !== null) return ending.exitCode
    const gone = once(ending, 'exit')
    ending.kill(signal)
    await gone
    return ending.exitCode
  }

  async function ask(method: string, path: string, key: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(urls.admin + path, {
      method,
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  }

  return {
    ...{ folder, store: join(data, 'aegis.db'), env, agentKey: AGENT_KEY, adminKey, start },
    get urls() {
      return urls
    },
    get pid() {
      return child?.pid ?? 0
    },
    said: () => said,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    aegis: (...words) => run('aegis.js', words),
    aegisctl: (...words) => run('aegisctl.js', words),
    post: (path, body, key = AGENT_KEY) => ask('POST', path, key, body),
    get: (path, key = AGENT_KEY) => ask('GET', path, key),
    async close() {
      await end('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Makes and starts an installation. */
export async function serve(options: ServedOptions = {}): Promise<Served> {
  const served = makeServed(options)
  await served.start()
  return served
}
