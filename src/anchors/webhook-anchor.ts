import { createHmac } from 'node:crypto'
import { type Anchor, AnchorError } from './anchor.ts'
import { post } from './http-post.ts'

const ANSWER_BYTES = 1024

export interface WebhookParts {
  /** https, or http on loopback. */
  readonly url: string
  /** The key of the signature, read anew for each request, so that it can be changed without a restart. @throws where it cannot be read */
  readonly secret: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Posts `{"type":"checkpoint","size":..,"root":"<base64>","note":".."}` with `X-Aegis-Timestamp` (seconds since the epoch) and
 * `X-Aegis-Signature`: `sha256=` and the HMAC-SHA256 in hex over timestamp, `.` and body. Receipt: the answer's status and
 * its first KiB, as JSON.
 */
export function webhookAnchor(name: string, { url, secret, now }: WebhookParts): Anchor {
  return {
    name,
    kind: 'webhook',
    async submit({ size, root, note }, _prove, signal) {
      const body = JSON.stringify({ type: 'checkpoint', size, root: Buffer.from(root).toString('base64'), note })
      const timestamp = String(Math.floor(now() / 1000))
      const headers = {
        'content-type': 'application/json',
        'x-aegis-timestamp': timestamp,
        'x-aegis-signature': `sha256=${sign(secret, timestamp, body)}`,
      }
      const answer = await post(url, { headers, body }, ANSWER_BYTES, signal)
      if (answer.status < 200 || answer.status > 299) {
        throw new AnchorError('refused', `it answered with status ${answer.status}`)
      }
      return JSON.stringify({ status: answer.status, body: answer.body })
    },
  }
}

function sign(secret: () => string, timestamp: string, body: string): string {
  let key: string
  try {
    key = secret().trim()
  } catch (error) {
    // Not its cause: what reads a secret may quote it.
    throw new AnchorError('unreachable', error instanceof Error ? error.message : 'its secret cannot be read')
  }
  if (key === '') throw new AnchorError('unreachable', 'its secret is empty')
  return createHmac('sha256', key).update(`${timestamp}.${body}`).digest('hex')
}
