/**
 * Every error that leaves the house, in one table: JSON-RPC code, HTTP status, exit status of the commands.
 * JSON-RPC codes: -32700..-32600 by JSON-RPC 2.0; -32000..-32010 ours (README, "Refusals"); -32020..-32022 by MCP 2026-07-28
 * ("Error Codes").
 */
export const ERROR_CODES = {
  parse_error: { rpc: -32700, http: 400, exit: 2 },
  invalid_request: { rpc: -32600, http: 400, exit: 2 },
  method_not_found: { rpc: -32601, http: 404, exit: 2 },
  invalid_params: { rpc: -32602, http: 400, exit: 2 },
  internal: { rpc: -32603, http: 500, exit: 3 },
  upstream_unreachable: { rpc: -32000, http: 502, exit: 3 },
  blocked: { rpc: -32001, http: 403, exit: 1 },
  approval_required: { rpc: -32002, http: 202, exit: 1 },
  no_upstream: { rpc: -32003, http: 404, exit: 2 },
  header_mismatch: { rpc: -32020, http: 400, exit: 2 },
  missing_capability: { rpc: -32021, http: 400, exit: 2 },
  unsupported_version: { rpc: -32022, http: 400, exit: 2 },
  unavailable: { rpc: -32000, http: 503, exit: 3 },
  evidence_unavailable: { rpc: -32010, http: 503, exit: 3 },
  unauthenticated: { rpc: -32600, http: 401, exit: 3 },
  forbidden: { rpc: -32600, http: 403, exit: 1 },
  not_found: { rpc: -32600, http: 404, exit: 2 },
  conflict: { rpc: -32600, http: 409, exit: 1 },
  too_large: { rpc: -32600, http: 413, exit: 2 },
  unsupported_media_type: { rpc: -32600, http: 415, exit: 2 },
  too_many: { rpc: -32000, http: 429, exit: 3 },
  approval_spent: { rpc: -32002, http: 409, exit: 1 },
  config: { rpc: -32603, http: 500, exit: 2 },
  cannot_decide: { rpc: -32603, http: 500, exit: 3 },
} as const satisfies Record<string, { rpc: number; http: number; exit: number }>

export type ErrorCode = keyof typeof ERROR_CODES

/** An error with a code, a message that names the cause, and where it helps advice and the place to mend. Holds no secret. */
export class AegisError extends Error {
  override readonly name = 'AegisError'
  readonly code: ErrorCode
  /** What to do about it, one sentence. */
  readonly advice: string | null
  /** The member, file or line at fault, such as `parameters.title` or `aegis.yaml:12:3`. */
  readonly path: string | null
  /** Structured detail for the wire's `data`. */
  readonly data: Readonly<Record<string, unknown>> | null

  constructor(
    code: ErrorCode,
    message: string,
    more: { advice?: string; path?: string; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.advice = more.advice ?? null
    this.path = more.path ?? null
    this.data = more.data ?? null
  }
}

export function asAegisError(error: unknown): AegisError {
  if (error instanceof AegisError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new AegisError('internal', message, { cause: error })
}
