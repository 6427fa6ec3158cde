import { setTimeout as sleep } from 'node:timers/promises'
import type { ResolutionChannel } from '../../approvals/approvals.ts'
import type { Approval } from '../../core/approval.ts'
import { asAegisError } from '../../core/errors.ts'
import { type EnvelopeId, parseEnvelopeId } from '../../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import type { Clock, Log } from '../../core/runtime.ts'
import { DeliveryError } from '../../notifications/index.ts'
import type { Resolver } from '../../oversight/resolver.ts'
import { boundedBytes } from '../door.ts'
import type { AdminWing } from '../rest.ts'
import type { SlackCall } from './api.ts'
import { escaped } from './blocks.ts'
import type { Place } from './endpoint.ts'
import { ACTIONS } from './message.ts'
import { commentModal, modalError, type Seal, submitted, type Verb } from './modal.ts'
import type { Mapped } from './reviewers.ts'
import { createSignatureCheck } from './signature.ts'

/** Slack shows its user an error where no answer comes within three seconds. */
const ANSWER_MS = 2500
const CALL_MS = 10_000

/** Slack's users sit at their own machines. */
const VIA: ResolutionChannel = { channel: 'slack', separation: 'host' }

export interface InteractionParts {
  readonly call: SlackCall
  /** The text of the app's signing secret. @throws where it cannot be read */
  readonly signingSecret: () => string
  readonly reviewer: (user: string) => Promise<Mapped>
  readonly resolver: Pick<Resolver, 'resolve'>
  readonly approval: (id: EnvelopeId) => Promise<Approval | null>
  /** Where the message of an approval is. */
  readonly placeOf: (id: EnvelopeId) => Promise<Place | null>
  readonly clock: Clock
  readonly log: Log
}

/** Who pressed what, in which conversation. */
interface Press {
  readonly user: string
  readonly channel: string | null
  readonly trigger: string
  /** The message that was pressed. */
  readonly message: string | null
}

/**
 * Where Slack sends what its users press. No key comes with it: the request is Slack's by its signature, the user is who the
 * configuration says, and the decision is the same use case as every other door's.
 */
export function slackInteractions(parts: InteractionParts): AdminWing {
  const { clock, log } = parts
  const check = createSignatureCheck(() => clock.now())
  return (app) => {
    app.post('/admin/v1/slack/interactions', async (context) => {
      const body = await boundedBytes(context.req.raw.body)
      const [timestamp, signature] = ['x-slack-request-timestamp', 'x-slack-signature'].map((name) =>
        context.req.header(name),
      )
      const refusal = check({ timestamp, signature, body }, parts.signingSecret().trim())
      if (refusal !== null) {
        log.warn({ refusal }, 'a request in the name of Slack was refused')
        return context.json(
          { error: { code: 401, type: 'authentication_error', message: `not taken: ${refusal}` } },
          401,
        )
      }
      const payload = payloadOf(body)
      if (payload === null) {
        return context.json({ error: { code: 400, type: 'invalid_request', message: 'no payload of Slack' } }, 400)
      }
      const answer = await answered(handle(parts, payload), log)
      return answer === null ? context.body(null, 200) : context.json(answer)
    })
  }
}

/** The answer in time, or none: what takes longer goes on by itself. */
async function answered(work: Promise<JsonObject | null>, log: Log): Promise<JsonObject | null> {
  const done = work.catch((error: unknown) => {
    log.warn({ error: asAegisError(error).message }, 'what was pressed in Slack was not done')
    return null
  })
  return Promise.race([done, sleep(ANSWER_MS, null, { ref: false })])
}

/** What Slack is answered: a form with its errors, or nothing. */
async function handle(parts: InteractionParts, payload: JsonObject): Promise<JsonObject | null> {
  const press = pressOf(payload)
  const mapped = await parts.reviewer(press.user)
  if (payload['type'] === 'block_actions') await pressed(parts, payload, press, mapped)
  if (payload['type'] !== 'view_submission') return null
  const view = payload['view']
  const form = isObject(view) ? submitted(view, sealOf(parts, press)) : null
  if (form === null) {
    parts.log.warn({ slack_user: press.user }, 'a form came from Slack that was not opened from here')
    return null
  }
  const wrong = await settle(parts, form, mapped, press)
  return wrong === null ? null : modalError(wrong)
}

