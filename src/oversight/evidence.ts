import { AegisError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { EvidenceBundle } from '../ledger/bundle/bundle.ts'
import type { Envelope } from '../ledger/bundle/statement.ts'
import type { LedgerOperations } from '../ledger/ledger.ts'
import type { ScrubState } from '../ledger/signing/scrubber.ts'
import type {
  EntryFilter,
  LedgerReader,
  LegalHold,
  SessionSummary,
  StoredCheckpoint,
  StoredEntry,
} from '../ledger/store.ts'
import type { VerifyReport } from '../ledger/verify/report.ts'
import type { Cursors } from '../search/index.ts'
import { demand, onlyOwn } from './rights.ts'
import { resolveSession } from './sessions.ts'

/** Reading what happened. An agent reads its own sessions, a viewer all. A session is named by its id or by its label. */
export interface EvidenceDesk {
  /** Most recently written first. */
  sessions(who: KeyRecord, limit: number): Promise<readonly SessionSummary[]>
  /** The same in pages. One that is written to while somebody turns them moves to the first. @throws AegisError `invalid_request` */
  sessionPage(
    who: KeyRecord,
    at: { readonly first: number; readonly after: string | null },
  ): Promise<{
    readonly sessions: readonly SessionSummary[]
    readonly more: boolean
    /** The cursor to go on after one of them. */
    readonly cursorOf: (session: SessionSummary) => string
  }>
  /** One of them. @throws AegisError `not_found`, `conflict` where several have this label */
  summary(who: KeyRecord, session: string): Promise<SessionSummary>
  /** The full id of what a text names. @throws AegisError `not_found`, `conflict` where several have this label */
  session(who: KeyRecord, text: string): Promise<string>
  /** Newest first, without the leaves of the log itself. @throws AegisError `forbidden` for an agent that names no session */
  entries(who: KeyRecord, filter: EntryFilter): Promise<readonly StoredEntry[]>
  /** @throws AegisError `not_found` */
  verify(who: KeyRecord, session: string): Promise<VerifyReport>
  /** What an auditor needs. @throws AegisError `not_found` */
  export(who: KeyRecord, session: string): Promise<EvidenceBundle>
  /** @throws AegisError `not_found` */
  statement(who: KeyRecord, session: string): Promise<Envelope>
  /** A session as a page for people: HTML without a script, the bundle in it. @throws AegisError `not_found` */
  report(who: KeyRecord, session: string): Promise<string>
  /** For everybody with a key: whoever holds an old checkpoint can prove that the log only grew. */
  checkpoint(): Promise<StoredCheckpoint>
  /** For viewers. */
  anchors(who: KeyRecord): Promise<readonly JsonObject[]>
  /** How far what is stored was hashed again; null where the log is unsigned. For viewers. */
  scrubbed(who: KeyRecord): Promise<ScrubState | null>
  /** Sessions that may not be pruned. For viewers. */
  holds(who: KeyRecord): Promise<readonly LegalHold[]>
  /** For administrators: hands the signing over to a new key. */
  rotateLogKey(who: KeyRecord): Promise<{ readonly checkpoint: StoredCheckpoint; readonly vkey: string }>
  readonly origin: string
}

export interface EvidenceParts {
  readonly cursors: Cursors
  readonly ledger: LedgerOperations
  readonly reader: LedgerReader
  /** Where checkpoints were taken to, and how far behind each place is. */
  readonly anchorStatus: () => Promise<JsonObject[]>
  readonly scrubbed: () => Promise<ScrubState | null>
  /** A session as a page for people, HTML. */
  readonly sessionReport: (session: string) => Promise<string>
  /** Hands the signing over to a new key. */
  readonly rotateLogKey: () => Promise<{ readonly checkpoint: StoredCheckpoint; readonly vkey: string }>
}

export function createEvidenceDesk(parts: EvidenceParts): EvidenceDesk {
  const { ledger, reader, cursors, anchorStatus, rotateLogKey } = parts
  const named = (who: KeyRecord, session: string) => resolveSession(reader, session, who)

  return {
    origin: ledger.origin,
    session: named,
    sessions: (who, limit) => reader.sessions(limit, onlyOwn(who).principal),

    async sessionPage(who, { first, after }) {
      const { principal } = onlyOwn(who)
      const list = `sessions ${principal ?? ''}`
      const choice = after === null ? {} : { before: Number(cursors.open(list, after)) }
      const found = await reader.sessions(first + 1, principal, choice)
      const cursorOf = ({ lastN }: SessionSummary) => cursors.seal(list, String(lastN))
      return { sessions: found.slice(0, first), more: found.length > first, cursorOf }
    },

    async summary(who, text) {
      const session = await named(who, text)
      const [found] = await reader.sessions(1, undefined, { session })
      // Of a session without its head row nobody can say more than that verification fails.
      if (found === undefined) throw new AegisError('not_found', `no session ${JSON.stringify(text.slice(0, 160))}`)
      return found
    },

    async entries(who, { session, ...filter }) {
      if (session === undefined) demand(who, 'viewer')
      const within = session === undefined ? {} : { session: await named(who, session) }
      return (await reader.list({ ...filter, ...within })).filter((entry) => entry.session !== null)
    },

    verify: async (who, session) => ledger.verify(await named(who, session)),
    export: async (who, session) => ledger.export(await named(who, session)),
    statement: async (who, session) => ledger.statement(await named(who, session)),
    report: async (who, session) => parts.sessionReport(await named(who, session)),
    checkpoint: () => ledger.sign(),

    async anchors(who) {
      demand(who, 'viewer')
      return anchorStatus()
    },

    async scrubbed(who) {
      demand(who, 'viewer')
      return parts.scrubbed()
    },

    async holds(who) {
      demand(who, 'viewer')
      return reader.holds()
    },

    async rotateLogKey(who) {
      demand(who, 'admin')
      return rotateLogKey()
    },
  }
}
