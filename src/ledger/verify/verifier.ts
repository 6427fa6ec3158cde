import { parseTrustPolicy } from '../notes/trust-policy.ts'
import type { Damage } from './damage.ts'
import { BundleError, readBundle } from './read-bundle.ts'
import type { VerifyReport } from './session-verifier.ts'
import { type Pins, trustName } from './trust.ts'
import { verifyBundle as verifyRead } from './verify-bundle.ts'

/** What `aegis-proxy/verify` answers. */
export interface Verdict {
  /** 0 valid, 1 tampered, 3 cannot decide, 4 valid but not signed by a pinned key: as `aegisctl evidence verify` ends. */
  readonly exit: 0 | 1 | 3 | 4
  readonly valid: boolean
  /** `unsigned`, `self-signed` or `witnessed(2/3)`. */
  readonly trust: string
  /** Why it cannot be decided, why it is less than the keys make one expect, or null. */
  readonly reason: string | null
  /** `seq 3 -> 4 (entry 17) ALTERED_BODY`, or null. */
  readonly brokenLink: string | null
  readonly findings: readonly Damage[]
  /** Null where the text could not be read as a bundle. */
  readonly report: VerifyReport | null
}

/**
 * Verifies the text of an evidence bundle, offline. Total in the bundle: whatever a stranger sent has a verdict.
 * @param keys the lines of a `log.vkey` that you have from somewhere else than the bundle; without them what is signed is not decided
 * @throws TypeError where `keys` are not such lines
 */
export function verifyBundle(text: string, { keys, fast = false }: { keys?: string; fast?: boolean } = {}): Verdict {
  const pins = keys === undefined ? null : pinsOf(keys)
  try {
    return verdictOf(verifyRead(readBundle(text), { pins, fast }))
  } catch (error) {
    if (!(error instanceof BundleError)) throw error
    const nothing = { valid: false, trust: 'unsigned', brokenLink: null, findings: [], report: null }
    return { exit: 3, reason: `not a whole evidence bundle: ${error.message}`, ...nothing }
  }
}

function pinsOf(keys: string): Pins {
  const parsed = parseTrustPolicy(keys)
  if (parsed.ok) return { policy: parsed.policy, named: true }
  throw new TypeError(`keys, line ${parsed.problems[0]?.line}: ${parsed.problems[0]?.message}`)
}

function verdictOf(report: VerifyReport): Verdict {
  const { valid, undecided, belowTrust, brokenLink, findings } = report
  const damaged = findings.some(({ severity }) => severity === 'error')
  const exit = valid ? (belowTrust === null ? 0 : 4) : damaged ? 1 : 3
  return { exit, valid, trust: trustName(report.trust), reason: undecided ?? belowTrust, brokenLink, findings, report }
}
