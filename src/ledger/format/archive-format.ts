import type { EvidenceBundle } from './bundle-format.ts'

/** The first line's `format`. */
export const ARCHIVE_FORMAT = 'aegis-evidence-archive/1'

/**
 * The first line of an archive. The lines after it hold the bundles of closed sessions and the rest of the rows `from` to `to`
 * (exclusive): with the frontier at `from` they give the root at `to`, which is consistent with a signed checkpoint. So an
 * archive proves by itself that it holds all of these rows, and that they are those of the log. Hashes are base64.
 */
export interface ArchiveHeader {
  readonly format: typeof ARCHIVE_FORMAT
  readonly origin: string
  /** Sessions that ended before this time, RFC 3339. */
  readonly before: string
  readonly from: number
  readonly to: number
  readonly frontier: readonly string[]
  readonly checkpoint: string
  readonly consistency: readonly string[]
}

/** A row that is in no bundle: a leaf of the log itself, or of a session whose beginning an earlier archive holds. */
export interface ArchivedRow {
  readonly n: number
  readonly body: string
}

/** One line of an archive, in this order: the header, bundles, rows, the end. */
export type ArchiveLine =
  | ArchiveHeader
  | { readonly bundle: EvidenceBundle }
  | { readonly row: ArchivedRow }
  | { readonly end: { readonly bundles: number; readonly rows: number } }
