import type { AdminWing } from '../admin/rest.ts'
import {
  createReviewerMap,
  createSlackApi,
  slackEndpoint,
  slackInteractions,
  slackPlaces,
} from '../admin/slack/index.ts'
import type { Config } from '../config.ts'
import type { Approval } from '../core/approval.ts'
import type { EnvelopeId } from '../core/ids.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import { readSecretFile } from '../credentials/secret-file.ts'
import type { Keyring } from '../identity/index.ts'
import type { LedgerReader } from '../ledger/store.ts'
import type { Tail } from '../ledger/tail.ts'
import {
  createNotifier,
  type Endpoint,
  githubEndpoint,
  type LendGithub,
  type NotificationSettings,
  type NotificationStore,
  type Notifier,
  type SlackSettings,
  webhookEndpoint,
} from '../notifications/index.ts'
import type { Resolver } from '../oversight/resolver.ts'

export interface NotificationParts {
  readonly store: NotificationStore
  readonly tail: Tail
  readonly reader: LedgerReader
  readonly approval: (id: EnvelopeId) => Promise<Approval | null>
  readonly gateway: string
  /** The admin plane as people reach it. */
  readonly adminUrl: string
  readonly keyring: Keyring
  readonly resolver: Pick<Resolver, 'resolve'>
  readonly github: { readonly lend: LendGithub; readonly key: Uint8Array }
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Everything that tells people of things, off the road of calls, and the doors by which they answer. */
export interface Notifications {
  readonly notifier: Notifier
  readonly doors: readonly AdminWing[]
}

/** @throws AegisError `config` where a secret cannot be read */
export function composeNotifications(
  { notifications }: Pick<Config, 'notifications'>,
  parts: NotificationParts,
): Notifications {
  const approvalUrl = (id: string) => `${parts.adminUrl}/admin/v1/approvals/${id}`
  const slack = notifications.slack === null ? null : composeSlack(notifications.slack, parts, approvalUrl)
  const endpoints = [
    ...webhooksOf(notifications, parts, approvalUrl),
    ...(slack === null ? [] : [slack.endpoint]),
    ...githubOf(notifications.github, parts),
  ]
  return {
    notifier: createNotifier({ ...parts, endpoints, remindAt: notifications.remindAt }),
    doors: slack === null ? [] : [slack.door],
  }
}

function webhooksOf(
  { webhooks }: NotificationSettings,
  { clock }: NotificationParts,
  approvalUrl: (id: string) => string,
): Endpoint[] {
  return webhooks.map((webhook) => {
    const secret = secretIn(webhook.secretFile)
    return webhookEndpoint(webhook, { secret, now: () => clock.now(), approvalUrl })
  })
}

function githubOf(mode: NotificationSettings['github'], parts: NotificationParts): Endpoint[] {
  if (mode === 'off') return []
  const { store, approval, github, clock } = parts
  return [githubEndpoint({ mode, store, approval, ...github, now: () => clock.now() })]
}

function composeSlack(
  settings: SlackSettings,
  parts: NotificationParts,
  approvalUrl: (id: string) => string,
): { readonly endpoint: Endpoint; readonly door: AdminWing } {
  const { store, clock, log, approval, keyring, resolver } = parts
  const { apiUrl, channel, reviewers } = settings
  const call = createSlackApi(apiUrl, secretIn(settings.tokenFile))
  const reviewer = createReviewerMap({ reviewers, keyring, clock })
  const signingSecret = secretIn(settings.signingSecretFile)
  return {
    endpoint: slackEndpoint({ call, channel, apiUrl, store, approvalUrl, now: () => clock.now() }),
    door: slackInteractions({
      call,
      signingSecret,
      reviewer,
      resolver,
      approval,
      placeOf: slackPlaces(store),
      clock,
      log,
    }),
  }
}

/** Read anew each time, so that a secret can be changed without a restart; and once now: better now than at the first message. */
function secretIn(file: string): () => string {
  readSecretFile(file)
  return () => readSecretFile(file)
}
