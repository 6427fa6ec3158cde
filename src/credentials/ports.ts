import type { Repository } from '../core/envelope.ts'
import type { EnvelopeId } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { GrantRecord } from '../ledger/draft.ts'

/** The permission asked for one call. */
export interface GrantRequest {
  readonly envelope: EnvelopeId
  /** Name of the credential in `aegis.yaml`. */
  readonly credential: string
  /** Canonical tool; decides the permissions by the table in `scope.ts`. A tool the table lacks gets no token. */
  readonly tool: string
  /** Of a tool that does several things, as the catalog read it; absent: as it stands in the parameters. */
  readonly method?: string | undefined
  readonly parameters: JsonObject
  /** Paths that the call changes and its parameters do not name: the files of the pull request it merges. */
  readonly paths?: readonly string[] | undefined
  /** A person approved exactly this action: some permissions are lent for nothing less. */
  readonly approved: boolean
  readonly repository: Repository | null
}

/** The secret itself. Given to a callback only; has no JSON form and no text form. */
export interface Credential {
  /** The token, for the one place that puts it on the wire. */
  reveal(): string
  /** The API that issued it, where one did: it may be sent there and nowhere else. */
  readonly apiUrl?: string
}

export interface CredentialBroker {
  /**
   * Mints a credential, gives it to `use`, and ends it when `use` is done (in the background: revoking never delays the answer).
   * `use` gets the printable record too, so that a call which fails midway can still say what was lent to it.
   * Where the value or error of `use` repeats the secret, it is replaced by `[credential]`.
   * @throws AegisError with `data.sent` false where no credential was lent, so nothing was sent: `upstream_unreachable` (not
   *   minted), `forbidden` (the tool or its repository allows no narrow token), `evidence_unavailable` (its end could not be queued).
   */
  lend<T>(
    request: GrantRequest,
    use: (credential: Credential, grant: GrantRecord) => Promise<T>,
  ): Promise<{ value: T; grant: GrantRecord }>
}

/** A token that must still be revoked; sealed (AES-256-GCM) at rest. Times in milliseconds since the epoch. */
export interface PendingRevocation {
  readonly id: string
  readonly sealed: Uint8Array
  /** Base URL of the API that issued it. */
  readonly apiUrl: string
  readonly tokenSha256: string
  readonly scope: string
  readonly envelope: EnvelopeId
  readonly issuedAt: number
  /** Revoke not later than this. */
  readonly deadline: number
  readonly attempts: number
  readonly nextAttemptAt: number
}

/** The durable queue: a row stands from before the token is used until GitHub has confirmed that it is gone. */
export interface RevocationStore {
  enqueue(row: PendingRevocation): Promise<void>
  due(now: number, limit: number): Promise<readonly PendingRevocation[]>
  reschedule(id: string, attempts: number, nextAttemptAt: number): Promise<void>
  done(id: string): Promise<void>
  count(): Promise<number>
}
