import type { Conversation } from './conversation.ts'
import { statusOf } from './failures.ts'
import { createHttpConversation } from './http-conversation.ts'
import type { HttpParts } from './http-session.ts'
import { createHttpSseConversation } from './http-sse-conversation.ts'
import type { HttpTransport } from './upstream-config.ts'

/** What is known of the transport of one upstream, by all its conversations. */
export interface KnownTransport {
  /** Scheme, host and port. */
  readonly origin: string
  /** As configured; null: to be found out. */
  readonly given: HttpTransport | null
  /** The one that worked last. */
  last: HttpTransport
}

/** Statuses that say "not here" to a POST. Not among them: who we are (401, 403, 407), and how often we come (429). */
const NOT_SPOKEN: ReadonlySet<number> = new Set([400, 404, 405, 406, 410, 415, 426])

/** Milliseconds a stream that may be anything has to prove that it is HTTP+SSE, whose servers say so at once. */
const PROBE_MS = 5_000

/**
 * A conversation of the legacy era over whichever transport the upstream speaks (2025-11-25, "Backwards Compatibility"):
 * Streamable HTTP, and where that is refused with a 4xx, HTTP+SSE of 2024-11-05 at the same URL.
 */
export function createLegacyHttpConversation(parts: HttpParts, known: KnownTransport): Conversation {
  if (known.given === 'sse') return createHttpSseConversation(parts, known.origin)
  const streamable = createHttpConversation(parts)
  if (known.given === 'http') return streamable
  const older = createHttpSseConversation(parts, known.origin, Math.min(PROBE_MS, parts.connectTimeoutMs))
  let chosen: Conversation | null = null

  const found = (transport: HttpTransport): Conversation => {
    known.last = transport
    chosen ??= transport === 'http' ? streamable : older
    return chosen
  }

  const pick = async (signal: AbortSignal): Promise<Conversation> => {
    if (known.last === 'sse' && (await speaks(older, signal))) return found('sse')
    try {
      await streamable.initialize(signal)
      return found('http')
    } catch (error) {
      if (!NOT_SPOKEN.has(statusOf(error) ?? 0) || !(await speaks(older, signal))) throw error
      return found('sse')
    }
  }

  return {
    initialize: async (signal) => (chosen ?? (await pick(signal))).initialize(signal),
    ask: async (note, context) => (chosen ?? (await pick(context.signal))).ask(note, context),
    async tell(note) {
      await chosen?.tell(note)
    },
    async close() {
      await Promise.all([streamable.close(), older.close()])
    },
  }
}

async function speaks(conversation: Conversation, signal: AbortSignal): Promise<boolean> {
  return conversation.initialize(signal).then(
    () => true,
    () => false,
  )
}
