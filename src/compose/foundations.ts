import { randomBytes } from 'node:crypto'
import { namingUpstreams } from '../config/naming-upstreams.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/runtime.ts'
import type { Ledger } from '../ledger/draft.ts'
import { createTail, type Tail } from '../ledger/tail.ts'
import { createLog } from '../observability/log.ts'
import { createMetrics, type Metrics } from '../observability/metrics.ts'
import { openPolicySet } from '../policy-set/index.ts'
import { openStores } from '../store/open.ts'
import type { Closing } from './closing.ts'
import { composeEvidence } from './evidence.ts'
import { hasEvidenceThread, startEvidenceThread } from './evidence-thread.ts'
import { composePolicies } from './policies.ts'
import { systemClock, systemRandom } from './system.ts'

export type Foundations = Awaited<ReturnType<typeof composeFoundations>>

/** What everything else stands on: time, log, metrics, the stores, the ledger and who follows it, the policy in force. */
export async function composeFoundations(config: Config, closing: Closing) {
  const clock = systemClock()
  const random = systemRandom()
  const log = createLog({ to: { descriptor: 1 }, clock })
  closing.add(log.close)
  const metrics = createMetrics({ process: true })
  const disk = await openPolicySet({ sources: config.policies, upstreams: namingUpstreams(config.upstreams), log })
  closing.add(disk.close)
  const stores = await openStores(config.store)
  closing.add(stores.close)
  const gatewayName = `gw-${randomBytes(4).toString('hex')}`
  const evidence = hasEvidenceThread()
    ? await startEvidenceThread(config, gatewayName, log)
    : await composeEvidence(config, stores.ledger, { clock, random, log, gateway: gatewayName })
  closing.add(evidence.close)
  const { ledger } = evidence
  const policies = await composePolicies(config, {
    ...{ disk, store: stores.policyVersions, ledger, reader: stores.ledger, clock, log },
  })
  closing.add(policies.close)
  const tail = createTail(stores.ledger)
  closing.add(tail.close)
  const record = measuredLedger(ledger, metrics, clock, tail)
  return { clock, random, log, metrics, stores, gatewayName, evidence, policies, tail, record }
}

/** Measures, and tells who follows the log that it has grown. */
function measuredLedger(ledger: Ledger, metrics: Metrics, clock: Clock, tail: Pick<Tail, 'wake'>): Ledger {
  return {
    async append(draft) {
      const start = clock.elapsed()
      const entry = await ledger.append(draft)
      metrics.appended(1, (clock.elapsed() - start) / 1000)
      tail.wake()
      return entry
    },
  }
}
