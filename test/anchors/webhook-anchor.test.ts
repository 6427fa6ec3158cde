import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { isSafeAddress } from '../../src/anchors/index.ts'
import { webhookAnchor } from '../../src/anchors/webhook-anchor.ts'
import { noProof, patient, tinyLog } from './support.ts'

const log = tinyLog(20)
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listen(handle: (request: IncomingMessage, body: string, response: ServerResponse) => void) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    handle(request, Buffer.concat(chunks).toString(), response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret-path`
}

const secret = () => 'hush-hush\n'
const now = () => 1_775_485_320_000

describe('an anchor behind a webhook', () => {
  it('posts the note signed over time and body; the receipt is the status and the first KiB of the answer', async () => {
    const seen: { headers: IncomingMessage['headers']; body: string }[] = []
    const url = await listen(({ headers }, body, response) => {
      seen.push({ headers, body })
      response.writeHead(201).end('x'.repeat(100_000))
    })
    const checkpoint = await log.checkpoint(7)
    const receipt = await webhookAnchor('hook', { url, secret, now }).submit(checkpoint, noProof, patient())
    expect(JSON.parse(receipt)).toEqual({ status: 201, body: 'x'.repeat(1024) })
    const [{ headers, body } = { headers: {}, body: '' }] = seen
    const root = Buffer.from(checkpoint.root).toString('base64')
    expect(JSON.parse(body)).toEqual({ type: 'checkpoint', size: 7, root, note: checkpoint.note })
    expect(headers).toMatchObject({ 'webhook-id': 'checkpoint-7', 'webhook-timestamp': '1775485320' })
    const mac = createHmac('sha256', 'hush-hush').update(`checkpoint-7.1775485320.${body}`).digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${mac}`)
  })

  it.each([
    ['an error', 500, {}],
    ['a refusal', 403, {}],
    ['a redirect', 307, { location: 'http://127.0.0.1:1/' }],
  ])('takes %s for no receipt, and tells neither the secret nor the address', async (_, status, headers) => {
    const url = await listen((_request, _body, response) => response.writeHead(status, headers).end('hush-hush'))
    const failed = webhookAnchor('hook', { url, secret, now }).submit(await log.checkpoint(7), noProof, patient())
    await expect(failed).rejects.toMatchObject({ name: 'AnchorError' })
    await expect(failed).rejects.not.toThrow(/hush|secret-path/)
  })

  it('gives up with its signal, on one that never answers and on one that never stops', async () => {
    const url = await listen((request, _body, response) => {
      if (request.headers['webhook-timestamp'] !== undefined) response.flushHeaders()
    })
    const late = webhookAnchor('hook', { url, secret, now })
    const failed = late.submit(await log.checkpoint(7), noProof, AbortSignal.timeout(50))
    await expect(failed).rejects.toMatchObject({ fault: 'unreachable' })
  })

  it('sends nothing where its secret is empty or cannot be read', async () => {
    let asked = 0
    const url = await listen((_request, _body, response) => {
      asked += 1
      response.end()
    })
    const empty = webhookAnchor('hook', { url, secret: () => '', now })
    await expect(empty.submit(await log.checkpoint(7), noProof, patient())).rejects.toThrow(/secret is empty/)
    expect(asked).toBe(0)
  })

  it.each([
    ['https://hooks.example/x', true],
    ['http://127.0.0.1:9/x', true],
    ['http://[::1]:9/x', true],
    ['http://localhost/x', true],
    ['http://hooks.example/x', false],
    ['http://127.0.0.1.example/x', false],
    ['https://alice:pw@hooks.example/x', false],
    ['file:///etc/passwd', false],
    ['not an address', false],
  ])('%s may be posted to: %s', (address, safe) => {
    expect(isSafeAddress(address)).toBe(safe)
  })
})
