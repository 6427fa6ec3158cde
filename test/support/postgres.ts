import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { migratePostgres } from '../../src/store/postgres/migrate.ts'
import { findBinaries, type Runner, runner, usable } from './postgres-binaries.ts'

/** A real PostgreSQL for a test file. */
export interface TestServer {
  /** A fresh database with the schema in it. */
  database(): Promise<TestDatabase>
  /** An empty database. */
  empty(): Promise<TestDatabase>
  /** Null where the server is not ours to stop (AEGIS_TEST_DATABASE_URL). */
  readonly power: Power | null
  close(): Promise<void>
}

export interface Power {
  /** `immediate`: as a crash, without a checkpoint. */
  stop(how: 'fast' | 'immediate'): Promise<void>
  start(): Promise<void>
}

export const LOGINS = {
  app: 'aegis_test_app',
  read: 'aegis_test_read',
  retention: 'aegis_test_retention',
  migrate: 'aegis_test_migrate',
} as const

export interface TestDatabase {
  readonly name: string
  /** As a superuser. */
  readonly admin: string
  /** As one of the logins. */
  as(login: keyof typeof LOGINS): string
  /** Runs statements as a superuser. */
  run(...statements: readonly string[]): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

const MEMBERS = [
  { role: 'led_app', login: LOGINS.app },
  { role: 'led_read', login: LOGINS.read },
  { role: 'led_retention', login: LOGINS.retention },
  { role: 'led_migrate', login: LOGINS.migrate },
] as const

/**
 * AEGIS_TEST_DATABASE_URL (a superuser's), else a server of our own in a temporary folder. Null, with the reason printed, where
 * there is none to be had; under CI that is an error. `settings`: lines of postgresql.conf for a server of our own.
 */
export async function startPostgres(settings: readonly string[] = []): Promise<TestServer | null> {
  const given = process.env['AEGIS_TEST_DATABASE_URL']
  if (given) return serverAt(given, null, async () => {})
  const binaries = findBinaries()
  if (binaries === null) {
    const why = 'no PostgreSQL on this machine: set AEGIS_PG_BIN or AEGIS_TEST_DATABASE_URL'
    if (process.env['CI']) throw new Error(why)
    process.stderr.write(`skipped: ${why}\n`)
    return null
  }
  const own = await ownServer(binaries, settings)
  return serverAt(own.url, own.power, own.close)
}

async function ownServer(found: string, settings: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-pg-'))
  const as = runner()
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid)
  const bin = usable(found, folder, as)
  const data = join(folder, 'data')
  const world = { ...as, cwd: folder, env: { ...process.env, LC_ALL: 'C' } }
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N']
  execFileSync(join(bin, 'initdb'), initdb, { ...world, stdio: 'pipe' })
  const port = await freePort()
  let child = await boot(bin, data, port, settings, world)
  const killAtExit = () => void child.kill('SIGQUIT')
  process.on('exit', killAtExit)

  async function stop(how: 'fast' | 'immediate'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended
  }

  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    power: {
      stop,
      async start() {
        child = await boot(bin, data, port, settings, world)
      },
    },
    async close() {
      await stop('immediate')
      process.off('exit', killAtExit)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function boot(
  bin: string,
  data: string,
  port: number,
  settings: readonly string[],
  world: Runner & { cwd: string; env: NodeJS.ProcessEnv },
): Promise<ChildProcess> {
  const sockets = ['-k', world.cwd, '-p', String(port), '-c', 'listen_addresses=127.0.0.1']
  const options = settings.flatMap((line) => ['-c', line])
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...sockets, ...options], {
    ...world,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line)
    if (line.includes('database system is ready to accept connections')) {
      child.stderr.resume()
      return child
    }
  }
  throw new Error(`PostgreSQL did not start:\n${said.join('\n')}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function serverAt(url: string, power: Power | null, close: () => Promise<void>): Promise<TestServer> {
  let template: string | null = null

  async function create(from: string | null): Promise<TestDatabase> {
    const name = `aegis_test_${randomBytes(6).toString('hex')}`
    await runOn(url, [
      `CREATE DATABASE ${name}${from === null ? " ENCODING 'UTF8' TEMPLATE template0" : ` TEMPLATE ${from}`}`,
    ])
    const admin = withParts(url, { database: name })
    return {
      ...{ name, admin },
      as: (login) => withParts(admin, { user: LOGINS[login] }),
      run: (...statements) => runOn(admin, statements),
      drop: async () => void (await runOn(url, [`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`])),
    }
  }

  async function migrated(): Promise<string> {
    const { name, admin } = await create(null)
    // Roles are the whole server's: another test file may be making the same ones at this moment.
    await migratePostgres(admin, { members: MEMBERS }).catch(() => migratePostgres(admin, { members: MEMBERS }))
    return name
  }

  return {
    async database() {
      template ??= await migrated()
      return create(template)
    },
    empty: () => create(null),
    power,
    async close() {
      if (power === null && template !== null) await runOn(url, [`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`])
      await close()
    },
  }
}

async function runOn(url: string, statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  // A server that is stopped under it says so here.
  client.on('error', () => {})
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements) rows = (await client.query(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

function withParts(url: string, { user, database }: { user?: string; database?: string }): string {
  const parsed = new URL(url)
  if (user !== undefined) {
    parsed.username = user
    parsed.password = ''
  }
  if (database !== undefined) parsed.pathname = `/${database}`
  return parsed.href
}
