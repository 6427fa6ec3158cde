import type { Approval } from '../core/approval.ts'
import { type EnvelopeId, parseEnvelopeId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { textMember } from '../core/json.ts'
import type { LedgerReader } from '../ledger/store.ts'
import { happeningOf } from './events.ts'
import type { Delivery, Notice } from './ports.ts'

/** Reads what a delivery is about; null where the log no longer holds it. */
export type ReadNotice = (delivery: Delivery) => Promise<Notice | null>

export function createNotices(parts: {
  readonly reader: Pick<LedgerReader, 'entry' | 'payloads'>
  readonly approval: (id: EnvelopeId) => Promise<Approval | null>
}): ReadNotice {
  const { reader, approval } = parts
  return async ({ n, event, endpoint, id }) => {
    const entry = await reader.entry(n)
    const happening = entry === null ? null : happeningOf(entry)
    if (entry === null || happening === null) return null
    const { body, at } = happening
    const env = parseEnvelopeId(textMember(body, 'env') ?? '')
    const about = env === null ? null : await approval(env)
    // Settled meanwhile: there is nothing to be reminded of.
    if (event === 'reminder' && about?.status !== 'pending') return null
    return {
      id: id.slice(endpoint.length + 1),
      event,
      n,
      hash: entry.hash,
      at,
      body,
      approval: about,
      values: valuesOf(await reader.payloads(n)),
    }
  }
}

function valuesOf(payloads: Awaited<ReturnType<LedgerReader['payloads']>>): JsonObject {
  const values: Record<string, Json> = {}
  for (const { path, value } of payloads) {
    try {
      values[path] = JSON.parse(Buffer.from(value).toString('utf8'))
    } catch {
      // What is no JSON was not committed so: verify tells of it, nobody is told it here.
    }
  }
  return values
}
