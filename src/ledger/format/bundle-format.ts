/** Bundles are written in this format. */
export const BUNDLE_FORMAT = 'aegis-evidence-bundle/2'
/** What was written before the log was signed: read, and worth what an unsigned bundle is worth. */
export const UNSIGNED_FORMAT = 'aegis-evidence-bundle/1'

/** One entry in a bundle: the hashed text itself, as a JSON string, so that pretty-printers cannot touch it. */
export interface BundleEntry {
  readonly n: number
  readonly body: string
  readonly hash: string
  /** That its leaf is in the signed log (c2sp.org/tlog-proof): in a partial bundle of each, else at most of the last. */
  readonly proof?: string
}

/** A session's manifest: `n` is its leaf in the log, null where the bundle was made without writing to the log. */
export interface BundleManifest {
  readonly n: number | null
  readonly body: string
  readonly hash: string
}

/** A committed value laid open: `salt` is 64 hex digits, `value` the canonical JSON text. */
export interface Disclosure {
  readonly n: number
  readonly path: string
  readonly salt: string
  readonly value: string
}

/** An `erase` leaf: why values are missing for good. The proof is null where the log is unsigned. */
export interface BundleErasure {
  readonly n: number
  readonly body: string
  readonly proof: string | null
}

/** What an anchor or a witness answered to the checkpoint of this size; `note` is that checkpoint where no proof holds it. */
export interface BundleReceipt {
  readonly sink: string
  readonly size: number
  readonly receipt: string
  readonly note?: string
}

/** The file one hands to an auditor. Verify believes none of it: it recomputes. */
export interface EvidenceBundle {
  readonly format: typeof BUNDLE_FORMAT | typeof UNSIGNED_FORMAT
  readonly origin: string
  readonly session: string
  /** True where these are some of the session's entries, each with a proof of its own. */
  readonly partial?: true
  readonly entries: readonly BundleEntry[]
  readonly manifest: BundleManifest
  /** That the manifest's leaf is in the signed log, with the checkpoint (c2sp.org/tlog-proof); null where it is not (yet). */
  readonly proof: string | null
  readonly receipts: readonly BundleReceipt[]
  readonly disclosures: readonly Disclosure[]
  readonly erasures: readonly BundleErasure[]
  /** Hints for people, never trusted: whoever forges a bundle writes their own. */
  readonly keys: readonly string[]
}
