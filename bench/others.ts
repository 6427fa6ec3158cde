/** Proxies that others wrote, fetched at pinned versions for the bench alone: they are no dependencies of ours. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { connect } from './load.ts'

const PACKAGES = ['mcp-proxy@6.7.19', 'supergateway@4.0.0', '@civic/passthrough-mcp-server@0.12.1'] as const

export type Other = 'mcp-proxy' | 'supergateway' | 'civic-passthrough'

export interface Others {
  readonly urls: Readonly<Record<Other, string>>
  close(): void
}

/** What each is told to do: the first two bring a stdio server to HTTP, the third forwards HTTP. */
interface Start {
  readonly file: string
  readonly args: (port: number) => readonly string[]
  readonly env?: (port: number) => Record<string, string>
}

function starts(httpUpstream: string, stdioUpstream: string): Record<Other, Start> {
  const serve = `${process.execPath} ${stdioUpstream}`
  return {
    'mcp-proxy': {
      file: 'mcp-proxy',
      args: (port) => [
        ...['--host', '127.0.0.1', '--port', String(port), '--server', 'stream'],
        ...['--', process.execPath, stdioUpstream],
      ],
    },
    supergateway: {
      file: 'supergateway',
      args: (port) => [
        ...['--stdio', serve, '--outputTransport', 'streamableHttp', '--stateful'],
        ...['--port', String(port), '--logLevel', 'none'],
      ],
    },
    'civic-passthrough': {
      // Its command looks for itself under its own name, which a link in `.bin` is not.
      file: '../@civic/passthrough-mcp-server/dist/cli.js',
      args: () => [],
      env: (port) => ({
        PORT: String(port),
        TARGET_SERVER_URL: httpUpstream,
        TARGET_SERVER_TRANSPORT: 'httpStream',
        LOG_LEVEL: 'error',
      }),
    },
  }
}

/** @returns null, with the reason said, where the packages cannot be had */
export async function startOthers(
  httpUpstream: string,
  stdioUpstream: string,
  say: (line: string) => void,
): Promise<Others | null> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-bench-peers-'))
  const children: ChildProcess[] = []
  const close = (): void => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await install(folder)
    const urls: [string, string][] = []
    for (const [name, start] of Object.entries(starts(httpUpstream, stdioUpstream))) {
      const port = await freePort()
      const child = spawn(process.execPath, [join(folder, 'node_modules', '.bin', start.file), ...start.args(port)], {
        stdio: ['ignore', 'ignore', 'ignore'],
        env: { ...process.env, ...start.env?.(port) },
      })
      children.push(child)
      urls.push([name, await answering(name, `http://127.0.0.1:${port}/mcp`, child)])
    }
    return { urls: Object.fromEntries(urls) as Record<Other, string>, close }
  } catch (error) {
    close()
    say(`without the proxies of others: ${error instanceof Error ? error.message : error}`)
    return null
  }
}

async function install(folder: string): Promise<void> {
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n')
  const words = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES]
  await promisify(execFile)('npm', words, { cwd: folder, timeout: 400_000 })
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

const START_MS = 60_000

async function answering(name: string, url: string, child: ChildProcess): Promise<string> {
  const until = performance.now() + START_MS
  let last: unknown = null
  while (performance.now() < until && child.exitCode === null) {
    try {
      const connection = await connect({ url }, 1, 'get_file_contents')
      await connection.call().finally(() => connection.close())
      return url
    } catch (error) {
      last = error
      await sleep(200)
    }
  }
  throw new Error(`${name} does not answer (status ${child.exitCode}): ${last instanceof Error ? last.message : last}`)
}
