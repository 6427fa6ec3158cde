import type { Config } from '../config.ts'
import type { Approval } from '../core/approval.ts'
import type { EnvelopeId } from '../core/ids.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import { readSecretFile } from '../credentials/secret-file.ts'
import type { LedgerReader } from '../ledger/store.ts'
import type { Tail } from '../ledger/tail.ts'
import {
  createNotifier,
  type Endpoint,
  type NotificationStore,
  type Notifier,
  webhookEndpoint,
} from '../notifications/index.ts'

export interface NotificationParts {
  readonly store: NotificationStore
  readonly tail: Tail
  readonly reader: LedgerReader
  readonly approval: (id: EnvelopeId) => Promise<Approval | null>
  readonly gateway: string
  /** The admin plane as this machine reaches it. */
  readonly adminUrl: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Everything that tells people of things, off the road of calls. */
export function composeNotifications(config: Pick<Config, 'notifications'>, parts: NotificationParts): Notifier {
  return createNotifier({ ...parts, endpoints: endpointsOf(config.notifications, parts) })
}

function endpointsOf(settings: Config['notifications'], { clock, adminUrl }: NotificationParts): Endpoint[] {
  const base = settings.adminUrl ?? adminUrl
  const approvalUrl = (id: string) => `${base}/admin/v1/approvals/${id}`
  return settings.webhooks.map((webhook) =>
    webhookEndpoint(webhook, {
      secret: () => readSecretFile(webhook.secretFile),
      now: () => clock.now(),
      approvalUrl,
    }),
  )
}
