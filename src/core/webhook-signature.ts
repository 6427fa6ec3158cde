import { createHmac } from 'node:crypto'

/** What a signature covers. */
export interface SignedMessage {
  /** Stays the same when the message is sent again, so that receivers can drop doubles. Without a full stop, which joins the parts that are signed. */
  readonly id: string
  /** Of this sending, in milliseconds since the epoch: receivers refuse what is older than some minutes. */
  readonly at: number
  readonly body: string
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const PREFIX = 'whsec_'

/**
 * The headers `webhook-id`, `webhook-timestamp` (seconds since the epoch) and `webhook-signature` (`v1,` and the HMAC-SHA256 in
 * base64 over id, timestamp and body, joined by full stops).
 * Source: Standard Webhooks, "Signature scheme" (symmetric). With several keys, as while one replaces another, there is a
 * signature for each, separated by a space.
 */
export function webhookHeaders({ id, at, body }: SignedMessage, keys: readonly Uint8Array[]): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000))
  const sign = (key: Uint8Array) => createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': keys.map((key) => `v1,${sign(key)}`).join(' '),
  }
}

/**
 * The keys in a secret's text, one a line, the newest first: `whsec_` and base64 as Standard Webhooks writes them, or any other
 * text, whose bytes are the key. Empty where a `whsec_` is not followed by base64, for a key that only we would know signs nothing.
 */
export function webhookKeys(secret: string): readonly Uint8Array[] {
  const lines = secret
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.some((line) => line.startsWith(PREFIX) && !BASE64.test(line.slice(PREFIX.length)))) return []
  return lines.map((line) =>
    line.startsWith(PREFIX) ? Buffer.from(line.slice(PREFIX.length), 'base64') : Buffer.from(line, 'utf8'),
  )
}
