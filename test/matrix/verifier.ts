import { foundStore, withAnchors } from '../../src/cli/evidence/anchored.ts'
import { verifyLog } from '../../src/ledger/audit/verify-log.ts'
import { verifyStored } from '../../src/ledger/audit/verify-stored.ts'
import { verifyConsistency, verifyInclusion } from '../../src/ledger/merkle/verify-proof.ts'
import { parseTrustPolicy } from '../../src/ledger/notes/trust-policy.ts'
import { readBundle } from '../../src/ledger/verify/read-bundle.ts'
import { reportJson } from '../../src/ledger/verify/report.ts'
import { verifyBundle } from '../../src/ledger/verify/verify-bundle.ts'
import type { Verifier } from './case.ts'

/** The one that is shipped. */
export const VERIFIER: Verifier = {
  verifyStored,
  verifyBundle,
  verifyLog,
  readBundle,
  reportJson,
  verifyInclusion,
  verifyConsistency,
  parseTrustPolicy,
  foundStore,
  withAnchors,
}
