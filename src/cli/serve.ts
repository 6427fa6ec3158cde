import { rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { type Config, type Flags, loadConfig, portNumber } from '../config.ts'
import { AegisError } from '../core/errors.ts'
import type { Context } from './context.ts'
import { placesOf, processContext } from './context.ts'
import { startForge } from './forge-process.ts'
import { packageVersion } from './installation.ts'
import { demandOwnServer, serviceCommand } from './other-user.ts'
import { jsonText } from './output.ts'
import { isHealthy, makePrivateDirectory, startDetached, stopServer, unwritable } from './server-process.ts'

interface ServeOptions {
  readonly policy?: string
  readonly host?: string
  readonly port?: string
  readonly adminPort?: string
  readonly store?: string
  readonly detach?: boolean
}

export async function serve(options: ServeOptions): Promise<void> {
  const context = processContext()
  demandOwnServer(context, 'the server', serviceCommand('start'))
  if (options.detach) return serveDetached(context, options)
  const config = loadConfig({
    env: context.env,
    home: context.home,
    cwd: context.cwd,
    flags: flagsOf(options),
    serving: true,
  })
  const running = await start(config, context)
  context.out(`aegis: MCP at ${running.url}/mcp, admin at ${running.adminUrl}, policy ${config.policies.join(' + ')}\n`)
  await untilToldToStop()
  await running.close()
}

export async function stop(options: { json?: boolean }): Promise<void> {
  const context = processContext()
  demandOwnServer(context, 'the server', serviceCommand('stop'))
  const stopped = await stopServer(context)
  if (options.json) return context.out(jsonText({ stopped }))
  context.out(stopped ? 'stopped\n' : 'no server of this installation is running\n')
}

async function serveDetached(context: Context, options: ServeOptions): Promise<void> {
  if (Object.keys(options).length > 1) {
    throw new AegisError('invalid_params', '--detach takes its settings from aegis.yaml and the environment', {
      advice: 'Change aegis.yaml with `aegis init`, or run without --detach.',
    })
  }
  const { socket, logFile } = placesOf(context)
  if (await isHealthy(socket)) return context.out('a server of this installation is already running\n')
  const pid = await startDetached(context)
  context.out(`started, pid ${pid}, log ${logFile}\n`)
}

function flagsOf(options: ServeOptions): Flags {
  return {
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.store === undefined ? {} : { store: options.store }),
    ...(options.port === undefined ? {} : { port: portNumber(options.port, '--port') }),
    ...(options.adminPort === undefined ? {} : { adminPort: portNumber(options.adminPort, '--admin-port') }),
  }
}

interface Running {
  readonly url: string
  readonly adminUrl: string
  close(): Promise<void>
}

/** Forge first, since the server's upstream needs it; what was started is ended where the rest fails. */
async function start(config: Config, context: Context): Promise<Running> {
  const { dataDir, pidFile, socket } = config.places
  makePrivateDirectory(dataDir)
  if (await isHealthy(socket)) {
    throw new AegisError('config', 'a server of this installation is already running', {
      advice: 'End it with `aegis stop`, or give this one a place of its own: AEGIS_DATA_DIR and AEGIS_CONFIG_DIR.',
    })
  }
  await checkPorts(config)
  const forge = config.localForge === null ? null : await startForge(config.localForge, context)
  const { startServer } = await import('../server.ts')
  const server = await startServer(config, packageVersion()).catch(async (error: unknown) => {
    await forge?.close()
    throw explained(error, config)
  })
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  } catch (error) {
    await server.close()
    await forge?.close()
    throw unwritable(pidFile, error)
  }
  return {
    url: server.urls.mcp,
    adminUrl: server.urls.admin,
    async close() {
      await server.close()
      await forge?.close()
      rmSync(pidFile, { force: true })
    },
  }
}

const PROBE_MS = 1_000

/** All ports together and before anything starts: the remedy moves them together. */
async function checkPorts({ listen, localForge }: Config): Promise<void> {
  const wanted = [
    { host: listen.host, port: listen.port },
    { host: listen.host, port: listen.adminPort },
    ...(localForge === null ? [] : [{ host: '127.0.0.1', port: localForge.port }]),
  ]
  for (const { host, port } of wanted) if (port !== 0 && (await isTaken(host, port))) throw portTaken(host, port)
}

/** Asked by connecting: two servers that start at once would be in the way of each other's trial listening. */
function isTaken(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ host, port, timeout: PROBE_MS })
    const told = (taken: boolean) => {
      probe.destroy()
      resolve(taken)
    }
    probe.once('connect', () => told(true))
    probe.once('error', () => told(false))
    probe.once('timeout', () => told(false))
  })
}

function portTaken(host: string, port: number | string, cause?: Error): AegisError {
  return new AegisError('config', `port ${port} on ${host} is in use by another program`, {
    advice:
      'End that program, or choose others: `./install.sh --port 8090 --admin-port 8091` (the local forge takes the next one).',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** What the operating system says in codes, in words that name the remedy. */
function explained(error: unknown, config: Config): unknown {
  if (error instanceof AegisError || !(error instanceof Error) || !('code' in error)) return error
  const port = 'port' in error ? String(error.port) : `${config.listen.port} or ${config.listen.adminPort}`
  if (error.code === 'EADDRINUSE') {
    return portTaken(config.listen.host, port, error)
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'EACCES') {
    return new AegisError('config', `cannot listen on ${config.listen.host} port ${port} (${String(error.code)})`, {
      advice: 'Choose an address of this machine with --host and a port above 1023.',
      cause: error,
    })
  }
  return error
}

/** The first signal drains; a second one ends at once. */
function untilToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve()
        process.once(signal, () => process.exit(130))
      })
    }
  })
}
