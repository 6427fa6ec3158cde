import type { EntryKind } from '../ledger/draft.ts'

/** How something is coloured. The word beside it says the same: colour alone tells nobody who cannot see it. */
export type Tone = 'good' | 'bad' | 'wait' | 'calm'

/** `counted`: as it reads after a number. */
export const KINDS: Readonly<
  Record<EntryKind, { readonly word: string; readonly counted: string; readonly tone: Tone }>
> = {
  allow: { word: 'Allowed', counted: 'allowed', tone: 'good' },
  block: { word: 'Blocked', counted: 'blocked', tone: 'bad' },
  review: { word: 'Sent to review', counted: 'sent to review', tone: 'wait' },
  rewrite: { word: 'Rewritten', counted: 'rewritten', tone: 'wait' },
  approve: { word: 'Approved', counted: 'approved', tone: 'good' },
  deny: { word: 'Denied', counted: 'denied', tone: 'bad' },
  expire: { word: 'Expired', counted: 'expired', tone: 'calm' },
  result: { word: 'Result', counted: 'results', tone: 'calm' },
  override: { word: 'Overridden', counted: 'overridden', tone: 'wait' },
  orphan: { word: 'Outcome unknown', counted: 'of unknown outcome', tone: 'wait' },
}

/** What came of a forwarded action, in words. */
export const STATUSES: Readonly<Record<string, string>> = {
  ok: 'done',
  error: 'failed',
  unsent: 'never sent',
  cancelled: 'cancelled',
  input_required: 'asked for more',
  unknown: 'unknown: the gateway stopped before the answer came',
}

export const VALUES: Readonly<Record<string, string>> = {
  params: 'Arguments',
  target: 'Target',
  result: 'Result',
  comment: 'Comment',
  justification: 'Justification',
  plan: 'What runs in its place',
}

export const CHANNELS: Readonly<Record<string, string>> = {
  rest: 'the REST API',
  cli: 'the command line',
  dashboard: 'the dashboard',
  graphql: 'GraphQL',
  slack: 'Slack',
}

export const SEPARATIONS: Readonly<Record<string, string>> = {
  none: 'from the same user of the same machine as the agent: no proof that a person gave it',
  uid: 'from another user of the machine than the agent',
  host: 'from another machine than the agent',
}

/** `2026-04-06 14:22:00 UTC` for a time in RFC 3339 as Aegis writes it; anything else as it is. */
export function moment(ts: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(ts) ? `${ts.slice(0, 10)} ${ts.slice(11, 19)} UTC` : ts
}
