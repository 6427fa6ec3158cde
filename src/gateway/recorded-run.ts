import type { Approval } from '../core/approval.ts'
import { isObject, type JsonObject, textMember } from '../core/json.ts'
import { parseObject } from '../ledger/format/body.ts'
import type { LedgerReader, StoredEntry } from '../ledger/store.ts'

/** What the evidence says of the call that an approval was used for. */
export type RecordedRun =
  /** Allowed, and no result yet. */
  | { readonly status: 'open' }
  /** `status` of the result entry, such as `ok`, `error`, `unknown`; `label` a short name of what came of it. */
  | { readonly status: 'closed'; readonly result: string; readonly label: string | null }
  /** The gateway stopped in the middle of it. */
  | { readonly status: 'orphan' }
  /** It ran in another session, or too long ago to be looked for. */
  | { readonly status: 'elsewhere' }

/** Entries of the session looked at for the one that used the approval, newest first. */
const LOOKED_AT = 1_000

/** Reads it from the chain of the session that asked, which is where a task runs. */
export function createRecordedRun(reader: Pick<LedgerReader, 'list' | 'byEnvelope'>) {
  return async (approval: Pick<Approval, 'id' | 'session'>): Promise<RecordedRun> => {
    const allowed = await reader.list({ session: approval.session, kind: 'allow', limit: LOOKED_AT })
    const used = allowed.find((entry) => bodyOf(entry)?.['ref'] === approval.id)
    if (used?.env === undefined || used.env === null) return { status: 'elsewhere' }
    const entries = await reader.byEnvelope(used.env)
    const last = entries.at(-1)
    if (last?.kind === 'orphan') return { status: 'orphan' }
    if (last?.kind !== 'result') return { status: 'open' }
    const outcome = bodyOf(last)?.['outcome']
    const said = isObject(outcome) ? outcome : {}
    return {
      status: 'closed',
      result: textMember(said, 'status') ?? 'unknown',
      label: textMember(said, 'label') ?? null,
    }
  }
}

function bodyOf({ body }: StoredEntry): JsonObject | null {
  return parseObject(Buffer.from(body).toString('utf8'))
}
