import { validateHeaderName, validateHeaderValue } from 'node:http'
import { isAbsolute } from 'node:path'
import type { CatalogName } from '../../core/catalog/catalog.ts'
import { AegisError } from '../../core/errors.ts'
import type { Listing, UpstreamInfo } from '../../gateway/ports.ts'
import type { EraSetting } from './eras.ts'

/** Streamable HTTP, or HTTP+SSE of revision 2024-11-05. */
export type HttpTransport = 'http' | 'sse'

/** An endpoint over HTTP. `headers` go with every request; a lent credential replaces `authorization`. */
export interface HttpRoute {
  readonly kind: 'http'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Default: found out by trying Streamable HTTP first. */
  readonly transport?: HttpTransport
}

/** A program that speaks MCP on its standard input and output. */
export interface StdioRoute {
  readonly kind: 'stdio'
  readonly command: readonly [string, ...string[]]
  /** Added to the minimal environment of the child. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | null
  /** The variable that holds the lent credential. */
  readonly credentialEnv: string
}

export interface UpstreamConfig {
  readonly catalog: CatalogName
  readonly route: HttpRoute | StdioRoute
  /** Name of the credential lent to this upstream's calls, or null. */
  readonly credential: string | null
  readonly onReview: 'refuse' | 'hold'
  /** Milliseconds for a whole call. Null: no total, but five minutes without a sign of life end it. */
  readonly timeout: number | null
  /** Milliseconds to connect or start, and to answer `initialize`. Default 30,000. */
  readonly connectTimeout?: number
  /** Default `auto`: the client's own era first, then the other. */
  readonly era?: EraSetting
  readonly elicitation?: UpstreamInfo['elicitation']
  readonly listing?: Listing
}

/** Bounds on what an upstream may cost us. */
export interface Limits {
  /** Bytes of one message, whatever its transport. */
  readonly messageBytes: number
  /** Milliseconds without a sign of life after which a call without `timeoutMs` is given up. */
  readonly idleMs: number
  /** Milliseconds a child has to end by itself, then again after SIGTERM. */
  readonly graceMs: number
  /** Processes of clients at the same time, per stdio upstream: a client opens one by asking, a machine ends at some thousand. */
  readonly processes: number
  /** Processes that hold a lent credential at the same time, per upstream. */
  readonly lentProcesses: number
  /** Milliseconds after a failed start before the next one; doubled with each failure, at most 30 s. */
  readonly restartMs: number
}

export const DEFAULT_LIMITS: Limits = {
  messageBytes: 64 * 1024 * 1024,
  idleMs: 300_000,
  graceMs: 2_000,
  processes: 64,
  lentProcesses: 8,
  restartMs: 500,
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 30_000

/** The protocol's own headers and those of the connection: a configured one would break framing or mix sessions. */
const RESERVED_HEADERS = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'transfer-encoding',
  'upgrade',
])
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** @throws AegisError `config` naming the member at fault. */
export function checkConfig(name: string, config: UpstreamConfig): void {
  for (const key of ['timeout', 'connectTimeout'] as const) {
    const value = config[key] ?? 1
    // Above it, Node's timers fire at once.
    if (!(value > 0 && value < 2 ** 31)) fault(name, key, 'must be more than 0 ms and less than 25 days')
  }
  if (config.route.kind === 'stdio') checkStdio(name, config.route)
  else checkHttp(name, config.route)
}

function checkStdio(name: string, route: StdioRoute): void {
  if (route.command[0] === '') fault(name, 'command', 'must name a program')
  if (route.command.some((part) => part.includes('\0'))) fault(name, 'command', 'holds a NUL byte')
  if (route.cwd !== null && !isAbsolute(route.cwd)) fault(name, 'cwd', 'must be an absolute path')
  const wrong = [...Object.keys(route.env), route.credentialEnv].find((variable) => !ENV_NAME.test(variable))
  if (wrong !== undefined) fault(name, 'env', `\`${wrong}\` is not a name of an environment variable`)
  if (Object.values(route.env).some((value) => value.includes('\0'))) fault(name, 'env', 'holds a NUL byte')
}

function checkHttp(name: string, route: HttpRoute): void {
  if (!URL.canParse(route.url)) fault(name, 'url', `\`${route.url}\` is not a URL`)
  const url = new URL(route.url)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') fault(name, 'url', 'must be http or https')
  // A password in a URL ends up in logs and error texts.
  if (url.username !== '' || url.password !== '') fault(name, 'url', 'must not hold a user or password; use `headers`')
  for (const [header, value] of Object.entries(route.headers)) {
    if (isReserved(header.toLowerCase())) fault(name, `headers.${header}`, 'is set by the bridge itself')
    try {
      validateHeaderName(header)
      validateHeaderValue(header, value)
    } catch {
      fault(name, `headers.${header}`, 'is not a valid HTTP header')
    }
  }
}

function isReserved(header: string): boolean {
  return RESERVED_HEADERS.has(header) || header.startsWith('mcp-param-')
}

function fault(name: string, member: string, problem: string): never {
  throw new AegisError('config', `upstream \`${name}\`: \`${member}\` ${problem}`, {
    path: `upstreams.${name}.${member}`,
  })
}
