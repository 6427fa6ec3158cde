import { AnchorError } from './anchor.ts'

/** What a sink answered; `body` holds at most the bytes asked for. */
export interface HttpAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost']

/** Is this an address to send evidence to: https, or plain http to this machine; without a user name or password? */
export function isSafeAddress(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.includes(url.hostname))
}

/**
 * One POST, no redirects, at most `limit` bytes of the answer.
 * @throws AnchorError `unreachable`
 */
export async function post(
  url: string,
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  limit: number,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  try {
    // A redirect would hand the signed request to an address that nobody configured.
    const response = await fetch(url, { method: 'POST', ...request, redirect: 'error', signal })
    const body = await firstBytes(response, limit)
    return { status: response.status, type: response.headers.get('content-type') ?? '', body }
  } catch (error) {
    // Only where it went: the path of a webhook can be a secret.
    throw new AnchorError('unreachable', `no answer from ${new URL(url).origin}: ${reason(error)}`)
  }
}

async function firstBytes(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    const bytes: Uint8Array = chunk
    chunks.push(bytes)
    length += bytes.length
    if (length >= limit) break
  }
  return Buffer.concat(chunks).subarray(0, limit).toString('utf8')
}

/** `fetch` says only that it failed; its cause says why. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  const { cause } = error
  if (cause instanceof Error && 'code' in cause) return String(cause.code)
  return cause instanceof Error ? cause.message : error.message
}
