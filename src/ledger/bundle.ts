import { AegisError } from '../core/errors.ts'
import type { EntryBody } from './body.ts'
import { sessionManifest } from './session-manifest.ts'
import type { LedgerReader } from './store.ts'
import { createSessionVerifier, type Opening, type VerifyReport } from './verify.ts'

export const BUNDLE_FORMAT = 'aegis-evidence-bundle/1'

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

/** The file one hands to an auditor. Verify believes none of it: it recomputes. */
export interface EvidenceBundle {
  readonly format: typeof BUNDLE_FORMAT
  readonly origin: string
  readonly session: string
  readonly entries: readonly BundleEntry[]
  /** `n` is the manifest's leaf in the log, null where the bundle was made without writing to it. */
  readonly manifest: { readonly n: number | null; readonly body: string; readonly hash: string }
  readonly disclosures: readonly Disclosure[]
}

/**
 * Gathers a session out of a snapshot. Values at the paths in `redact` are withheld; their commitments stay.
 * @throws AegisError `not_found`
 */
export async function buildBundle(
  reader: LedgerReader,
  session: string,
  redact: readonly string[],
): Promise<EvidenceBundle> {
  const log = await reader.head()
  const head = await reader.session(session)
  const manifest = await sessionManifest(reader, session, head?.status === 'closed')
  if (log === null || manifest === null) throw new AegisError('not_found', `no session ${session} in this log`)
  const entries: BundleEntry[] = []
  const disclosures: Disclosure[] = []
  for await (const page of reader.sessionEntries(session)) {
    for (const { entry, payloads } of page) {
      entries.push({ n: entry.n, body: utf8(entry.body), hash: entry.hash })
      for (const { n, path, salt, value } of payloads) {
        if (redact.includes(path)) continue
        disclosures.push({ n, path, salt: Buffer.from(salt).toString('hex'), value: utf8(value) })
      }
    }
  }
  const { storedN: n, text: body, hash } = manifest
  return { format: BUNDLE_FORMAT, origin: log.origin, session, entries, manifest: { n, body, hash }, disclosures }
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

/** Pure: the bundle and nothing else, no store, no clock, no network. */
export function verifyBundle(bundle: EvidenceBundle, onEntry?: (entry: EntryBody, n: number) => void): VerifyReport {
  const verifier = createSessionVerifier({
    ...{ origin: bundle.origin, session: bundle.session, payloadsComplete: false, manifestEnds: true },
    manifest: { n: bundle.manifest.n, hash: bundle.manifest.hash, text: bundle.manifest.body },
    ...(onEntry && { onEntry }),
  })
  const openings = new Map<number, Opening[]>()
  for (const { n, path, salt, value } of bundle.disclosures) {
    const list = openings.get(n) ?? []
    list.push({ path, salt: Buffer.from(salt, 'hex'), value })
    openings.set(n, list)
  }
  for (const { n, body, hash } of bundle.entries) {
    verifier.entry({ n, hash, body, columns: null }, openings.get(n) ?? [])
    openings.delete(n)
  }
  const log = [...openings.keys()].map((n) => ({
    kind: 'PAYLOAD_MISMATCH' as const,
    detail: `a value is disclosed for entry ${n}, which is not in the bundle`,
  }))
  return verifier.finish({ head: null, final: false, log })
}
