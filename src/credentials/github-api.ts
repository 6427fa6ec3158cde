import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { exchange, type Fetch, NoAnswer } from '../github/index.ts'

export type { Fetch } from '../github/index.ts'

/** An installation token's answer is a few KiB; whatever is longer is not one. */
const ANSWER_LIMIT = 256 * 1024

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
 * One request as the App itself, or with a token that nobody else may see: nothing of it is kept.
 * @throws AegisError `upstream_unreachable` (data.sent: false) where no answer came in time. It carries no cause: errors of
 *   HTTP clients hold the request, and with it the Authorization header.
 */
export async function askGithub(fetch: Fetch, apiUrl: string, request: ApiRequest): Promise<ApiAnswer> {
  const { method, path, bearer, body } = request
  const url = apiUrl.replace(/\/+$/, '') + path
  const wire = { method, url, bearer, etag: null, limit: ANSWER_LIMIT, signal: null }
  try {
    const { status, text } = await exchange(fetch, { ...wire, body: body === undefined ? null : JSON.stringify(body) })
    return { status, body: objectOf(text) }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    throw new AegisError('upstream_unreachable', `${method} ${apiUrl}${path} failed: ${error.message}`, {
      advice: 'check api_url of the credential in aegis.yaml and the network',
      // The agent's own call has not begun.
      data: { sent: false },
    })
  }
}

function objectOf(text: string): JsonObject {
  try {
    const value: Json = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
