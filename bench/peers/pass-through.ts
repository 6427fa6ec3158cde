/** A raw HTTP pass-through: hono in front, an undici pool behind, no look at the message. The yardstick of the hot path. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Pool } from 'undici'

const upstream = new URL(process.argv[2] ?? '')
const pool = new Pool(upstream.origin, { connections: 64 })

const app = new Hono()
app.post('/mcp', async (context) => {
  const body = Buffer.from(await context.req.arrayBuffer())
  const answer = await pool.request({
    path: upstream.pathname,
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  })
  const text = await answer.body.text()
  return new Response(text === '' ? null : text, {
    status: answer.statusCode,
    headers: { 'content-type': 'application/json' },
  })
})

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => {
  console.log(JSON.stringify({ port: info.port }))
})
