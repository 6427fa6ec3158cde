import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // Tests look into bodies member by member.
  // biome-ignore lint/suspicious/noExplicitAny: wire JSON under test
  readonly body: any
}

/** A receiver of webhooks: real HTTP, and as bad as a test wants it. */
export interface WebhookSink {
  readonly url: string
  /** All that came, in order, whatever was answered. */
  readonly received: readonly Received[]
  /** How it answers from now on. Default: 204. */
  answer: (response: ServerResponse, nth: number) => void
  /** Those of one event. */
  of(event: string): readonly Received[]
  close(): void
}

export async function startSink(): Promise<WebhookSink> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    received.push({ headers: request.headers, text, body: JSON.parse(text) })
    sink.answer(response, received.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sink: WebhookSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret-path`,
    received,
    answer: (response) => void response.writeHead(204).end(),
    of: (event) => received.filter(({ body }) => body.event === event),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return sink
}

/** What a receiver computes by Standard Webhooks, from the bytes it got. */
export function expectedSignature({ headers, text }: Received, key: string | Buffer): string {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}
