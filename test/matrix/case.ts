import type { AnchoredNote } from '../../src/anchors/check.ts'
import type { foundStore, withAnchors } from '../../src/cli/evidence/anchored.ts'
import { AegisError } from '../../src/core/errors.ts'
import type { verifyLog } from '../../src/ledger/audit/verify-log.ts'
import type { verifyStored } from '../../src/ledger/audit/verify-stored.ts'
import type { parseTrustPolicy } from '../../src/ledger/notes/trust-policy.ts'
import type { LedgerReader } from '../../src/ledger/store.ts'
import type { readBundle } from '../../src/ledger/verify/read-bundle.ts'
import type { VerifyReport } from '../../src/ledger/verify/report.ts'
import { type Pins, trustName } from '../../src/ledger/verify/trust.ts'
import type { verifyBundle } from '../../src/ledger/verify/verify-bundle.ts'

/** The verifier as one thing, so that a mutant of it can be judged by the same cases. */
export interface Verifier {
  readonly verifyStored: typeof verifyStored
  readonly verifyBundle: typeof verifyBundle
  readonly readBundle: typeof readBundle
  readonly parseTrustPolicy: typeof parseTrustPolicy
  readonly verifyLog: typeof verifyLog
  readonly foundStore: typeof foundStore
  readonly withAnchors: typeof withAnchors
}

/** What is laid before the verifier. `pins`: lines of a `log.vkey`; null, no key is known; absent, signatures are not looked at. */
export type Evidence =
  | {
      readonly as: 'store'
      readonly reader: LedgerReader
      /** Null: the whole log. */
      readonly session: string | null
      readonly pins?: string | null
      readonly remembered?: string | null
      readonly anchors?: readonly AnchoredNote[]
    }
  | { readonly as: 'bundle'; readonly text: string; readonly pins: string | null }

/** `below`: valid, but less than the pins ask for. `refused`: not judged at all, as no evidence of ours. */
export type Outcome = 'valid' | 'below' | 'tampered' | 'undecided' | 'refused'

export interface Verdict {
  readonly outcome: Outcome
  readonly found: readonly { readonly class: string; readonly seq: number | null; readonly n: number | null }[]
  readonly first: string | null
  readonly trust: string
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
    return evidence.as === 'bundle' ? judgeBundle(verifier, evidence) : await judgeStore(verifier, evidence)
  } catch (error) {
    if (error instanceof Error && (error.name === 'BundleError' || isRefusal(error))) return nothing('refused')
    throw error
  }
}

function isRefusal(error: Error): boolean {
  return (
    error.name === AegisError.name && 'code' in error && (error.code === 'not_found' || error.code === 'cannot_decide')
  )
}

function nothing(outcome: Outcome): Verdict {
  return { outcome, found: [], first: null, trust: 'unsigned' }
}

function judgeBundle(verifier: Verifier, { text, pins }: Extract<Evidence, { as: 'bundle' }>): Verdict {
  return verdictOf(verifier.verifyBundle(verifier.readBundle(text), { pins: pinsOf(verifier, pins) }))
}

async function judgeStore(verifier: Verifier, evidence: Extract<Evidence, { as: 'store' }>): Promise<Verdict> {
  const { reader, session, remembered = null, anchors } = evidence
  const pins = pinsOf(verifier, evidence.pins ?? null)
  if (session === null) return verdictOf(await verifier.verifyLog(reader, { pins, remembered }))
  if (evidence.pins === undefined) return verdictOf(await verifier.verifyStored(reader, session))
  const report = await verifier.verifyStored(reader, session, { pins, remembered })
  if (anchors === undefined || pins === null) return verdictOf(report)
  const found = await verifier.foundStore(reader, session, pins, anchors)
  return verdictOf(verifier.withAnchors(report, found, anchors, pins))
}

function verdictOf(report: VerifyReport): Verdict {
  const found = report.findings.map(({ class: kind, seq, n }) => ({ class: kind, seq, n }))
  return { outcome: outcomeOf(report), found, first: report.brokenLink, trust: trustName(report.trust) }
}

function outcomeOf({ valid, belowTrust, findings }: VerifyReport): Outcome {
  if (valid) return belowTrust === null ? 'valid' : 'below'
  return findings.some(({ severity }) => severity === 'error') ? 'tampered' : 'undecided'
}

function pinsOf(verifier: Verifier, text: string | null): Pins | null {
  if (text === null) return null
  const parsed = verifier.parseTrustPolicy(text)
  if (!parsed.ok) throw new Error('the case pins no keys')
  return { policy: parsed.policy, named: true }
}

/** In words what is wrong with a verdict; null where it is the one expected. */
export function complaint(verdict: Verdict, expected: Expected): string | null {
  const { outcome, class: kind, seq, n, first, only, trust } = expected
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
  const other = only && verdict.found.find((one) => !only.includes(one.class))
  return other === undefined ? null : `expected nothing but ${only?.join(', ')}, got ${told}`
}
