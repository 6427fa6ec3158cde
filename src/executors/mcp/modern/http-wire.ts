import type { JsonObject } from '../../../core/json.ts'
import type { ClientChannel, Outcome } from '../../../gateway/ports.ts'
import type { AskContext } from '../conversation.ts'
import { MODERN_REVISION } from '../eras.ts'
import { failure, requestOverHttp, type Wire } from '../http-request.ts'
import { type HttpParts, PROTOCOL_HEADERS, send } from '../http-session.ts'
import { createInbound } from '../inbound.ts'
import { type Note, notificationText } from '../rpc-message.ts'
import type { Patience } from '../watchdog.ts'
import { dressed } from './meta.ts'
import type { ToolHeaders } from './tool-headers.ts'
import { ENDLESS, type ModernWire } from './wire.ts'

/** HeaderMismatch: refused before it was run (2026-07-28, "Server Validation"). */
const HEADER_MISMATCH = -32020
/** Pages of tools looked through for the one whose headers were wrong. */
const MAX_PAGES = 20

/** Streamable HTTP of the modern era: one POST for each request, no sessions, nothing resumed. */
export function createHttpWire(parts: HttpParts, headers: ToolHeaders): ModernWire {
  const { calls, side, path, secret, limits, place, channel, log } = parts
  // "The server MUST NOT send independent JSON-RPC requests on this stream": the client never hears of one that does.
  const inbound = createInbound(place, deaf(channel), log, () => undefined)
  const limit = limits.messageBytes
  const wire: Wire = { calls, path, limit, secret, inbound, open: new Set(), watchdogs: new Set() }
  // Streams of changes stay open: they must not take the sockets of calls.
  const streams: Wire = { ...wire, calls: side }
  const fixed = [...PROTOCOL_HEADERS, ...parts.headers, 'mcp-protocol-version', MODERN_REVISION]
  let lastId = 0

  async function once(note: Note, context: AskContext, patience: Patience): Promise<Outcome> {
    const reply = await requestOverHttp(patience === ENDLESS ? streams : wire, {
      id: ++lastId,
      note,
      headers: [...fixed, ...headers.of(note)],
      inSession: false,
      resumes: false,
      patience,
      context,
    })
    if (reply.kind === 'answer') return reply.outcome
    throw failure(place, reply)
  }

  /** Looks for the tool anew; true where its headers are other ones now. */
  async function relearnt(note: Note, context: AskContext, patience: Patience): Promise<boolean> {
    const before = headers.of(note).join('\n')
    let cursor: JsonObject = {}
    for (let page = 0; page < MAX_PAGES; page++) {
      const list = await once(dressed({ method: 'tools/list', params: cursor }, channel, null), context, patience)
      if (list.kind === 'error') return false
      headers.learn(list.result)
      if (headers.of(note).join('\n') !== before) return true
      const { nextCursor } = list.result
      if (typeof nextCursor !== 'string') return false
      cursor = { cursor: nextCursor }
    }
    return false
  }

  return {
    async ask(note, context, patience) {
      const outcome = await once(note, context, patience)
      if (outcome.kind === 'result') {
        return note.method === 'tools/list' ? { kind: 'result', result: headers.learn(outcome.result) } : outcome
      }
      const mismatch = outcome.error.code === HEADER_MISMATCH && note.method === 'tools/call'
      return mismatch && (await relearnt(note, context, patience)) ? once(note, context, patience) : outcome
    },
    async tell(note) {
      const said = [...fixed, ...headers.of(note)]
      await send(parts, 'POST', said, notificationText(note), parts.connectTimeoutMs)
    },
    async close() {
      for (const running of wire.open) running.stop('the conversation was ended')
    },
  }
}

function deaf(channel: ClientChannel): ClientChannel {
  return { ...channel, request: () => Promise.reject(new Error('requests of upstreams belong into results')) }
}
