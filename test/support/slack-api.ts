import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject } from '../../src/core/json.ts'

export interface SlackRequest {
  readonly method: string
  readonly authorization: string | undefined
  // Tests look into bodies member by member.
  // biome-ignore lint/suspicious/noExplicitAny: wire JSON under test
  readonly body: any
}

/** A workspace of Slack: the methods that Aegis calls, and users who press what it shows. */
export interface SlackWorkspace {
  /** For `api_url`. */
  readonly url: string
  readonly token: string
  readonly signingSecret: string
  readonly calls: readonly SlackRequest[]
  of(method: string): readonly SlackRequest[]
  /** A message as the channel shows it now. */
  message(ts: string): SlackRequest['body']
  /** What the next calls are refused with; null for none. */
  refuse: string | null
  /** A press of a button that the message shows. Throws where it shows none: nobody could press it. */
  press(button: string, by: string, message: { readonly ts: string }): JsonObject
  /** The form that was opened last, sent with a comment. */
  submit(comment: string, by: string): JsonObject
  /** The headers and the body by which Slack sends a payload. */
  signed(payload: JsonObject, at?: number): { readonly headers: Record<string, string>; readonly body: string }
  close(): void
}

export const CHANNEL = 'C0123456789'

export async function startSlack(): Promise<SlackWorkspace> {
  const calls: SlackRequest[] = []
  const messages = new Map<string, SlackRequest['body']>()
  let posted = 0

  function answer(method: string, body: SlackRequest['body']): JsonObject {
    if (workspace.refuse !== null) return { ok: false, error: workspace.refuse }
    if (method === 'chat.postMessage') {
      posted += 1
      const ts = `1775485320.${String(posted).padStart(6, '0')}`
      messages.set(ts, body)
      return { ok: true, channel: body.channel, ts, message: body }
    }
    if (method === 'chat.update') {
      if (!messages.has(body.ts)) return { ok: false, error: 'message_not_found' }
      messages.set(body.ts, body)
      return { ok: true, channel: body.channel, ts: body.ts }
    }
    return method === 'views.open' || method === 'chat.postEphemeral'
      ? { ok: true }
      : { ok: false, error: 'unknown_method' }
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    const method = (request.url ?? '').replace('/api/', '')
    calls.push({ method, authorization: request.headers.authorization, body })
    const known = request.headers.authorization === `Bearer ${workspace.token}`
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(known ? answer(method, body) : { ok: false, error: 'invalid_auth' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const of = (method: string) => calls.filter((call) => call.method === method)
  const workspace: SlackWorkspace = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    token: 'xoxb-1-test',
    signingSecret: '8f742231b10e8888abcd99yyyzzz85a5',
    calls,
    of,
    message: (ts) => messages.get(ts),
    refuse: null,
    press(button, by, { ts }) {
      const shown = messages.get(ts)
      const buttons = shown.blocks.flatMap((block: { elements?: JsonObject[] }) => block.elements ?? [])
      const found = buttons.find(({ text }: JsonObject) => (text as JsonObject | undefined)?.['text'] === button)
      if (found === undefined) throw new Error(`the message shows no button ${button}`)
      return {
        type: 'block_actions',
        user: { id: by, username: 'whoever', team_id: 'T0123' },
        api_app_id: 'A0123',
        trigger_id: '398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
        channel: { id: shown.channel, name: 'reviews' },
        container: { type: 'message', message_ts: ts, channel_id: shown.channel },
        response_url: 'https://hooks.slack.com/actions/T0123/1/x',
        actions: [{ type: 'button', action_id: found.action_id, block_id: 'aegis_buttons', value: found.value }],
      }
    },
    submit(comment, by) {
      const view = of('views.open').at(-1)?.body.view
      return {
        type: 'view_submission',
        user: { id: by, team_id: 'T0123' },
        trigger_id: '1.2.3',
        view: {
          ...view,
          id: 'V0123',
          state: { values: { comment: { comment: { type: 'plain_text_input', value: comment } } } },
        },
      }
    },
    signed(payload, at = Date.now()) {
      const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
      const timestamp = String(Math.floor(at / 1000))
      const mac = createHmac('sha256', workspace.signingSecret).update(`v0:${timestamp}:${body}`).digest('hex')
      return {
        body,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-slack-request-timestamp': timestamp,
          'x-slack-signature': `v0=${mac}`,
        },
      }
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return workspace
}
