/** The world, as arguments: `compose.ts` passes the real ones, tests pass frozen ones. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. A claim: order in the ledger comes from `seq` and `n`, never from here. */
  now(): number
  /** Monotonic milliseconds, for durations only. */
  elapsed(): number
}

export interface Random {
  bytes(count: number): Uint8Array
}

/** Structured log. Fields must never hold a secret: no type that reaches a log has a field for a token. */
export interface Log {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

/** RFC 3339 with milliseconds, UTC: `2026-04-06T14:22:00.000Z`. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
