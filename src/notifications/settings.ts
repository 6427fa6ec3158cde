import type { WebhookSettings } from './webhook.ts'

export interface WebhookPlace extends WebhookSettings {
  /** The file with its secret. */
  readonly secretFile: string
}

export interface SlackSettings {
  /** The files with the bot's token and with the signing secret of the app. */
  readonly tokenFile: string
  readonly signingSecretFile: string
  /** Id of the channel that reviewers read, such as `C0123456789`. */
  readonly channel: string
  /** `https://slack.com/api`. */
  readonly apiUrl: string
  /** Who a user of Slack is here: the name or id of a key, or the owner of one. By the id of the user. */
  readonly reviewers: Readonly<Record<string, string>>
}

/** How a pull request is told of the approvals that concern it. */
export const GITHUB_MODES = ['off', 'comment', 'check'] as const
export type GithubMode = (typeof GITHUB_MODES)[number]

/** `notifications:` of `aegis.yaml`. */
export interface NotificationSettings {
  /** The share of an approval's time, in percent, after which its reviewers are reminded. */
  readonly remindAt: number
  readonly webhooks: readonly WebhookPlace[]
  readonly slack: SlackSettings | null
  readonly github: GithubMode
}

export const NO_NOTIFICATIONS: NotificationSettings = { remindAt: 67, webhooks: [], slack: null, github: 'off' }
