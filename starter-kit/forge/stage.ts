/** What a test may do to the answers: watch them, spoil them. */
import type { Json } from '../../src/core/json.ts'

export interface Seen {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly status: number
}

/** How an answer is spoiled. */
export type Fault =
  | {
      readonly kind: 'refuse'
      readonly status: number
      readonly message: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'slow'; readonly milliseconds: number }
  /** A lie: the true answer, changed. */
  | { readonly kind: 'alter'; readonly alter: (json: Json) => Json }
  /** The answer is this text and no JSON. */
  | { readonly kind: 'garble'; readonly text: string }
  /** The connection ends without an answer. */
  | { readonly kind: 'hang-up' }

export interface Stage {
  /** Told of every answer. */
  readonly observe?: (seen: Seen) => void
  /** Asked before every answer; null leaves it as it is. */
  readonly fault?: (asked: Omit<Seen, 'status'>) => Fault | null
}

/** GitHub's refusals as it words them. */
export const REFUSALS = {
  unauthorized: { kind: 'refuse', status: 401, message: 'Bad credentials' },
  forbidden: {
    kind: 'refuse',
    status: 403,
    message: 'Resource not accessible by integration',
    headers: { 'x-accepted-github-permissions': 'contents=read' },
  },
  /** The organisation demands single sign-on. */
  unsigned: {
    kind: 'refuse',
    status: 403,
    message:
      'Resource protected by organization SAML enforcement. You must grant your token access to this organization.',
    headers: { 'x-github-sso': 'required; url=https://github.com/orgs/acme/sso' },
  },
  secondary: {
    kind: 'refuse',
    status: 403,
    message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
    headers: { 'retry-after': '60' },
  },
  missing: { kind: 'refuse', status: 404, message: 'Not Found' },
  tooMany: { kind: 'refuse', status: 429, message: 'API rate limit exceeded', headers: { 'retry-after': '30' } },
  broken: { kind: 'refuse', status: 500, message: 'Server Error' },
  unavailable: { kind: 'refuse', status: 503, message: 'Service Unavailable' },
} as const satisfies Record<string, Fault>

/** The primary rate limit, spent until the given second since the epoch. */
export function spentUntil(second: number): Fault {
  return {
    kind: 'refuse',
    status: 403,
    message: 'API rate limit exceeded for installation ID 42.',
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(second) },
  }
}
