import type { EntryBody } from '../format/body.ts'
import type { EvidenceBundle } from '../format/bundle-format.ts'
import { coveringErasure, type ErasureClaim, readErasure } from '../format/erasure-claim.ts'
import { createProofs, type Proofs, type Proven } from './bundle-proofs.ts'
import { createFindings } from './damage.ts'
import {
  checkManifest,
  checkOpenings,
  createSessionVerifier,
  type Ending,
  type Opening,
  reportOf,
  type VerifyContext,
  type VerifyReport,
} from './session-verifier.ts'
import { examine } from './testimony.ts'
import { NOT_SIGNED, type Pins, pinned, unvouched } from './trust.ts'
import { createSelection } from './walk-selection.ts'

export interface BundleOptions {
  /** Null: no key is known, and what is signed cannot be decided. */
  readonly pins: Pins | null
  /** Leaves out the canonical form of bodies. */
  readonly fast?: boolean
  readonly onEntry?: (entry: EntryBody, n: number) => void
}

/** Pure: the bundle and the pinned keys and nothing else, no store, no clock, no network. */
export function verifyBundle(
  bundle: EvidenceBundle,
  { pins, fast = false, onEntry }: BundleOptions = { pins: null },
): VerifyReport {
  const proofs = createProofs(bundle.origin, pins)
  const erased = recordedErasures(bundle, proofs)
  const { n, hash, body: text } = bundle.manifest
  const context: VerifyContext = {
    ...{ origin: bundle.origin, session: bundle.session, payloadsComplete: false, manifestEnds: true, fast },
    manifest: { n, hash, text },
    erased: (at, path) => coveringErasure(erased, at, path) !== undefined,
    ...(onEntry && { onEntry }),
  }
  return bundle.partial === true ? partly(bundle, context, proofs, pins) : wholly(bundle, context, proofs, pins)
}

function wholly(bundle: EvidenceBundle, context: VerifyContext, proofs: Proofs, pins: Pins | null): VerifyReport {
  const verifier = createSessionVerifier(context)
  const openings = openingsOf(bundle)
  for (const { n, body, hash } of bundle.entries) {
    verifier.entry({ n, hash, body, columns: null }, openings.get(n) ?? [])
    openings.delete(n)
  }
  const proven = bundle.entries.map((entry) =>
    entry.proof === undefined ? null : proofs.check(entry, entry.proof, 'REWRITTEN'),
  )
  // The manifest names the last entry, and the last entry by its links all before it: either stands for all.
  const covering = manifestProof(bundle, proofs) ?? proven.at(-1) ?? null
  return verifier.finish(endingOf(bundle, covering, openings, proofs, pins))
}

function partly(bundle: EvidenceBundle, context: VerifyContext, proofs: Proofs, pins: Pins | null): VerifyReport {
  const findings = createFindings()
  const selection = createSelection(context, findings)
  const openings = openingsOf(bundle)
  checkManifest(context, findings)
  const covering: (Proven | null)[] = [manifestProof(bundle, proofs)].filter((proven) => proven !== null)
  for (const { n, body, hash, proof } of bundle.entries) {
    const testimony = examine({ n, hash, body, columns: null })
    selection.step(testimony)
    checkOpenings(testimony, openings.get(n) ?? [], context, findings)
    openings.delete(n)
    if (testimony.body !== null) context.onEntry?.(testimony.body, n)
    if (proof === undefined)
      proofs.fault('UNSIGNED', `entry ${n} has lost the proof that entries of a part must have`, n)
    covering.push(proof === undefined ? null : proofs.check({ n, body }, proof, 'REWRITTEN'))
  }
  const weakest = covering.find((proven) => proven?.by !== 'pinned') ?? covering[0] ?? null
  const ending = endingOf(bundle, weakest, openings, proofs, pins)
  for (const { kind, detail, n } of ending.log) findings.add(kind, null, n ?? null, detail)
  const { origin, session, entries, manifest } = bundle
  return reportOf({ origin, session, totalEntries: entries.length, manifestHash: manifest.hash }, findings, ending)
}

function manifestProof({ manifest, proof }: EvidenceBundle, proofs: Proofs): Proven | null {
  return proof === null ? null : proofs.check(manifest, proof, 'MANIFEST_FORGED')
}

function endingOf(
  bundle: EvidenceBundle,
  covering: Proven | null,
  unused: ReadonlyMap<number, readonly Opening[]>,
  proofs: Proofs,
  pins: Pins | null,
): Ending {
  const trust = proofs.trust(covering, bundle.receipts)
  for (const n of unused.keys()) {
    proofs.fault('PAYLOAD_MISMATCH', `a value is disclosed for entry ${n}, which is not in the bundle`)
  }
  const unknown = covering?.by === 'unknown' ? covering.signers : null
  const short = trust.level === 'unsigned' && pinned(pins, bundle.origin)
  return {
    ...{ head: null, final: false, log: proofs.faults, trust, lacking: short ? NOT_SIGNED : null },
    undecided: unknown === null ? null : unvouched(unknown),
  }
}

function openingsOf({ disclosures }: EvidenceBundle): Map<number, Opening[]> {
  const openings = new Map<number, Opening[]>()
  for (const { n, path, salt, value } of disclosures) {
    const list = openings.get(n) ?? []
    list.push({ path, salt: Buffer.from(salt, 'hex'), value })
    openings.set(n, list)
  }
  return openings
}

/** Erasures of this session that are in the log; in an unsigned one, those that are claimed. */
function recordedErasures({ origin, session, erasures }: EvidenceBundle, proofs: Proofs): ErasureClaim[] {
  return erasures.flatMap(({ n, body, proof }) => {
    const claim = readErasure(body)
    if (claim === null || claim.log !== origin || claim.session !== session) {
      proofs.fault('REWRITTEN', 'what should be an erasure of this session is none', n)
      return []
    }
    return proof === null || proofs.check({ n, body }, proof, 'REWRITTEN') !== null ? [claim] : []
  })
}
