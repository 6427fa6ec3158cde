import { createHmac, timingSafeEqual } from 'node:crypto'

/** How old a request may be, in milliseconds (Slack, "Verifying requests from Slack"). */
const FRESH_MS = 5 * 60_000

/** Why a request is not taken; null where it is Slack's and new. */
export type Refusal = 'unsigned' | 'stale' | 'forged' | 'replayed'

export interface SignedRequest {
  /** `X-Slack-Request-Timestamp`: seconds since the epoch. */
  readonly timestamp: string | undefined
  /** `X-Slack-Signature`: `v0=` and the HMAC-SHA256 in hex over `v0:timestamp:body`. */
  readonly signature: string | undefined
  /** As it came, before anything is decoded. */
  readonly body: Uint8Array
}

/**
 * Checks that requests come from Slack, each once. Only what Slack signed is remembered, for as long as it would be fresh, so
 * that others cannot fill the memory.
 */
export function createSignatureCheck(now: () => number): (request: SignedRequest, secret: string) => Refusal | null {
  const seen = new Map<string, number>()

  function forget(time: number): void {
    for (const [signature, until] of seen) if (until < time) seen.delete(signature)
  }

  return ({ timestamp, signature, body }, secret) => {
    if (timestamp === undefined || signature === undefined || secret === '') return 'unsigned'
    if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return 'forged'
    const time = now()
    const sent = Number(timestamp) * 1000
    if (Math.abs(time - sent) > FRESH_MS) return 'stale'
    const expected = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest()
    if (!timingSafeEqual(expected, Buffer.from(signature.slice(3), 'hex'))) return 'forged'
    forget(time)
    if (seen.has(signature)) return 'replayed'
    seen.set(signature, sent + FRESH_MS)
    return null
  }
}
