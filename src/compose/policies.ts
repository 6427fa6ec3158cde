import { namingUpstreams } from '../config/naming-upstreams.ts'
import type { Config } from '../config.ts'
import type { Clock, Log } from '../core/runtime.ts'
import { parseObject } from '../ledger/format/body.ts'
import type { LedgerOperations } from '../ledger/ledger.ts'
import type { LedgerReader } from '../ledger/store.ts'
import {
  openPolicyVersions,
  type PolicySet,
  type PolicyVersionStore,
  type PolicyVersions,
} from '../policy-set/index.ts'

/** The policy in force, which the files on disk and the versions in the store agree on, and which the log tells of. */
export function composePolicies(
  config: Pick<Config, 'upstreams'>,
  parts: {
    readonly disk: PolicySet
    readonly store: PolicyVersionStore
    readonly ledger: Pick<LedgerOperations, 'policyChanged'>
    readonly reader: Pick<LedgerReader, 'entry'>
    readonly clock: Clock
    readonly log: Log
  },
): Promise<PolicyVersions> {
  const { ledger, reader } = parts
  return openPolicyVersions({
    ...parts,
    upstreams: namingUpstreams(config.upstreams),
    record: (change) => ledger.policyChanged(change),
    async leafAt(n) {
      const leaf = await reader.entry(n)
      return leaf === null ? null : (parseObject(Buffer.from(leaf.body).toString('utf8')) ?? {})
    },
  })
}
