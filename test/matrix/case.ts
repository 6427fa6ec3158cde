import type { AnchoredNote } from '../../src/anchors/check.ts'
import type { foundStore, withAnchors } from '../../src/cli/evidence/anchored.ts'
import { AegisError } from '../../src/core/errors.ts'
import type { verifyLog } from '../../src/ledger/audit/verify-log.ts'
import type { verifyStored } from '../../src/ledger/audit/verify-stored.ts'
import type { verifyConsistency, verifyInclusion } from '../../src/ledger/merkle/verify-proof.ts'
import type { parseTrustPolicy } from '../../src/ledger/notes/trust-policy.ts'
import type { LedgerReader } from '../../src/ledger/store.ts'
import type { readBundle } from '../../src/ledger/verify/read-bundle.ts'
import type { reportJson, VerifyReport } from '../../src/ledger/verify/report.ts'
import type { Pins } from '../../src/ledger/verify/trust.ts'
import type { verifyBundle } from '../../src/ledger/verify/verify-bundle.ts'

/** The verifier as one thing, so that a mutant of it can be judged by the same cases. */
export interface Verifier {
  readonly verifyStored: typeof verifyStored
  readonly verifyBundle: typeof verifyBundle
  readonly readBundle: typeof readBundle
  readonly reportJson: typeof reportJson
  readonly verifyInclusion: typeof verifyInclusion
  readonly verifyConsistency: typeof verifyConsistency
  readonly parseTrustPolicy: typeof parseTrustPolicy
  readonly verifyLog: typeof verifyLog
  readonly foundStore: typeof foundStore
  readonly withAnchors: typeof withAnchors
}

/**
 * What is laid before the verifier. `pins`: lines of a `log.vkey`; null, no key is known; absent, signatures are not looked at.
 * `found`: nobody named the keys, they lay where the verifier keeps what it knows.
 */
export type Evidence =
  | {
      readonly as: 'store'
      readonly reader: LedgerReader
      /** Null: the whole log. */
      readonly session: string | null
      readonly pins?: string | null
      readonly found?: boolean
      readonly remembered?: string | null
      readonly anchors?: readonly AnchoredNote[]
    }
  | { readonly as: 'bundle'; readonly text: string; readonly pins: string | null; readonly found?: boolean }
  /** A proof: is it accepted? */
  | { readonly as: 'proof'; readonly holds: (verifier: Verifier) => boolean }

/** `below`: valid, but less than the pins ask for. `refused`: not judged at all, as no evidence of ours. */
export type Outcome = 'valid' | 'below' | 'tampered' | 'undecided' | 'refused'

export interface Verdict {
  readonly outcome: Outcome
  readonly found: readonly { readonly class: string; readonly seq: number | null; readonly n: number | null }[]
  readonly first: string | null
  readonly trust: string
  /** Entries that were shown to who asked to see them. */
  readonly shown: number
}

/** What a case must come to. `class` must be among the findings, at `seq` and `n` where these are given. */
export interface Expected {
  readonly outcome: Outcome
  readonly class?: string | readonly string[]
  readonly seq?: number
  readonly n?: number
  /** The broken link as printed. */
  readonly first?: string
  /** No other classes than these. */
  readonly only?: readonly string[]
  readonly trust?: string
  /** So many findings, no more. */
  readonly count?: number
  readonly shown?: number
}

export interface Case {
  readonly name: string
  readonly evidence: () => Evidence | Promise<Evidence>
  readonly expect: Expected
}

export interface Group {
  /** `T1 field mutation`. */
  readonly name: string
  readonly cases: readonly Case[]
}

export async function judge(verifier: Verifier, evidence: Evidence): Promise<Verdict> {
  try {
    if (evidence.as === 'proof') return nothing(evidence.holds(verifier) ? 'valid' : 'tampered')
    return evidence.as === 'bundle' ? judgeBundle(verifier, evidence) : await judgeStore(verifier, evidence)
  } catch (error) {
    if (error instanceof NoKeys || (error instanceof Error && (error.name === 'BundleError' || isRefusal(error)))) {
      return nothing('refused')
    }
    throw error
  }
}

