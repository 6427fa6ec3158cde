import { type AskContext, type Conversation, cancelNote, INITIALIZED } from './conversation.ts'
import { failure, type HttpReply, requestOverHttp, type Wire } from './http-request.ts'
import { createSessions, type HttpParts, type Session, send } from './http-session.ts'
import { createInbound } from './inbound.ts'
import { type Note, notificationText } from './rpc-message.ts'

const CLOSE_MS = 3_000
/** Answers to its questions on their way at once. One body may hold a million pings, and each answer takes a socket of ours. */
const MAX_REPLIES = 128

/** Streamable HTTP, revisions 2024-11-05 to 2025-11-25. */
export function createHttpConversation(parts: HttpParts): Conversation {
  const { place, connectTimeoutMs } = parts
  let lastId = 0
  let closed = false
  const nextId = () => ++lastId
  let replies = 0
  const reply = async (text: string) => {
    if (replies >= MAX_REPLIES) return
    replies += 1
    const session = await sessions.current()
    if (session !== null) await send(parts, 'POST', session.headers, text, connectTimeoutMs)
    replies -= 1
  }
  const inbound = createInbound(place, parts.channel, parts.log, (text) => void reply(text))
  const { calls, path, secret, limits } = parts
  const limit = limits.messageBytes
  const wire: Wire = { calls, path, limit, secret, inbound, open: new Set(), watchdogs: new Set() }
  const sessions = createSessions(parts, wire, nextId)

  return {
    async initialize(signal) {
      const { welcome } = await sessions.open(signal)
      return welcome
    },
    async ask(note, context) {
      const session = await sessions.ready(context.signal)
      let answer = await askOnce(parts, wire, session, nextId(), note, context)
      if (answer.kind === 'session-lost') {
        // It was restarted. A server that does not know the session has surely not run the request: asked once more.
        sessions.forget(session)
        answer = await askOnce(parts, wire, await sessions.ready(context.signal), nextId(), note, context)
      }
      if (answer.kind === 'answer') return answer.outcome
      throw failure(place, answer)
    },
    async tell(note) {
      const session = await sessions.current()
      if (session === null) return
      if (note.method === INITIALIZED.method) {
        await sessions.ready(AbortSignal.timeout(connectTimeoutMs)).catch(() => undefined)
      } else {
        await send(parts, 'POST', session.headers, notificationText(note), connectTimeoutMs)
      }
    },
    async close() {
      if (closed) return
      closed = true
      sessions.end()
      inbound.close()
      for (const running of wire.open) running.stop('the conversation was ended')
      const session = await sessions.current()
      session?.stream?.abort()
      // MCP, "Session Management": a client that leaves says DELETE. What comes back does not matter.
      if (session?.id) await send(parts, 'DELETE', session.headers, null, CLOSE_MS)
    },
  }
}

async function askOnce(
  parts: HttpParts,
  wire: Wire,
  session: Session,
  id: number,
  note: Note,
  context: AskContext,
): Promise<HttpReply> {
  const { headers } = session
  const inSession = session.id !== null
  const reply = await requestOverHttp(wire, {
    id,
    note,
    headers,
    inSession,
    resumes: true,
    patience: parts.patience,
    context,
  })
  // Closing the request is not a cancellation (MCP, "Sending Messages to the Server"): it has to be said.
  if (reply.kind === 'failed' && reply.sent && reply.by !== 'network') {
    void send(parts, 'POST', headers, notificationText(cancelNote(id, reply.problem)), CLOSE_MS)
  }
  return reply
}
