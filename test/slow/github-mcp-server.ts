import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The official server, pinned; `DIRECTIVE` is the `go` line of its go.mod at that version. */
export const MODULE = 'github.com/github/github-mcp-server'
export const VERSION = 'v1.9.0'
const DIRECTIVE = '1.25.12'

export type Build = { readonly binary: string } | { readonly skipped: string }

const run = promisify(execFile)

/** Builds the server in the folder, or says why that cannot be done here. Nothing is installed outside of Go's own cache. */
export async function buildOfficialServer(folder: string): Promise<Build> {
  const version = await run('go', ['env', 'GOVERSION']).then(
    ({ stdout }) => stdout.trim().replace(/^go/, ''),
    () => null,
  )
  if (version === null) return { skipped: 'Go is not installed' }
  if (isOlder(version, DIRECTIVE)) return { skipped: `${MODULE} ${VERSION} needs Go ${DIRECTIVE}, here is ${version}` }
  // A module of our own that requires it: unlike `go install`, this needs no list of the module's versions from the proxy.
  await writeFile(join(folder, 'go.mod'), `module local/build\n\ngo ${DIRECTIVE}\n\nrequire ${MODULE} ${VERSION}\n`)
  const binary = join(folder, 'github-mcp-server')
  const options = { cwd: folder, env: { ...process.env, GOTOOLCHAIN: 'local' }, timeout: 500_000 }
  try {
    await run('go', ['build', '-mod=mod', '-o', binary, `${MODULE}/cmd/github-mcp-server`], options)
    return { binary }
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    return { skipped: `the module cannot be had or built: ${stderr.trim().split('\n').at(-1)}` }
  }
}

function isOlder(version: string, wanted: string): boolean {
  const [mine, other] = [version, wanted].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)))
  for (const index of [0, 1, 2]) {
    const difference = (mine?.[index] ?? 0) - (other?.[index] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** The name under which the server is told to find its GitHub; it exists in no DNS. */
export const HOST = 'http://forge.test'

export interface Detour {
  readonly url: string
  close(): Promise<void>
}

/**
 * This version drops the port of an Enterprise host, so it cannot be pointed at a loopback port. It heeds HTTP_PROXY, though:
 * this proxy takes what is meant for `forge.test` to the forge and refuses everything else.
 */
export async function detourTo(forge: { readonly port: number }): Promise<Detour> {
  const server = createServer((incoming, outgoing) => {
    const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '') : null
    if (url?.origin !== HOST) return void outgoing.writeHead(502).end()
    const headers = { ...incoming.headers, host: `127.0.0.1:${forge.port}` }
    const target = { port: forge.port, path: url.pathname + url.search, method: incoming.method, headers }
    const onward = request({ host: '127.0.0.1', ...target }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