function isRefusal(error: Error): boolean {
  return (
    error.name === AegisError.name && 'code' in error && (error.code === 'not_found' || error.code === 'cannot_decide')
  )
}

function nothing(outcome: Outcome): Verdict {
  return { outcome, found: [], first: null, trust: 'unsigned', shown: 0 }
}

function judgeBundle(verifier: Verifier, { text, ...known }: Extract<Evidence, { as: 'bundle' }>): Verdict {
  const seen = counter()
  const pins = pinsOf(verifier, known)
  const report = verifier.verifyBundle(verifier.readBundle(text), { pins, onEntry: seen.note })
  return verdictOf(verifier, report, seen.count())
}

async function judgeStore(verifier: Verifier, evidence: Extract<Evidence, { as: 'store' }>): Promise<Verdict> {
  const { reader, session, remembered = null, anchors } = evidence
  const pins = pinsOf(verifier, evidence)
  if (session === null) return verdictOf(verifier, await verifier.verifyLog(reader, { pins, remembered }))
  const seen = counter()
  const asked = evidence.pins === undefined ? {} : { pins, remembered }
  const report = await verifier.verifyStored(reader, session, { ...asked, onEntry: seen.note })
  if (anchors === undefined || pins === null) return verdictOf(verifier, report, seen.count())
  const found = await verifier.foundStore(reader, session, pins, anchors)
  return verdictOf(verifier, verifier.withAnchors(report, found, anchors, pins), seen.count())
}

function counter(): { note(): void; count(): number } {
  let shown = 0
  return {
    note: () => {
      shown += 1
    },
    count: () => shown,
  }
}

/** As everybody else gets to read it. */
function verdictOf({ reportJson }: Verifier, report: VerifyReport, shown = 0): Verdict {
  const { broken_link: first, trust } = reportJson(report)
  const found = report.findings.map(({ class: kind, seq, n }) => ({ class: kind, seq, n }))
  return {
    outcome: outcomeOf(report),
    found,
    first: first === null ? null : String(first),
    trust: String(trust),
    shown,
  }
}

function outcomeOf({ valid, belowTrust, findings }: VerifyReport): Outcome {
  if (valid) return belowTrust === null ? 'valid' : 'below'
  return findings.some(({ severity }) => severity === 'error') ? 'tampered' : 'undecided'
}

/** Lines that hold no keys: who brings them along is told so, and gets no verdict. */
class NoKeys extends Error {}

function pinsOf(verifier: Verifier, { pins, found }: { pins?: string | null; found?: boolean }): Pins | null {
  if (pins === null || pins === undefined) return null
  const parsed = verifier.parseTrustPolicy(pins)
  if (!parsed.ok) throw new NoKeys()
  return { policy: parsed.policy, named: found !== true }
}

/** In words what is wrong with a verdict; null where it is the one expected. */
export function complaint(verdict: Verdict, expected: Expected): string | null {
  const { outcome, class: kind, seq, n, first, only, trust, count, shown } = expected
  const told = `${verdict.outcome}, ${verdict.first ?? 'no broken link'}, ${JSON.stringify(verdict.found)}`
  if (verdict.outcome !== outcome) return `expected ${outcome}, got ${told}`
  if (kind !== undefined) {
    const hit = verdict.found.some(
      (one) =>
        [kind].flat().includes(one.class) && (seq === undefined || one.seq === seq) && (n === undefined || one.n === n),
    )
    if (!hit) return `expected ${[kind].flat().join(' or ')} at seq ${seq ?? '*'} n ${n ?? '*'}, got ${told}`
  }
  if (first !== undefined && verdict.first !== first) return `expected ${first}, got ${told}`
  if (trust !== undefined && verdict.trust !== trust) return `expected trust ${trust}, got ${verdict.trust}`
  if (count !== undefined && verdict.found.length !== count) return `expected ${count} findings, got ${told}`
  if (shown !== undefined && verdict.shown !== shown) return `expected ${shown} entries shown, got ${verdict.shown}`
  const other = only && verdict.found.find((one) => !only.includes(one.class))
  return other === undefined ? null : `expected nothing but ${only?.join(', ')}, got ${told}`
}
