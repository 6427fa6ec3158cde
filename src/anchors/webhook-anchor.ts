import { webhookHeaders, webhookKeys } from '../core/webhook-signature.ts'
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
 * Posts `{"type":"checkpoint","size":..,"root":"<base64>","note":".."}`, signed as all webhooks of the house are (Standard Webhooks);
 * `webhook-id` is `checkpoint-<size>`. Receipt: the answer's status and its first KiB, as JSON.
 */
export function webhookAnchor(name: string, { url, secret, now }: WebhookParts): Anchor {
  return {
    name,
    kind: 'webhook',
    async submit({ size, root, note }, _prove, signal) {
      const body = JSON.stringify({ type: 'checkpoint', size, root: Buffer.from(root).toString('base64'), note })
      const signed = webhookHeaders({ id: `checkpoint-${size}`, at: now(), body }, keysOf(secret))
      const headers = { 'content-type': 'application/json', ...signed }
      const answer = await post(url, { headers, body }, ANSWER_BYTES, signal)
      if (answer.status < 200 || answer.status > 299) {
        throw new AnchorError('refused', `it answered with status ${answer.status}`)
      }
      return JSON.stringify({ status: answer.status, body: answer.body })
    },
  }
}

function keysOf(secret: () => string): readonly Uint8Array[] {
  let text: string
  try {
    text = secret()
  } catch (error) {
    // Not its cause: what reads a secret may quote it.
    throw new AnchorError('unreachable', error instanceof Error ? error.message : 'its secret cannot be read')
  }
  const keys = webhookKeys(text)
  if (keys.length === 0) throw new AnchorError('unreachable', 'its secret is empty, or no base64 after `whsec_`')
  return keys
}
