import { sessionLabel } from '../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { webhookHeaders, webhookKeys } from '../core/webhook-signature.ts'
import { type EventName, textAt } from './events.ts'
import { post } from './http-post.ts'
import { DeliveryError, type Endpoint, type Notice } from './ports.ts'
import { plainLine, summaryOf } from './summary.ts'

/** Committed values that a body may hold where its settings ask for them. */
export const INCLUDABLE = ['target', 'parameters', 'justification', 'comment'] as const
export type Includable = (typeof INCLUDABLE)[number]

export interface WebhookSettings {
  readonly name: string
  /** https, or http to this machine. */
  readonly url: string
  readonly events: readonly EventName[]
  readonly include: readonly Includable[]
  /** Whether its name may lead to a private address. */
  readonly privately: boolean
}

export interface WebhookParts {
  /** The text of the secret, read anew for each request, so that it can be changed without a restart. @throws where it cannot be read */
  readonly secret: () => string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Where people settle approvals. */
  readonly approvalUrl: (id: string) => string
}

const ANSWER_BYTES = 1024
/** Standard Webhooks asks for 24 bytes; a shorter secret than this can be guessed. */
const LEAST_KEY_BYTES = 16
const WIDTH = 4

/** Signed JSON to an address (Standard Webhooks). 2xx is a receipt, 410 a wish to hear no more, all else is tried again. */
export function webhookEndpoint(settings: WebhookSettings, parts: WebhookParts): Endpoint {
  const { name, url, include, privately } = settings
  const { origin } = new URL(url)
  return {
    name,
    kind: 'webhook',
    place: origin,
    events: new Set(settings.events),
    width: WIDTH,
    async deliver(notice, signal) {
      const body = JSON.stringify(webhookBody(notice, include, parts.approvalUrl))
      const signed = webhookHeaders({ id: notice.id, at: parts.now(), body }, keysOf(parts.secret))
      const headers = { 'content-type': 'application/json', ...signed }
      const { status, wait } = await post(url, { headers, body, privately }, ANSWER_BYTES, signal)
      if (status >= 200 && status < 300) return
      throw new DeliveryError(`${origin} answered with status ${status}`, { permanent: status === 410, wait })
    },
  }
}

/** What is posted. Texts of agents are shown with their hidden characters written out. */
export function webhookBody(
  notice: Notice,
  include: readonly Includable[],
  approvalUrl: (id: string) => string,
): JsonObject {
  const { body, event, approval } = notice
  const session = textMember(body, 'session')
  const envelope = textMember(body, 'env') ?? null
  const awaited = approval?.status === 'pending' && (event === 'approval' || event === 'reminder')
  return {
    event,
    timestamp: notice.at,
    agent_name: shown(textAt(body, 'actor', 'agent')),
    tool_name: shown(textAt(body, 'action', 'tool')),
    decision: event === 'policy' || event === 'anomaly' ? null : (textMember(body, 'kind') ?? null),
    action_summary: summaryOf(notice),
    envelope_id: envelope,
    session: session === undefined ? null : sessionLabel(session),
    principal: session?.slice(0, session.indexOf('/')) ?? null,
    ...(awaited && envelope !== null
      ? { approval_url: approvalUrl(envelope), expires_at: rfc(approval.expiresAt) }
      : {}),
    ...(isObject(body['reviewer']) ? { reviewer: body['reviewer'] } : {}),
    ...(textAt(body, 'outcome', 'label') === null ? {} : { outcome: shown(textAt(body, 'outcome', 'label')) }),
    ...(event === 'policy' ? { policy: policyOf(body) } : {}),
    ...included(notice, include),
    evidence_hash: notice.hash,
  }
}

/** Which policy, as the log has it. */
function policyOf(body: JsonObject): JsonObject {
  const members = ['version', 'names', 'sha256', 'cause', 'by', 'of'].flatMap((key) => {
    const value = body[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return Object.fromEntries(members)
}

function included({ values, approval }: Notice, include: readonly Includable[]): JsonObject {
  const found: Record<string, Json> = {}
  for (const member of include) {
    const value = values[member === 'parameters' ? 'params' : member] ?? (member === 'target' ? approval?.target : null)
    if (value !== undefined && value !== null) found[member] = value
  }
  return found
}

function shown(text: string | null): string | null {
  return text === null ? null : plainLine(text)
}

function rfc(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** What reads a secret may quote it in its error: only that it could not be read is said. */
function keysOf(secret: () => string): readonly Uint8Array[] {
  let keys: readonly Uint8Array[]
  try {
    keys = webhookKeys(secret())
  } catch {
    throw new DeliveryError('its secret cannot be read')
  }
  if (keys.length > 0 && keys.every(({ byteLength }) => byteLength >= LEAST_KEY_BYTES)) return keys
  throw new DeliveryError(`its secret is not \`whsec_\` and base64, or is shorter than ${LEAST_KEY_BYTES} bytes`)
}
