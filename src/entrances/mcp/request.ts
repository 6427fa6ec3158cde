import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'hono'
import { AegisError } from '../../core/errors.ts'
import { isSessionLabel } from '../../core/ids.ts'
import { noLabel } from './failures.ts'
import { MAX_MESSAGE_BYTES } from './rpc.ts'

/** What the Node adapter puts beside a request. Absent where the app is called as a function. */
export type Bindings = { readonly incoming?: IncomingMessage; readonly outgoing?: ServerResponse }
export type McpContext = Context<{ Bindings: Bindings }>

const TOO_LARGE = `the body is over ${MAX_MESSAGE_BYTES} bytes`
const TOO_LARGE_ADVICE = 'send less in one call, or put the content into a file'

/** The whole body. @throws AegisError `too_large` as soon as it is known to be; `unsupported_media_type` where it is compressed. */
export async function readBody(context: McpContext): Promise<Uint8Array> {
  const coding = context.req.header('content-encoding') ?? 'identity'
  if (coding.trim().toLowerCase() !== 'identity') throw compressed()
  const declared = Number(context.req.header('content-length') ?? '0')
  if (declared > MAX_MESSAGE_BYTES) throw tooLarge()
  const incoming = context.env?.incoming
  // Straight from the socket: the web stream in between costs more than all else that happens to a message here.
  return incoming === undefined ? readWeb(context.req.raw) : readNode(incoming)
}

function readNode(incoming: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_MESSAGE_BYTES) {
        incoming.removeAllListeners('data')
        reject(tooLarge())
      } else chunks.push(chunk)
    })
    incoming.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    )
    incoming.on('error', reject)
    incoming.on('close', () => {
      if (!incoming.readableEnded) reject(new AegisError('invalid_request', 'the body ended early'))
    })
  })
}

async function readWeb(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_MESSAGE_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Unpacked it could be any size: a few kilobytes become gigabytes. */
function compressed(): AegisError {
  return new AegisError('unsupported_media_type', 'compressed bodies are not taken', {
    advice: 'send the JSON as it is, without Content-Encoding',
  })
}

function tooLarge(): AegisError {
  return new AegisError('too_large', TOO_LARGE, { advice: TOO_LARGE_ADVICE })
}

/** Calls back once if the client goes away before its answer was written. */
export function onDisconnect(context: McpContext, gone: () => void): void {
  const outgoing = context.env?.outgoing
  if (outgoing === undefined) {
    context.req.raw.signal.addEventListener('abort', gone, { once: true })
    return
  }
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone()
  })
}

/** Calls back when the answer is over: written to its end, or its client gone before that. */
export function onEnd(context: McpContext, over: () => void): void {
  const outgoing = context.env?.outgoing
  if (outgoing === undefined) context.req.raw.signal.addEventListener('abort', over, { once: true })
  else outgoing.once('close', over)
}

/** @throws AegisError `unsupported_media_type`: forms and plain text are what a foreign web page can send unasked. */
export function demandJson(contentType: string | undefined): void {
  if (contentType === 'application/json') return
  if (contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json') return
  throw new AegisError('unsupported_media_type', 'the body must be JSON', {
    advice: 'send Content-Type: application/json',
  })
}

/** Whether the client takes `type` (`application/json`, `text/event-stream`). No Accept header takes all. */
export function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept.includes(type) || accept.includes('*/*')) return true
  const lower = accept.toLowerCase()
  return lower.includes(type) || lower.includes(`${type.slice(0, type.indexOf('/'))}/*`)
}

/** HEAD is routed like GET: a stream opened for it would be read by nobody, and its end would be heard by nobody. */
export function asksForHeadOnly(context: McpContext): boolean {
  return context.req.method === 'HEAD'
}

/** The client's own name for its chain in the ledger. A label inside its key's namespace, so it opens nothing. */
export function labelOf(context: McpContext): string | null {
  const label = context.req.header('x-aegis-session')
  if (label === undefined) return null
  if (isSessionLabel(label)) return label
  throw noLabel()
}

const JSON_TYPE = 'application/json'

/** How the Node adapter is told that the answer has been written already (its `RESPONSE_ALREADY_SENT`). */
const ALREADY_SENT = new Response(null, { headers: { 'x-hono-already-sent': 'true' } })

/** A JSON answer. Written straight to the socket where there is one: a web Response in between costs a third of a call. */
export function answerJson(context: McpContext, text: string, status = 200): Response {
  const outgoing = context.env?.outgoing
  if (outgoing === undefined) return new Response(text, { status, headers: { 'content-type': JSON_TYPE } })
  if (!outgoing.headersSent && !outgoing.destroyed) {
    outgoing.writeHead(status, { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(text) })
    outgoing.end(text)
  }
  return ALREADY_SENT
}
