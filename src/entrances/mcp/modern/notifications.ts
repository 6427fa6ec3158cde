import { type JsonObject, textMember } from '../../../core/json.ts'
import { LOG_LEVELS } from './request-head.ts'
import type { Notification } from './running-call.ts'

/** What the client of one exchange wants to hear besides the answer. */
export interface Wishes {
  readonly progressToken: string | number | null
  /** Index into `LOG_LEVELS`; null: no log messages. */
  readonly logLevel: number | null
}

/** Said of a whole server, not of a request: for the streams that were opened to hear it. */
const OF_THE_SERVER =
  /^notifications\/(?:(?:tools|prompts|resources)\/list_changed|resources\/updated|tasks|cancelled)$/

/** Said of a whole server, not of a request: for the streams that were opened to hear it. */
export function isOfServer({ method }: Notification): boolean {
  return OF_THE_SERVER.test(method)
}

/**
 * A notification as the response stream of a request may carry it, or null. `token` is the progress token that we gave
 * upstream: the client's own need not be unique among all the clients that share an upstream's process.
 */
export function relevant(notification: Notification, token: string, wishes: Wishes): Notification | null {
  const { method, params } = notification
  if (method === 'notifications/progress') return progress(params, token, wishes)
  if (method === 'notifications/message') return loud(params, wishes) ? notification : null
  return isOfServer(notification) ? null : notification
}

function progress(params: JsonObject | undefined, token: string, { progressToken }: Wishes): Notification | null {
  if (progressToken === null || params?.['progressToken'] !== token) return null
  return { method: 'notifications/progress', params: { ...params, progressToken } }
}

function loud(params: JsonObject | undefined, { logLevel }: Wishes): boolean {
  const level = textMember(params ?? {}, 'level')
  return logLevel !== null && LOG_LEVELS.indexOf(level ?? '') >= logLevel
}
