import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { RunningServer } from '../server-process.ts'

/** What names a conversation with the server in each of its requests. */
export interface Conversation {
  readonly session: string | null
  readonly revision: string | null
  /** What this one message needs besides. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Requests of one bridge to the server's socket. Each has its own connection: a local one costs nothing, a reused one can be half dead. */
export interface Link {
  /** `signal` breaks the request, its answer included. @throws NotSent where the server cannot have seen it. */
  send(
    method: 'POST' | 'GET' | 'DELETE',
    conversation: Conversation,
    body?: Buffer,
    signal?: AbortSignal,
  ): Promise<IncomingMessage>
  /** Breaks every open request. */
  cut(): void
}

/** The message never left: it may be sent again without being carried out twice. */
export class NotSent extends Error {
  override readonly name = 'NotSent'
}

const NOBODY_LISTENS: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOENT'])

export function openLink(server: RunningServer, path: string, label: string | null): Link {
  const open = new Set<ClientRequest>()
  return {
    send(method, { session, revision, headers: more }, body, signal) {
      const headers = {
        host: 'localhost',
        authorization: `Bearer ${server.agentKey}`,
        accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        ...(session === null ? {} : { 'mcp-session-id': session }),
        ...(revision === null ? {} : { 'mcp-protocol-version': revision }),
        ...(label === null ? {} : { 'x-aegis-session': label }),
        ...more,
      }
      return new Promise((resolve, reject) => {
        const options = { socketPath: server.socketPath, path, method, headers, agent: false }
        const outgoing = request(signal === undefined ? options : { ...options, signal }, resolve)
        open.add(outgoing)
        outgoing.on('close', () => open.delete(outgoing))
        outgoing.on('error', (error) => {
          const code = 'code' in error ? error.code : undefined
          reject(NOBODY_LISTENS.has(code) ? new NotSent(error.message, { cause: error }) : error)
        })
        outgoing.end(body)
      })
    },
    cut() {
      for (const outgoing of open) outgoing.destroy()
    },
  }
}

/** The whole body as text. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}
