import type { Approval } from '../../core/approval.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { DeliveryError, type Endpoint, type EventName, type NotificationStore } from '../../notifications/index.ts'
import type { SlackCall } from './api.ts'
import { approvalMessage, type SlackMessage, threadText } from './message.ts'

export const SLACK = 'slack'
const EVENTS: readonly EventName[] = ['approval', 'approved', 'denied', 'expired', 'reminder']

/** Where a message is. */
export interface Place {
  readonly channel: string
  readonly ts: string
}

/**
 * One message for each approval, which always shows how it stands: whoever settles it by whichever door, the message is
 * updated in place. Reminder and expiry are told in its thread too.
 */
export function slackEndpoint(parts: {
  readonly call: SlackCall
  readonly channel: string
  readonly apiUrl: string
  readonly store: Pick<NotificationStore, 'reference' | 'refer'>
  readonly now: () => number
  readonly approvalUrl: (id: string) => string
}): Endpoint {
  const { call, channel, store, approvalUrl } = parts
  const placeOf = slackPlaces(store)

  async function ask(approval: Approval, signal: AbortSignal): Promise<void> {
    const told = await call(
      'chat.postMessage',
      wire(channel, approvalMessage(approval, approvalUrl(approval.id))),
      signal,
    )
    const [at, ts] = [textMember(told, 'channel'), textMember(told, 'ts')]
    if (at === undefined || ts === undefined) throw new DeliveryError('Slack does not say where the message is')
    await store.refer(SLACK, approval.id, JSON.stringify({ channel: at, ts }), parts.now())
  }

  async function update(approval: Approval, place: Place, signal: AbortSignal): Promise<void> {
    const message = wire(place.channel, approvalMessage(approval, approvalUrl(approval.id)))
    await call('chat.update', { ...message, ts: place.ts }, signal)
  }

  async function reply(approval: Approval, place: Place, event: 'reminder' | 'expired', signal: AbortSignal) {
    const message = wire(place.channel, threadText(approval, event))
    const more = { thread_ts: place.ts, reply_broadcast: event === 'reminder' }
    await call('chat.postMessage', { ...message, ...more }, signal)
  }

  return {
    name: SLACK,
    kind: 'slack',
    place: new URL(parts.apiUrl).origin,
    events: new Set(EVENTS),
    width: 1,
    async deliver({ event, approval }, signal) {
      // A blocked call asks nobody.
      if (approval === null) return
      const place = await placeOf(approval.id)
      if (place === null) {
        // Settled before anybody could be asked: there is nothing to ask.
        if (event === 'approval' && approval.status === 'pending') await ask(approval, signal)
        return
      }
      if (event !== 'reminder') await update(approval, place, signal)
      if (event === 'reminder' || event === 'expired') await reply(approval, place, event, signal)
    },
  }
}

/** Nothing in it becomes a link, a mention or a picture. */
function wire(channel: string, { text, blocks }: SlackMessage): JsonObject {
  const inert = { mrkdwn: false, link_names: false, parse: 'none', unfurl_links: false, unfurl_media: false }
  return { channel, text, blocks: [...blocks], ...inert }
}

/** Where the message of an approval is; null where there is none. */
export function slackPlaces(store: Pick<NotificationStore, 'reference'>): (id: string) => Promise<Place | null> {
  return async (id) => {
    const kept = await store.reference(SLACK, id)
    return kept === null ? null : readPlace(kept)
  }
}

function readPlace(text: string): Place | null {
  const value: Json = JSON.parse(text)
  const [channel, ts] = isObject(value) ? [textMember(value, 'channel'), textMember(value, 'ts')] : []
  return channel === undefined || ts === undefined ? null : { channel, ts }
}
