import { validateHeaderName, validateHeaderValue } from 'node:http'
import { isAbsolute } from 'node:path'
import type { CatalogName } from '../../core/catalog/catalog.ts'
import { AegisError } from '../../core/errors.ts'

interface CommonConfig {
  readonly catalog: CatalogName
  /** Name of the credential lent to this upstream's calls. */
  readonly credential?: string
  readonly onReview?: 'refuse' | 'hold'
  /** Milliseconds for a whole call. Unset: no total, but five minutes without a sign of life end it. */
  readonly timeoutMs?: number
  /** Milliseconds to connect or start, and to answer `initialize`. Default 30,000. */
  readonly connectTimeoutMs?: number
}

export interface HttpUpstreamConfig extends CommonConfig {
  /** The Streamable HTTP endpoint. */
  readonly url: string
  /** Static headers of every request, such as a standing read-only key. A lent credential replaces `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface StdioUpstreamConfig extends CommonConfig {
  readonly command: readonly string[]
  /** Added to the minimal environment of the child. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The variable that holds the lent credential. Default `GITHUB_PERSONAL_ACCESS_TOKEN`. */
  readonly credentialEnv?: string
}

export type UpstreamConfig = HttpUpstreamConfig | StdioUpstreamConfig

/** Bounds on what an upstream may cost us. */
export interface Limits {
  /** Bytes of one message, whatever its transport. */
  readonly messageBytes: number
  /** Milliseconds without a sign of life after which a call without `timeoutMs` is given up. */
  readonly idleMs: number
  /** Milliseconds a child has to end by itself, then again after SIGTERM. */
  readonly graceMs: number
  /** Processes that hold a lent credential at the same time, per upstream. */
  readonly lentProcesses: number
  /** Milliseconds after a failed start before the next one; doubled with each failure, at most 30 s. */
  readonly restartMs: number
}

export const DEFAULT_LIMITS: Limits = {
  messageBytes: 64 * 1024 * 1024,
  idleMs: 300_000,
  graceMs: 2_000,
  lentProcesses: 8,
  restartMs: 500,
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 30_000
export const DEFAULT_CREDENTIAL_ENV = 'GITHUB_PERSONAL_ACCESS_TOKEN'

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
  'mcp-protocol-version',
  'mcp-session-id',
  'transfer-encoding',
  'upgrade',
])
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

export function isStdio(config: UpstreamConfig): config is StdioUpstreamConfig {
  return 'command' in config
}

/** @throws AegisError `config` naming the member at fault. */
export function checkConfig(name: string, config: UpstreamConfig): void {
  for (const key of ['timeoutMs', 'connectTimeoutMs'] as const) {
    const value = config[key]
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) fault(name, key, 'must be a positive number')
  }
  if (isStdio(config)) {
    if ('url' in config) fault(name, 'url', 'cannot stand beside `command`: an upstream has one transport')
    checkStdio(name, config)
  } else {
    checkHttp(name, config)
  }
}

function checkStdio(name: string, config: StdioUpstreamConfig): void {
  const [program] = config.command
  if (program === undefined || program === '') fault(name, 'command', 'must name a program')
  if (config.command.some((part) => part.includes('\0'))) fault(name, 'command', 'holds a NUL byte')
  if (config.cwd !== undefined && !isAbsolute(config.cwd)) fault(name, 'cwd', 'must be an absolute path')
  const variables = [...Object.keys(config.env ?? {}), config.credentialEnv ?? DEFAULT_CREDENTIAL_ENV]
  const wrong = variables.find((variable) => !ENV_NAME.test(variable))
  if (wrong !== undefined) fault(name, 'env', `\`${wrong}\` is not a name of an environment variable`)
}

function checkHttp(name: string, config: HttpUpstreamConfig): void {
  if (!URL.canParse(config.url)) fault(name, 'url', `\`${config.url}\` is not a URL`)
  const url = new URL(config.url)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') fault(name, 'url', 'must be http or https')
  // A password in a URL ends up in logs and error texts.
  if (url.username !== '' || url.password !== '') fault(name, 'url', 'must not hold a user or password; use `headers`')
  for (const [header, value] of Object.entries(config.headers ?? {})) {
    if (RESERVED_HEADERS.has(header.toLowerCase())) fault(name, `headers.${header}`, 'is set by the bridge itself')
    try {
      validateHeaderName(header)
      validateHeaderValue(header, value)
    } catch {
      fault(name, `headers.${header}`, 'is not a valid HTTP header')
    }
  }
}

function fault(name: string, member: string, problem: string): never {
  throw new AegisError('config', `upstream \`${name}\`: \`${member}\` ${problem}`, {
    path: `upstreams.${name}.${member}`,
  })
}
