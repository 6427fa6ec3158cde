import type { Resource } from './envelope.ts'

/** An act that touches nothing nameable; extractors spread it and fill in what they find. */
export const NO_RESOURCE: Resource = {
  target: '',
  operands: [],
  repository: null,
  branch: { kind: 'none' },
  base: null,
  paths: [],
  pull: null,
}

/** All doubts as one sentence, null where there are none. At most five are told, for an agent chooses how many there are. */
export function doubtOf(doubts: readonly string[]): string | null {
  if (doubts.length === 0) return null
  const distinct = [...new Set(doubts)]
  const more = distinct.length > 5 ? [`and ${distinct.length - 5} more`] : []
  return [...distinct.slice(0, 5), ...more].join('; ')
}