async function pressed(parts: InteractionParts, payload: JsonObject, press: Press, mapped: Mapped): Promise<void> {
  const actions = payload['actions']
  const action = Array.isArray(actions) && isObject(actions[0]) ? actions[0] : {}
  const id = parseEnvelopeId(textMember(action, 'value') ?? '')
  const verb = VERBS.get(textMember(action, 'action_id') ?? '')
  if (id === null || verb === undefined) return
  const wrong = await carriedOut(parts, id, verb, press, mapped)
  if (wrong !== null) await whisper(parts, press, wrong)
}

/** Why what was pressed was not done, or null. */
async function carriedOut(
  parts: InteractionParts,
  id: EnvelopeId,
  { verb, form }: Button,
  press: Press,
  mapped: Mapped,
): Promise<string | null> {
  const place = await parts.placeOf(id)
  // Who else has the bot's token can put our buttons under words of their own.
  if (place === null || place.ts !== press.message || place.channel !== press.channel) {
    parts.log.warn({ slack_user: press.user, envelope_id: id }, 'a button was pressed that is not under our message')
    return 'this is not the message that Aegis asked with: settle it on its page'
  }
  if (!form) return settle(parts, { id, verb, comment: '' }, mapped, press)
  return openForm(parts, id, verb, press, mapped).catch((error: unknown) => {
    if (!(error instanceof DeliveryError)) throw error
    parts.log.warn({ error: error.message }, 'the form of an approval was not opened')
    return 'the form could not be opened: press again'
  })
}

interface Button {
  readonly verb: Verb
  readonly form: boolean
}

const VERBS: ReadonlyMap<string, Button> = new Map<string, Button>([
  [ACTIONS.approve, { verb: 'approve', form: false }],
  [ACTIONS.comment, { verb: 'approve', form: true }],
  [ACTIONS.deny, { verb: 'deny', form: true }],
])

/** Why the form is not opened, or null. */
async function openForm(
  parts: InteractionParts,
  id: EnvelopeId,
  verb: Verb,
  press: Press,
  mapped: Mapped,
): Promise<string | null> {
  if (mapped.who === null) return refused(parts, press, mapped.why)
  const approval = await parts.approval(id)
  if (approval === null) return `there is no approval ${id}`
  if (approval.status !== 'pending') return `this is already ${approval.status}`
  const body = { trigger_id: press.trigger, view: commentModal(approval, verb, sealOf(parts, press)) }
  await parts.call('views.open', body, AbortSignal.timeout(CALL_MS))
  return null
}

function sealOf({ signingSecret }: InteractionParts, { user }: Press): Seal {
  return { user, secret: signingSecret().trim() }
}

/** Why it was not settled, or null. */
async function settle(
  parts: InteractionParts,
  { id, verb, comment }: { readonly id: EnvelopeId; readonly verb: Verb; readonly comment: string },
  mapped: Mapped,
  press: Press,
): Promise<string | null> {
  if (mapped.who === null) return refused(parts, press, mapped.why)
  try {
    await parts.resolver.resolve({ id, verb, by: mapped.who, claimed: null, comment, via: VIA })
    return null
  } catch (thrown) {
    const { code, message, advice } = asAegisError(thrown)
    if (code === 'internal') throw thrown
    return advice === null ? message : `${message}: ${advice}`
  }
}

function refused({ log }: InteractionParts, { user }: Press, why: string): string {
  log.warn({ slack_user: user, why }, 'a user of Slack may not settle approvals')
  return why
}

/** Only who pressed it sees this. */
async function whisper({ call, log }: InteractionParts, { user, channel }: Press, text: string): Promise<void> {
  if (channel === null) return
  const body = { channel, user, text: escaped(text).slice(0, 1000), mrkdwn: false, link_names: false, parse: 'none' }
  await call('chat.postEphemeral', body, AbortSignal.timeout(CALL_MS)).catch((error: Error) => {
    log.warn({ error: error.message }, 'a user of Slack was not told why')
  })
}

function pressOf(payload: JsonObject): Press {
  const [user, channel] = ['user', 'channel'].map((key) => {
    const value = payload[key]
    return isObject(value) ? textMember(value, 'id') : undefined
  })
  const container = payload['container']
  const message = isObject(container) ? (textMember(container, 'message_ts') ?? null) : null
  return { user: user ?? '', channel: channel ?? null, trigger: textMember(payload, 'trigger_id') ?? '', message }
}

/** A form with one field that holds JSON; signed by Slack, so that its own parser is good enough. */
function payloadOf(body: Uint8Array): JsonObject | null {
  const field = new URLSearchParams(Buffer.from(body).toString('utf8')).get('payload')
  try {
    const value: Json = JSON.parse(field ?? '')
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
