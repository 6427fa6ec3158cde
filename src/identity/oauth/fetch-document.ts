import { AegisError } from '../../core/errors.ts'
import { isObject, type JsonObject } from '../../core/json.ts'
import { decodeUtf8Strict, parseStrict } from '../../core/strict-json.ts'

/** Milliseconds an issuer may take to answer. */
const TIMEOUT_MS = 5_000
/** Bytes: the largest key sets in the wild have some ten kilobytes. */
const MAX_BYTES = 256 * 1024

export interface IssuerAnswer {
  readonly status: number
  readonly document: JsonObject
}

/**
 * A JSON document of an issuer.
 * @param timeout milliseconds it may take
 * @throws AegisError `unavailable` naming the address and what was wrong.
 */
export async function fetchDocument(address: string, timeout = TIMEOUT_MS): Promise<JsonObject> {
  return (await ask(address, {}, [200], timeout)).document
}

/**
 * The answer of an issuer's endpoint to a form; a refusal (RFC 6749 section 5.2) is an answer.
 * @throws AegisError `unavailable` naming the address and what was wrong.
 */
export function postForm(
  address: string,
  form: URLSearchParams,
  headers: Readonly<Record<string, string>>,
): Promise<IssuerAnswer> {
  return ask(address, { method: 'POST', body: form, headers }, [200, 400, 401, 403])
}

/** Bounded in time and size, parsed strictly. Redirects are not followed: they would take us to addresses that nobody has configured. */
async function ask(
  address: string,
  request: RequestInit,
  expected: readonly number[],
  timeout = TIMEOUT_MS,
): Promise<IssuerAnswer> {
  try {
    const response = await fetch(address, {
      ...request,
      redirect: 'error',
      headers: { ...request.headers, accept: 'application/json' },
      signal: AbortSignal.timeout(timeout),
    })
    if (!expected.includes(response.status)) {
      await response.body?.cancel()
      throw new Error(`it answered ${response.status}`)
    }
    const document = parseStrict(decodeUtf8Strict(await boundedBytes(response.body)))
    if (!isObject(document)) throw new Error('it is no JSON object')
    return { status: response.status, document }
  } catch (cause) {
    throw new AegisError('unavailable', `${address} cannot be used: ${reasonOf(cause)}`, {
      advice:
        'see whether this machine reaches that address (name, proxy, certificate), and whether it is the right one',
      cause,
    })
  }
}

async function boundedBytes(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > MAX_BYTES) throw new Error(`it is over ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** `fetch` says no more than "fetch failed"; what happened is its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return error.cause instanceof Error ? error.cause.message : error.message
}
