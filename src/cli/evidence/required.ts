import { AegisError } from '../../core/errors.ts'
import type { VerifyReport } from '../../ledger/verify/report.ts'

export interface TrustOptions {
  readonly key?: string
  readonly anchor?: readonly string[]
  readonly requireAnchor?: boolean
  readonly requireWitness?: string
}

/** What must stand behind the evidence beyond a pinned key. */
export interface Requirements {
  readonly anchors: readonly string[]
  readonly anchored: boolean
  readonly witnesses: number
}

/** @throws AegisError `invalid_params` */
export function requirementsOf({
  anchor = [],
  requireAnchor = false,
  requireWitness = '0',
}: TrustOptions): Requirements {
  const witnesses = /^\d{1,3}$/.test(requireWitness) ? Number(requireWitness) : Number.NaN
  if (Number.isNaN(witnesses)) throw new AegisError('invalid_params', '--require-witness is a number of witnesses')
  if (requireAnchor && anchor.length === 0) {
    throw new AegisError('invalid_params', '--require-anchor asks for an anchor, and none is named', {
      advice: 'Add --anchor file:PATH or --anchor git:REPOSITORY#REF.',
    })
  }
  return { anchors: anchor, anchored: requireAnchor, witnesses }
}

/** What is valid and less than required says so. */
export function demandTrust<T extends VerifyReport>(report: T, { anchored, witnesses }: Requirements): T {
  const { valid, belowTrust, trust } = report
  if (!valid || belowTrust !== null) return report
  if (trust.witnesses.seen < witnesses) {
    return { ...report, belowTrust: `${trust.witnesses.seen} of ${witnesses} witnesses required` }
  }
  return anchored && trust.anchors.length === 0 ? { ...report, belowTrust: 'no anchor holds all of this' } : report
}
