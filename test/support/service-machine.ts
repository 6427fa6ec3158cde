import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')
export const AGENT = `aegis-a${process.pid}`
export const SUCCESSOR = `aegis-b${process.pid}`
export const SERVICE = `aegis-s${process.pid}`

/** Why there can be no second user here, or null. */
export const unable =
  process.getuid?.() !== 0
    ? 'needs root to make users'
    : lstatSync(join(ROOT, 'node_modules')).isSymbolicLink()
      ? 'the installer does not run where node_modules is a link'
      : spawnSync('useradd', ['--help']).status !== 0 || spawnSync('setpriv', ['--version']).status !== 0
        ? 'needs useradd and setpriv'
        : null

/** A machine's folders, below one of root's that everybody may pass through, as / is. */
export const base = unable === null ? mkdtempSync(join(tmpdir(), 'aegis-machine-')) : tmpdir()
export const [prefix, etc, data, run, home] = ['usr', 'etc', 'var', 'run', 'home'].map((name) => join(base, name)) as [
  string,
  string,
  string,
  string,
  string,
]
export const bin = join(prefix, 'bin')
const ENVIRONMENT = {
  PATH: `${bin}:${process.env['PATH'] ?? ''}`,
  HOME: join(base, 'root'),
  npm_config_cache: join(base, 'npm'),
  ...{ AEGIS_PREFIX: prefix, AEGIS_CONFIG_DIR: etc, AEGIS_DATA_DIR: data, AEGIS_RUN_DIR: run },
  AEGIS_UNIT: `aegis-test-${process.pid}`,
}

export function root(
  program: string,
  words: readonly string[],
  more: Record<string, string> = {},
): SpawnSyncReturns<string> {
  return spawnSync(program, words, { env: { ...ENVIRONMENT, ...more }, cwd: home, encoding: 'utf8', timeout: 240_000 })
}

/** As an agent of the installing user does it: their uid, their home, nothing of root's environment. */
export function agent(line: string, input = '', more: Record<string, string> = {}): SpawnSyncReturns<string> {
  const env = { PATH: ENVIRONMENT.PATH, HOME: home, ...more }
  const [uid, gid] = [idOf(AGENT, '-u'), idOf(AGENT, '-g')]
  return spawnSync('sh', ['-c', line], { env, cwd: home, uid, gid, input, encoding: 'utf8', timeout: 60_000 })
}

export const installer = (...words: readonly string[]) => root(join(ROOT, 'install.sh'), words)
export const idOf = (name: string, option: '-u' | '-g') =>
  Number(spawnSync('id', [option, name], { encoding: 'utf8' }).stdout)
export const agentFile = join(home, '.config/aegis/agent.json')
export const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

async function freePort(): Promise<number> {
  for (;;) {
    const first = 20_000 + 4 * Math.floor(Math.random() * 3000)
    const tried = await Promise.all([first, first + 1, first + 2].map(isFree))
    if (tried.every(Boolean)) return first
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })
}

export interface Installed {
  /** What the installer said. */
  readonly first: SpawnSyncReturns<string>
  readonly port: number
  readonly serverPid: number
}

/** A machine with a user whose agents are kept apart from the server. One for each test file. */
export async function installService(): Promise<Installed> {
  chmodSync(base, 0o755)
  mkdirSync(join(base, 'root'))
  spawnSync('useradd', ['--create-home', '--home-dir', home, '--shell', '/bin/sh', '--user-group', AGENT])
  const port = await freePort()
  const ports = ['--port', String(port), '--admin-port', String(port + 1)]
  const first = installer('--service-user', SERVICE, '--agent-user', AGENT, '--editor', 'claude', ...ports)
  if (first.status !== 0) throw new Error(`${first.stdout}${first.stderr}`)
  return { first, port, serverPid: Number(readFileSync(join(data, 'aegis.pid'), 'utf8')) }
}

export function removeService(): void {
  if (existsSync(join(prefix, 'lib/aegis/installed'))) installer('--uninstall', '--purge')
  for (const name of [AGENT, SUCCESSOR, SERVICE]) spawnSync('userdel', [name])
  rmSync(base, { recursive: true, force: true })
}
