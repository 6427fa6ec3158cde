import { existsSync, readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { AegisError, ERROR_CODES, type ErrorCode } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { type Context, placesOf } from './context.ts'
import type { Endpoint } from './endpoint.ts'

export type { Endpoint } from './endpoint.ts'

export interface Answer {
  readonly status: number
  readonly body: Json
}

const ANSWER_MAX = 64 << 20
const TIMEOUT_MS = 30_000

/**
 * The server as an operator sees it: `AEGIS_ADMIN_URL` with `AEGIS_API_KEY`, else the client file of the installation.
 * A stored key is never sent to an address taken from the environment.
 */
export function adminEndpoint(context: Context): Endpoint {
  const { clientFile } = placesOf(context)
  const url = context.env['AEGIS_ADMIN_URL']
  const key = context.env['AEGIS_API_KEY']
  if (url) {
    if (key) return { socket: null, url, key }
    throw new AegisError('unauthenticated', 'AEGIS_ADMIN_URL is set but AEGIS_API_KEY is not', {
      advice: 'Set AEGIS_API_KEY to a key of that server.',
    })
  }
  if (key && !existsSync(clientFile)) return { socket: null, url: 'http://127.0.0.1:8081', key }
  const file = readKeyFile(clientFile, adviceWithoutClientFile(context))
  const locked = file['protected_key']
  if (key || locked === undefined) {
    return { ...addressOf(file, 'admin_url'), key: key || member(file, 'admin_key', clientFile) }
  }
  const opened = once((purpose) => unlock(locked, purpose))
  return { ...addressOf(file, 'admin_url'), key: textMember(file, 'admin_key') ?? '', unlock: opened }
}

async function unlock(locked: Json, purpose: string): Promise<Endpoint> {
  return (await import('./login/unlock.ts')).unlock(locked, purpose)
}

/** A command may ask several things at once: people are asked for their passphrase once. */
function once(work: (purpose: string) => Promise<Endpoint>): (purpose: string) => Promise<Endpoint> {
  let running: Promise<Endpoint> | null = null
  return (purpose) => {
    running ??= work(purpose)
    return running
  }
}

/** Where another user runs the server, its admin key is not for whoever types here. */
function adviceWithoutClientFile(context: Context): string {
  const service = serviceOf(context)
  if (service === null) return INSTALL
  return `Aegis runs as user ${service.user} here: use \`sudo aegisctl\`, or keep a key of your own with \`aegisctl login\`.`
}

/** The server as an agent sees it: the agent key, which can ask but never approve. */
export function agentEndpoint(context: Context): Endpoint {
  const { agentFile } = placesOf(context)
  const file = readKeyFile(agentFile)
  return { ...addressOf(file, 'url'), key: member(file, 'agent_key', agentFile) }
}

/** The server that another user of this machine runs for the agents of this one; null where whoever types here runs it. */
export function serviceOf(context: Context): { readonly user: string; readonly socket: string } | null {
  const { agentFile } = placesOf(context)
  const file = existsSync(agentFile) ? readKeyFile(agentFile) : {}
  const [user, socket] = [textMember(file, 'service_user'), textMember(file, 'socket')]
  return user === undefined || socket === undefined ? null : { user, socket }
}

/**
 * The socket, whether a server listens there now or not: nobody else can open one there, while the port is free for any user of
 * this machine once the server is down, who would be handed the key. The address is for a file that names no socket.
 */
function addressOf(file: JsonObject, name: string): Pick<Endpoint, 'socket' | 'url'> {
  return { socket: textMember(file, 'socket') ?? null, url: textMember(file, name) ?? '' }
}

const INSTALL = 'Run `aegis init`, or ./install.sh.'

function readKeyFile(path: string, advice = INSTALL): JsonObject {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Json
    if (isObject(value)) return value
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    // The cause may quote the file, which holds a key: it is left out.
    throw new AegisError('config', `${path} cannot be read${code}`, { advice })
  }
  throw new AegisError('config', `${path} is not a JSON object`, { advice: 'Remove it and run `aegis init`.' })
}

function member(file: JsonObject, name: string, path: string): string {
  const value = textMember(file, name)
  if (value) return value
  throw new AegisError('config', `${path} has no \`${name}\``, { advice: 'Remove it and run `aegis init`.' })
}

