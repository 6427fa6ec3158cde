import type { Approval } from '../core/approval.ts'
import { type EnvelopeId, parseEnvelopeId } from '../core/ids.ts'
import { type Json, type JsonObject, textMember } from '../core/json.ts'
import { parseObject } from '../ledger/format/body.ts'
import type { LedgerReader, StoredEntry } from '../ledger/store.ts'
import { happeningOf } from './events.ts'
import type { Delivery, Notice } from './ports.ts'

/** Reads what a delivery is about; null where the log no longer holds it, or nobody needs to hear of it any more. */
export type ReadNotice = (delivery: Delivery) => Promise<Notice | null>

type Reader = Pick<LedgerReader, 'entry' | 'payloads' | 'byEnvelope'>

export function createNotices(parts: {
  readonly reader: Reader
  readonly approval: (id: EnvelopeId) => Promise<Approval | null>
}): ReadNotice {
  const { reader, approval } = parts
  return async ({ n, event, endpoint, id }) => {
    const entry = await reader.entry(n)
    const happening = entry === null ? null : happeningOf(entry)
    if (entry === null || happening === null) return null
    const { body, at } = happening
    const intent = event === 'result' ? await intentOf(reader, entry) : null
    const asked = parseEnvelopeId(textMember(intent?.body ?? body, intent === null ? 'env' : 'ref') ?? '')
    const about = asked === null ? null : await approval(asked)
    // Settled meanwhile: there is nothing to be reminded of.
    if (event === 'reminder' && about?.status !== 'pending') return null
    const values = valuesOf(await reader.payloads(n))
    return { id: id.slice(endpoint.length + 1), event, n, hash: entry.hash, at, body, approval: about, values, intent }
  }
}

async function intentOf(reader: Reader, { env }: StoredEntry): Promise<Notice['intent']> {
  const entries = env === null ? [] : await reader.byEnvelope(env)
  const entry = entries.find(({ kind }) => kind === 'allow' || kind === 'rewrite')
  const body = entry === undefined ? null : parseObject(Buffer.from(entry.body).toString('utf8'))
  return entry === undefined || body === null ? null : { body, values: valuesOf(await reader.payloads(entry.n)) }
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
