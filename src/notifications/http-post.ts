import { type LookupAddress, lookup } from 'node:dns'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { mayReach } from './address.ts'
import { DeliveryError } from './ports.ts'

export interface PostRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Whether the address may be a private one though it is behind a name. */
  readonly privately?: boolean
}

export interface PostAnswer {
  readonly status: number
  /** At most the bytes asked for. */
  readonly body: string
  /** `Retry-After` in milliseconds, where it is given in seconds. */
  readonly wait: number | null
}

/**
 * One POST on a connection of its own. Redirects are not followed: they would hand the request to an address that nobody
 * configured. Reads at most `limit` bytes of the answer.
 * @throws DeliveryError where no answer came, naming the origin only: the path of a webhook can be a secret
 */
export async function post(url: string, request: PostRequest, limit: number, signal: AbortSignal): Promise<PostAnswer> {
  const to = new URL(url)
  const send = to.protocol === 'https:' ? secureRequest : plainRequest
  const { headers, body, privately = false } = request
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sending = send(to, {
        method: 'POST',
        agent: false,
        signal,
        lookup: checkedLookup(mayReach(to.hostname, privately)),
        headers: { 'user-agent': 'aegis-proxy', ...headers, 'content-length': String(Buffer.byteLength(body)) },
      })
      sending.on('response', resolve)
      sending.on('error', reject)
      sending.end(body)
    })
    const text = await firstBytes(response, limit)
    return { status: response.statusCode ?? 0, body: text, wait: waitOf(response.headers['retry-after']) }
  } catch (error) {
    throw new DeliveryError(`no answer from ${to.origin}: ${reasonOf(error, signal)}`)
  }
}

/** Looks a name up as usual and keeps what may be reached: what is checked is what is connected to. */
function checkedLookup(allowed: (address: string) => boolean): LookupFunction {
  return (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, addresses: readonly LookupAddress[] = []) => {
      const good = addresses.filter(({ address }) => allowed(address))
      const [first] = good
      if (error !== null) done(error, '', 0)
      else if (first === undefined) done(new PrivateAddress(), '', 0)
      else if (options.all) done(null, good)
      else done(null, first.address, first.family)
    })
  }
}

class PrivateAddress extends Error {
  override readonly message = 'its name leads to a private address'
}

async function firstBytes(response: IncomingMessage, limit: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response) {
    const bytes: Uint8Array = chunk
    chunks.push(bytes)
    length += bytes.length
    if (length >= limit) break
  }
  response.destroy()
  return Buffer.concat(chunks).subarray(0, limit).toString('utf8')
}

/** Codes and texts of ours only: an error of the client may quote the request. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof PrivateAddress) return error.message
  if (signal.aborted) return 'it took too long'
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}

function waitOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : null
}
