import {
  DEFAULT_EVENTS,
  EVENTS,
  GITHUB_MODES,
  INCLUDABLE,
  isSafeAddress,
  NO_NOTIFICATIONS,
  type NotificationSettings,
  type SlackSettings,
} from '../notifications/index.ts'
import { path, type Surroundings } from './values.ts'
import type { Place } from './yaml-reader.ts'

const NAME = /^[a-z][a-z0-9_-]{0,31}$/
/** Names that endpoints of other kinds have in the queue. */
const TAKEN = ['slack', 'github']
const CHANNEL = /^[CGD][A-Z0-9]{2,20}$/
const USER = /^[UW][A-Z0-9]{2,20}$/
const SLACK_API = 'https://slack.com/api'

type Webhook = NotificationSettings['webhooks'][number]

/** `notifications:` of `aegis.yaml`: webhooks, Slack, and what pull requests are told. Mistakes are noted at their place. */
export function readNotifications(place: Place | undefined, around: Surroundings): NotificationSettings {
  if (place === undefined) return NO_NOTIFICATIONS
  const members = place.members(['remind_at', 'webhooks', 'slack', 'github'])
  const webhooks: Webhook[] = []
  for (const item of members.get('webhooks')?.items() ?? []) {
    const webhook = webhookOf(item, around)
    if (webhook === undefined) continue
    if (webhooks.some(({ name }) => name === webhook.name)) {
      item.problem(`\`${item.path}\`: another webhook is called \`${webhook.name}\`; give this one another \`name\``)
    }
    webhooks.push(webhook)
  }
  const slack = members.get('slack')
  const github = members.get('github')?.members(['mode']).get('mode')
  return {
    remindAt: members.get('remind_at')?.integer(1, 99) ?? NO_NOTIFICATIONS.remindAt,
    webhooks,
    slack: (slack && slackOf(slack, around)) ?? null,
    github: github?.choice(GITHUB_MODES) ?? 'off',
  }
}

function webhookOf(item: Place, around: Surroundings): Webhook | undefined {
  const members = item.members(['name', 'url', 'secret_file', 'events', 'include', 'private'])
  const called = needed(item, members, 'name')
  const name = called?.text()
  if (name !== undefined && (!NAME.test(name) || TAKEN.includes(name))) {
    called?.problem(
      `\`${called.path}\` must be lower-case letters, digits, - and _, at most 32, and not ${TAKEN.join(' or ')}`,
    )
  }
  const address = needed(item, members, 'url')
  const url = address && safeAddress(address)
  const secret = needed(item, members, 'secret_file')
  const secretFile = secret && path(secret, around)
  const events = chosen(members.get('events'), EVENTS) ?? DEFAULT_EVENTS
  const include = chosen(members.get('include'), INCLUDABLE) ?? []
  const privately = members.get('private')?.choice(['true', 'false']) === 'true'
  if (name === undefined || url === undefined || secretFile === undefined) return undefined
  return { name, url, secretFile, events, include, privately }
}

function slackOf(place: Place, around: Surroundings): SlackSettings | undefined {
  const members = place.members(['token_file', 'signing_secret_file', 'channel', 'api_url', 'reviewers'])
  const [token, signing] = ['token_file', 'signing_secret_file'].map((key) => {
    const file = needed(place, members, key)
    return file && path(file, around)
  })
  const room = needed(place, members, 'channel')
  const channel = room?.text()
  if (channel !== undefined && !CHANNEL.test(channel)) {
    room?.problem(`\`${room.path}\` must be the id of a channel, such as C0123456789: names change hands`)
  }
  const api = members.get('api_url')
  const apiUrl = (api && safeAddress(api)) ?? SLACK_API
  const reviewers = reviewersOf(members.get('reviewers'))
  if (token === undefined || signing === undefined || channel === undefined) return undefined
  return { tokenFile: token, signingSecretFile: signing, channel, apiUrl: apiUrl.replace(/\/+$/, ''), reviewers }
}

function reviewersOf(place: Place | undefined): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [user, who] of place?.members() ?? []) {
    const name = who.text()
    if (!USER.test(user))
      who.problem(`\`${who.path}\`: \`${user}\` is not the id of a user of Slack, such as U0123456789`)
    else if (name !== undefined) found[user] = name
  }
  return found
}

function chosen<T extends string>(place: Place | undefined, known: readonly T[]): readonly T[] | undefined {
  if (place === undefined) return undefined
  return [...new Set(place.items().flatMap((item) => item.choice(known) ?? []))]
}

function safeAddress(place: Place): string | undefined {
  const text = place.text()
  if (text === undefined || isSafeAddress(text)) return text
  place.problem(`\`${place.path}\` must be an https address (http on loopback only) without a user name or password`)
  return undefined
}

function needed(place: Place, members: ReadonlyMap<string, Place>, key: string): Place | undefined {
  const found = members.get(key)
  if (found === undefined) place.problem(`\`${place.path}.${key}\` is missing`)
  return found
}
