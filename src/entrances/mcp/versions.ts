/** Protocol revisions with an `initialize` handshake, newest first. The stateless ones are in `modern/revision.ts`. */
export const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export type Revision = (typeof REVISIONS)[number]

export const NEWEST: Revision = REVISIONS[0]

/** What a request without `MCP-Protocol-Version` speaks (Streamable HTTP 2025-06-18, "Protocol Version Header"). */
export const ASSUMED: Revision = '2025-03-26'

/** The only revision with JSON-RPC batches: added in 2025-03-26, removed in 2025-06-18. */
const WITH_BATCHES: Revision = '2025-03-26'

export function isRevision(text: string): text is Revision {
  return (REVISIONS as readonly string[]).includes(text)
}

/** The revision to answer `initialize` with: the one asked for if we speak it, else our newest. */
export function negotiate(requested: string): Revision {
  return isRevision(requested) ? requested : NEWEST
}

export function hasBatches(revision: string): boolean {
  return revision === WITH_BATCHES
}

/** Clients of earlier revisions take an event without data for a broken message (2025-11-25 added the priming event). */
export function hasEmptyEvents(revision: string): boolean {
  return revision >= '2025-11-25'
}
