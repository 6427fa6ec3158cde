import { AegisError } from '../core/errors.ts'

export type Fetch = typeof globalThis.fetch

/** GitHub's API version that the shapes here are read by. */
const API_VERSION = '2022-11-28'
/** One request may take this many milliseconds, its answer included, whatever its caller would wait. */
const TIME_LIMIT_MS = 10_000
/** Refusals are short; of a longer one only the status counts. */
const REFUSAL_LIMIT = 64 * 1024

export interface Wire {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly bearer: string
  readonly etag: string | null
  readonly body: string | null
  /** Bytes of the answer's body, unpacked. */
  readonly limit: number
  readonly signal: AbortSignal | null
}

export interface WireAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Why there is no answer. `sent`: whether the request may have reached GitHub. Holds nothing of the request. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly sent: boolean
  constructor(reason: string, sent: boolean) {
    super(reason)
    this.sent = sent
  }
}

/**
 * One request and its whole answer, redirects not followed: they would carry the token to wherever they point.
 * @throws NoAnswer, or the AegisError that `fetch` itself threw, without a cause: errors of HTTP clients hold the request, and with it the Authorization header.
 */
export async function exchange(fetch: Fetch, wire: Wire): Promise<WireAnswer> {
  const limit = AbortSignal.timeout(TIME_LIMIT_MS)
  const signal = wire.signal === null ? limit : AbortSignal.any([wire.signal, limit])
  let sent = false
  try {
    const response = await fetch(wire.url, {
      method: wire.method,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${wire.bearer}`,
        'user-agent': 'aegis-proxy',
        'x-github-api-version': API_VERSION,
        ...(wire.etag === null ? {} : { 'if-none-match': wire.etag }),
        ...(wire.body === null ? {} : { 'content-type': 'application/json' }),
      },
      ...(wire.body === null ? {} : { body: wire.body }),
      redirect: 'manual',
      signal,
    })
    sent = true
    const { status, headers } = response
    return { status, headers, text: await bodyOf(response, wire.limit) }
  } catch (error) {
    // Of our own making (the credential could not be had): it says more than "no answer", and holds no secret.
    if (error instanceof AegisError) throw error
    const reason = limit.aborted ? `no answer in ${TIME_LIMIT_MS / 1000} s` : reasonOf(error)
    throw new NoAnswer(reason, sent || !neverSent(error))
  }
}

async function bodyOf(response: Response, limit: number): Promise<string> {
  const fine = response.status < 300
  const most = fine ? limit : Math.min(limit, REFUSAL_LIMIT)
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > most) {
      if (fine) throw new TooLong(`the answer is longer than ${most} bytes`)
      return ''
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

class TooLong extends Error {}

/** Failures of a connection that was never made. */
const UNCONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

function neverSent(error: unknown): boolean {
  return UNCONNECTED.has(codeOf(error) ?? '')
}

/** Names and codes only: messages of `fetch` may quote a header it did not like. */
function reasonOf(error: unknown): string {
  if (error instanceof TooLong) return error.message
  if (!(error instanceof Error)) return 'unknown reason'
  return codeOf(error) ?? (error.name === 'AbortError' ? 'nobody waits for it any more' : error.name)
}

function codeOf(error: unknown): string | null {
  const cause = error instanceof Error ? error.cause : null
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null
}
