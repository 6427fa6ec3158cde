import { AegisError, asAegisError, ERROR_CODES } from '../../core/errors.ts'
import type { Log } from '../../core/runtime.ts'
import { errorText, type RpcId, rpcError } from './rpc.ts'

/** HTTP 406 has no code of its own in the table of errors: it exists at this door only. */
const NOT_ACCEPTABLE = 'accept'

/** An error of ours may be shown; anything else stays in the log, for it may hold what nobody should see. */
export function shown(error: unknown, log: Log): AegisError {
  if (error instanceof AegisError) return error
  log.error({ error: asAegisError(error).message }, 'the MCP entrance failed')
  return new AegisError('internal', 'internal error', { advice: 'see the log of the server' })
}

/** A request that got no further than the transport: an HTTP status, and the same in JSON-RPC words. */
export function failure(error: AegisError, id: RpcId | null): Response {
  const status = error.path === NOT_ACCEPTABLE ? 406 : ERROR_CODES[error.code].http
  return new Response(errorText(id, rpcError(error)), {
    status,
    headers: { 'content-type': 'application/json', ...retryAfter(error) },
  })
}

/** RFC 9110 section 10.2.3, where the error says when to come back. */
function retryAfter({ data }: AegisError): Record<string, string> {
  const seconds = data?.['retry_after']
  return typeof seconds === 'number' ? { 'retry-after': String(Math.ceil(seconds)) } : {}
}

export function notAllowed(): Response {
  return new Response(null, { status: 405, headers: { allow: 'GET, POST, DELETE' } })
}

export function foreignHost(): AegisError {
  return new AegisError('forbidden', 'requests for this Host or from this Origin are not served', {
    advice: 'use 127.0.0.1 or localhost, or add the name to listen.allowed_hosts in aegis.yaml',
  })
}

export function noKey(): AegisError {
  return new AegisError('unauthenticated', 'no valid key', {
    advice: 'send the agent key as Authorization: Bearer KEY, X-Agent-Key: KEY or X-API-Key: KEY',
  })
}

export function noUpstream(name: string, known: readonly { readonly name: string }[]): AegisError {
  const names = known.map((upstream) => upstream.name).join(', ')
  return new AegisError('no_upstream', `no upstream \`${name.slice(0, 64)}\``, {
    advice: names === '' ? 'add one to aegis.yaml' : `the upstreams are ${names}`,
  })
}

export function notAcceptable(types: string): AegisError {
  return new AegisError('invalid_request', 'no answer could have a form this client accepts', {
    path: NOT_ACCEPTABLE,
    advice: `send Accept: ${types}`,
  })
}

export function noSession(): AegisError {
  return new AegisError('not_found', 'no such session', { advice: 'start a new one with initialize' })
}

/** What is under way is finished; nothing new begins. */
export function stopping(): AegisError {
  return new AegisError('unavailable', 'the server is stopping', {
    advice: 'nothing was done: make the same call again in a moment',
    data: { retry_after: 2 },
  })
}

export function noStream(): AegisError {
  return new AegisError('not_found', 'no such session', { advice: 'open a new event stream with GET' })
}

export function sessionNeeded(): AegisError {
  return new AegisError('invalid_request', 'this needs a session', {
    advice: 'send initialize first, then the Mcp-Session-Id it answers with',
  })
}

export function noBatches(): AegisError {
  return new AegisError('invalid_request', 'this revision has no batches', { advice: 'send one message per request' })
}

export function noLabel(): AegisError {
  return new AegisError('invalid_request', 'X-Aegis-Session is no session label', {
    advice: 'use 1 to 128 letters, digits and . _ : - , starting with a letter or digit',
  })
}
