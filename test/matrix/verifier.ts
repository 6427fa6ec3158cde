import { checkAnchors } from '../../src/anchors/check.ts'
import { parseTrustPolicy } from '../../src/ledger/notes/trust-policy.ts'
import { readBundle } from '../../src/ledger/read-bundle.ts'
import { openSignedTree } from '../../src/ledger/signed-tree.ts'
import { verifyBundle } from '../../src/ledger/verify-bundle.ts'
import { verifyStored } from '../../src/ledger/verify-stored.ts'
import type { Verifier } from './case.ts'

/** The one that is shipped. */
export const VERIFIER: Verifier = {
  verifyStored,
  verifyBundle,
  readBundle,
  parseTrustPolicy,
  openSignedTree,
  checkAnchors,
}
