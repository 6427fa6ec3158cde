/** One entry in a bundle: the hashed text itself, as a JSON string, so that pretty-printers cannot touch it. */
export interface BundleEntry {
  readonly n: number
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

export const BUNDLE_FORMAT = 'aegis-evidence-bundle/1'

/** The file one hands to an auditor. Everything but `view` is checked by verify; `view` is for people only. */
export interface EvidenceBundle {
  readonly format: typeof BUNDLE_FORMAT
  readonly origin: string
  readonly session: string
  readonly entries: readonly BundleEntry[]
  readonly manifest: { readonly n: number | null; readonly body: string; readonly hash: string }
  readonly disclosures: readonly Disclosure[]
}
