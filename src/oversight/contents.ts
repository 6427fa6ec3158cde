import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { hasRole } from '../identity/keyring.ts'
import type { KeyRecord } from '../identity/ports.ts'
import { COMMITTED, type Committed } from '../ledger/draft.ts'
import type { LedgerReader, StoredEntry, StoredPayload } from '../ledger/store.ts'

/** An entry with what it says and, where they were neither erased nor withheld, the values it commits to. */
export interface OpenedEntry {
  readonly n: number
  readonly hash: string
  readonly kind: string
  readonly env: string
  readonly session: string
  /** RFC 3339. */
  readonly ts: string
  readonly body: JsonObject
  readonly values: Readonly<Partial<Record<Committed, Json>>>
}

/** Reading the committed values that lie beside the entries. */
export interface ContentDesk {
  /**
   * Entries in the order given, opened; those of others are left out for an agent, as are leaves of the log itself.
   * @param kinds of entries whose values are read; all where absent
   */
  open(who: KeyRecord, entries: readonly StoredEntry[], kinds?: ReadonlySet<string>): Promise<readonly OpenedEntry[]>
  /** All entries of one action, oldest first; none where it is another agent's. */
  action(who: KeyRecord, envelope: string): Promise<readonly OpenedEntry[]>
}

type Reader = Pick<LedgerReader, 'payloads' | 'byEnvelope'>

export function createContentDesk({ reader }: { readonly reader: Reader }): ContentDesk {
  const open: ContentDesk['open'] = async (who, entries, kinds) => {
    const all = hasRole(who, 'viewer')
    const seen = entries.filter(({ session }) => session !== null && (all || session.startsWith(`${who.id}/`)))
    return Promise.all(
      seen.map(async (entry) => {
        const wanted = kinds === undefined || kinds.has(entry.kind)
        return opened(entry, wanted ? await reader.payloads(entry.n) : [])
      }),
    )
  }

  return {
    open,
    action: async (who, envelope) => open(who, await reader.byEnvelope(envelope)),
  }
}

function opened(entry: StoredEntry, payloads: readonly StoredPayload[]): OpenedEntry {
  const { n, hash, kind, env, session, ts, body } = entry
  const values: Partial<Record<Committed, Json>> = {}
  for (const { path, value } of payloads) {
    const known = COMMITTED.find((one) => one === path)
    const parsed = parsedJson(value)
    if (known !== undefined && parsed !== undefined) values[known] = parsed
  }
  const read = parsedJson(body)
  return {
    ...{ n, hash, kind, values },
    env: env ?? '',
    session: session ?? '',
    ts: ts ?? '',
    body: isObject(read) ? read : {},
  }
}

/** Undefined where the stored bytes are no JSON: `verify` is who says so aloud. */
function parsedJson(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
