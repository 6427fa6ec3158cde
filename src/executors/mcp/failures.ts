import { AegisError } from '../../core/errors.ts'
import type { UpstreamConfig } from './upstream-config.ts'

/** An upstream as error texts name it: never its headers, its query string, its arguments or its environment. */
export interface Place {
  readonly upstream: string
  /** URL without query, or the program. */
  readonly where: string
  readonly advice: string
}

export function placeOf(upstream: string, config: UpstreamConfig): Place {
  const { route } = config
  if (route.kind === 'stdio') {
    const [where] = route.command
    return { upstream, where, advice: `check that \`${where}\` runs, or correct \`upstreams.${upstream}.command\`` }
  }
  const url = new URL(route.url)
  const where = url.origin + url.pathname
  return { upstream, where, advice: `start the server at ${where}, or correct \`upstreams.${upstream}.url\`` }
}

/**
 * @param sent false only where nothing can have happened upstream: the approval that was spent on the call is given back.
 */
export function unreachable(place: Place, problem: string, sent: boolean, advice = place.advice): AegisError {
  const message = `upstream \`${place.upstream}\` (${place.where}) is unreachable: ${problem}`
  return new AegisError('upstream_unreachable', message, { advice, data: { upstream: place.upstream, sent } })
}

/** What is kept of a bad answer for those who look for another way: an HTTP status, or that it was one of MCP. */
interface Heard {
  readonly status?: number
  readonly answered?: true
}

/** It can be reached, but did not answer as MCP asks. What it did with the call is unknown. */
export function badAnswer(place: Place, problem: string, sent = true, more: Heard = {}): AegisError {
  const message = `upstream \`${place.upstream}\` (${place.where}) gave no usable answer: ${problem}`
  return new AegisError('upstream_unreachable', message, {
    advice: sent ? 'the call may have taken effect: look before you call again' : place.advice,
    data: { upstream: place.upstream, sent },
    cause: more,
  })
}

/** It answered the opening of a conversation, but not in the era that was tried. */
export function notSpoken(place: Place, problem: string): AegisError {
  return badAnswer(place, problem, false, { answered: true })
}

/** Whether something is there that answers, though not as we asked: it may be of the other era. */
export function hasAnswered(error: unknown): boolean {
  const status = statusOf(error)
  if (status !== null) return status < 500 && !AT_THE_DOOR.has(status)
  const cause = error instanceof AegisError ? error.cause : null
  return typeof cause === 'object' && cause !== null && 'answered' in cause
}

/** Who we are and how often we come: the same in every era. */
const AT_THE_DOOR: ReadonlySet<number> = new Set([401, 403, 407, 429])

/** The caller ended the call. */
export function cancelled(place: Place, sent: boolean): AegisError {
  return new AegisError('upstream_unreachable', `the call to upstream \`${place.upstream}\` was cancelled`, {
    data: { upstream: place.upstream, sent, cancelled: true },
  })
}

/** The same failure as seen by a call that was never sent because the conversation could not be opened. */
export function unsent(place: Place, error: unknown): AegisError {
  if (!(error instanceof AegisError) || error.code !== 'upstream_unreachable') {
    return unreachable(place, 'the conversation could not be opened', false)
  }
  return new AegisError(error.code, error.message, {
    advice: error.data?.['sent'] === false && error.advice !== null ? error.advice : place.advice,
    data: { ...error.data, sent: false },
    cause: error.cause,
  })
}

/** The HTTP status that a failure came of, or null. */
export function statusOf(error: unknown): number | null {
  const cause = error instanceof AegisError ? error.cause : null
  const status = typeof cause === 'object' && cause !== null && 'status' in cause ? cause.status : null
  return typeof status === 'number' ? status : null
}
