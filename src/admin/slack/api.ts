import { type JsonObject, textMember } from '../../core/json.ts'
import { DeliveryError, post } from '../../notifications/index.ts'
import { objectIn } from './parsed.ts'

/** Slack answers a message with the whole of it. */
const ANSWER_BYTES = 512 * 1024

/** What Slack says of a request that would be refused again (`docs.slack.dev`, errors of each method). */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'cant_update_message',
  'edit_window_closed',
  'invalid_blocks',
  'message_not_found',
  'msg_blocks_too_long',
  'msg_too_long',
  'thread_not_found',
  'trigger_expired',
])

/** A method of Slack's Web API. @throws DeliveryError where Slack cannot be reached or refuses */
export type SlackCall = (method: string, body: JsonObject, signal: AbortSignal) => Promise<JsonObject>

/** @param token the text of the bot's token, read anew for each call. @throws where it cannot be read */
export function createSlackApi(apiUrl: string, token: () => string): SlackCall {
  return async (method, body, signal) => {
    const headers = { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${bearer(token)}` }
    const url = `${apiUrl}/${method}`
    const answer = await post(url, { headers, body: JSON.stringify(body) }, ANSWER_BYTES, signal)
    if (answer.status !== 200) throw new DeliveryError(`Slack answered ${method} with status ${answer.status}`, answer)
    const told = objectIn(answer.body)
    if (told?.['ok'] === true) return told
    const error = /^[a-z0-9_]{1,64}$/.exec(told === null ? '' : (textMember(told, 'error') ?? ''))?.[0]
    throw new DeliveryError(`Slack refused ${method}: ${error ?? 'an answer of another form'}`, {
      permanent: error !== undefined && FOR_GOOD.has(error),
      wait: answer.wait,
    })
  }
}

/** What reads a secret may quote it in its error: only that it could not be read is said. */
function bearer(token: () => string): string {
  let text: string
  try {
    text = token().trim()
  } catch {
    throw new DeliveryError("the file with the bot's token cannot be read")
  }
  if (/^[\x21-\x7e]+$/.test(text)) return text
  throw new DeliveryError("the file with the bot's token holds no token")
}
