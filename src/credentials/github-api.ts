import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'

/** A request to GitHub may take this many milliseconds, its answer included. */
const TIME_LIMIT_MS = 10_000
/** An installation token's answer is a few KiB; whatever is longer is not one. */
const ANSWER_LIMIT = 256 * 1024
const API_VERSION = '2022-11-28'

export type Fetch = typeof globalThis.fetch

export interface ApiAnswer {
  readonly status: number
  /** The body where it is a JSON object, else an empty one. */
  readonly body: JsonObject
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** From the API's root, already escaped. */
  readonly path: string
  readonly bearer: string
  readonly body?: JsonObject
}

/**
 * One request to a GitHub API.
 * @throws AegisError `upstream_unreachable` (data.sent: false) where no answer came in time. It carries no cause: errors of
 *   HTTP clients hold the request, and with it the Authorization header.
 */
export async function askGithub(fetch: Fetch, apiUrl: string, request: ApiRequest): Promise<ApiAnswer> {
  const { method, path, bearer, body } = request
  try {
    const response = await fetch(apiUrl.replace(/\/+$/, '') + path, {
      method,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${bearer}`,
        'user-agent': 'aegis-proxy',
        'x-github-api-version': API_VERSION,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A redirect would carry the token to wherever it points.
      redirect: 'error',
      signal: AbortSignal.timeout(TIME_LIMIT_MS),
    })
    return { status: response.status, body: objectOf(await boundedText(response)) }
  } catch (error) {
    throw new AegisError('upstream_unreachable', `${method} ${apiUrl}${path} failed: ${reasonOf(error)}`, {
      advice: 'check api_url of the credential in aegis.yaml and the network',
      data: { sent: false },
    })
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > ANSWER_LIMIT) throw new Error('the answer is too long')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function objectOf(text: string): JsonObject {
  try {
    const value: Json = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** Names and codes only: messages of `fetch` may quote a header it did not like. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  if (error.name === 'TimeoutError') return `no answer in ${TIME_LIMIT_MS / 1000} s`
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null
  return code ?? (error.message === 'the answer is too long' ? error.message : error.name)
}
