import { AegisError } from '../core/errors.ts'
import { isObject, type Json, textMember } from '../core/json.ts'
import { showHidden } from '../core/visible-text.ts'
import type { WireAnswer } from './exchange.ts'

/** Longest text of GitHub's that a message repeats, in characters. */
const REPEATED = 200
/** How long to keep still where GitHub names no time ("wait for at least one minute"), and the longest it is believed. */
const UNTOLD_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 3_600_000

/** The HTTP status of GitHub's refusal, or null where the error is of another kind. */
export function statusOf(error: unknown): number | null {
  const status = error instanceof AegisError && error.code === 'upstream_unreachable' ? error.data?.['status'] : null
  return typeof status === 'number' ? status : null
}

/** Milliseconds for which GitHub wants no more requests after this answer; null where it is not about its rate limits. */
export function pauseOf(answer: WireAnswer, now: number): number | null {
  const { status, headers } = answer
  if (status !== 429 && status !== 403) return null
  const spent = headers.get('x-ratelimit-remaining') === '0'
  const wait = seconds(headers.get('retry-after'))
  if (status === 403 && !spent && wait === null && !/rate limit/i.test(messageOf(answer.text))) return null
  const reset = spent ? seconds(headers.get('x-ratelimit-reset')) : null
  const told = wait !== null ? wait * 1000 : reset === null ? UNTOLD_PAUSE_MS : reset * 1000 - now
  return Math.min(Math.max(told, 1000), LONGEST_PAUSE_MS)
}

function seconds(header: string | null): number | null {
  return header !== null && /^\d{1,12}$/.test(header) ? Number(header) : null
}

/** The error for an answer that is none of the good ones. It repeats GitHub's message, printable and cut, and no header of ours. */
export function refusal(line: string, answer: WireAnswer, pause: number | null): AegisError {
  const { status } = answer
  const said = messageOf(answer.text)
  const advice = pause === null ? adviceFor(answer) : pauseAdvice(pause)
  return new AegisError('upstream_unreachable', `${line}: GitHub answers ${status}${said === '' ? '' : ` (${said})`}`, {
    advice,
    data: { sent: true, status, ...(pause === null ? {} : { retry_after: Math.ceil(pause / 1000) }) },
  })
}

/** The error for a request that is not made because GitHub asked for a pause. */
export function paused(line: string, left: number): AegisError {
  return new AegisError('upstream_unreachable', `${line}: not asked, GitHub's rate limit is spent`, {
    advice: pauseAdvice(left),
    data: { sent: false, status: 429, retry_after: Math.ceil(left / 1000) },
  })
}

function pauseAdvice(left: number): string {
  return `GitHub allows no request for another ${Math.ceil(left / 1000)} s: wait, then try again`
}

function adviceFor({ status, headers }: WireAnswer): string {
  if (status === 401) return 'the credential is not valid (any more): check the App, its key and its installation'
  if (status === 403 && headers.has('x-github-sso'))
    return "the organisation demands single sign-on: authorise the credential for it in the organisation's settings"
  if (status === 403) return permissionAdvice(headers.get('x-accepted-github-permissions'))
  if (status === 404) return 'it is not there, or the App is not installed on the repository or may not see it'
  if (status === 409) return 'something else changed it meanwhile: look again, then repeat'
  if (status === 422) return 'GitHub does not take the request as it is: the message names what is wrong'
  if (status >= 500) return 'GitHub has trouble: try again later, githubstatus.com tells more'
  if (status >= 300 && status < 400 && (headers.get('location') ?? '').includes('/repositories/'))
    return 'the repository goes by another name now: use that one'
  if (status >= 300 && status < 400) return 'check `api_url` of the credential: redirects are not followed'
  return 'see the status at docs.github.com/rest'
}

function permissionAdvice(accepted: string | null): string {
  if (accepted === null) return 'the App lacks a permission for this, or the organisation forbids it'
  return `grant the App one of these permissions: ${plain(accepted)}`
}

/** GitHub's `message` with what `errors` adds; empty where the body holds none. */
function messageOf(text: string): string {
  const body = parsed(text)
  if (!isObject(body)) return ''
  const errors = body['errors']
  const more = Array.isArray(errors) ? errors.slice(0, 3).map(problemText) : []
  return plain([textMember(body, 'message') ?? '', ...more].filter((part) => part !== '').join('; '))
}

function problemText(problem: Json): string {
  if (typeof problem === 'string') return problem
  if (!isObject(problem)) return ''
  const named = ['resource', 'field', 'code'].map((key) => textMember(problem, key) ?? '')
  return textMember(problem, 'message') ?? named.filter((part) => part !== '').join(' ')
}

function plain(text: string): string {
  return showHidden(text.slice(0, REPEATED), () => ' ')
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