/** Sends one request; the answer whatever its status. @throws AegisError `upstream_unreachable` where no server answers. */
export async function send(
  endpoint: Endpoint,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: JsonObject,
  timeout = TIMEOUT_MS,
): Promise<Answer> {
  const payload = body === undefined ? null : JSON.stringify(body)
  const headers = {
    authorization: `Bearer ${endpoint.key}`,
    accept: 'application/json',
    ...(payload === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
  }
  const response = await exchange(endpoint, { method, path, headers, signal: AbortSignal.timeout(timeout) }, payload)
  const text = await readAll(response, endpoint)
  return { status: response.statusCode ?? 0, body: parseAnswer(text, endpoint) }
}

const NOT_ASKED: Answer = { status: 401, body: null }

/** The answer's body. What the plain key may not do is done with the protected one. @throws AegisError with the server's own message where it refused. */
export async function ask(
  endpoint: Endpoint,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: JsonObject,
): Promise<Json> {
  const answer = endpoint.key === '' ? NOT_ASKED : await send(endpoint, method, path, body)
  if (answer.status < 300) return answer.body
  if ((answer === NOT_ASKED || answer.status === 403) && endpoint.unlock !== undefined) {
    return ask(await endpoint.unlock(`${method} ${path}`), method, path, body)
  }
  const refused = refusal(answer)
  // That a key was good once is news; the server's other words are for who types headers.
  throw answer.status === 401 && !refused.message.includes('expired') ? unknownKey(endpoint) : refused
}

async function exchange(endpoint: Endpoint, options: RequestOptions, payload: string | null): Promise<IncomingMessage> {
  const url = endpoint.socket === null ? new URL(checked(endpoint.url)) : null
  const request = url?.protocol === 'https:' ? (await import('node:https')).request : httpRequest
  const target: RequestOptions =
    url === null ? { socketPath: endpoint.socket ?? '', host: 'localhost' } : hostAndPort(url)
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, ...target, agent: false }, resolve)
    outgoing.on('error', (error) => reject(unreachable(endpoint, error)))
    outgoing.end(payload ?? undefined)
  })
}

function hostAndPort(url: URL): RequestOptions {
  return { protocol: url.protocol, hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port }
}

function checked(url: string): string {
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return url
  throw new AegisError('config', `not an http address: ${JSON.stringify(url.slice(0, 200))}`, {
    advice: 'Set AEGIS_ADMIN_URL to something like http://127.0.0.1:8081.',
  })
}

async function readAll(response: IncomingMessage, endpoint: Endpoint): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response) {
      const bytes = Buffer.from(chunk)
      size += bytes.length
      if (size > ANSWER_MAX) throw new Error('the answer is larger than 64 MiB')
      chunks.push(bytes)
    }
  } catch (error) {
    throw unreachable(endpoint, error)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseAnswer(text: string, endpoint: Endpoint): Json {
  if (text === '') return null
  try {
    return JSON.parse(text) as Json
  } catch {
    throw new AegisError(
      'upstream_unreachable',
      `${placeOf(endpoint)} does not answer in JSON: it is not an Aegis server`,
      {
        advice: 'Check AEGIS_ADMIN_URL and the ports in aegis.yaml.',
      },
    )
  }
}

function unreachable(endpoint: Endpoint, error: unknown): AegisError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return new AegisError('upstream_unreachable', `no Aegis server answers at ${placeOf(endpoint)} (${code})`, {
    advice: 'Start it with `aegis serve --detach`; `aegis doctor` says what is wrong.',
  })
}

function unknownKey(endpoint: Endpoint): AegisError {
  return new AegisError('unauthenticated', `the server at ${placeOf(endpoint)} does not know this key`, {
    advice: 'Check AEGIS_API_KEY; without it the key is the one in client.json of the configuration directory.',
  })
}

function placeOf(endpoint: Endpoint): string {
  return endpoint.socket ?? endpoint.url
}

/** The error that the server's `{"error": {...}}` stands for. */
export function refusal({ status, body }: Answer): AegisError {
  const error = isObject(body) && isObject(body['error']) ? body['error'] : {}
  const message = textMember(error, 'message') ?? `the server answered ${status}`
  const advice = textMember(error, 'advice')
  const path = textMember(error, 'path')
  return new AegisError(codeOf(status, textMember(error, 'type')), message, {
    ...(advice === undefined ? {} : { advice }),
    ...(path === undefined ? {} : { path }),
  })
}

function codeOf(status: number, type: string | undefined): ErrorCode {
  const names = Object.keys(ERROR_CODES) as ErrorCode[]
  return names.find((name) => name === type) ?? names.find((name) => ERROR_CODES[name].http === status) ?? 'internal'
}
