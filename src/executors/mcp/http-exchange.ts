import type { Dispatcher, Pool } from 'undici'
import { createSseParser, type SseEvent, type SseParser } from './sse.ts'

/** One HTTP request and its answer, as far as MCP cares. */
export interface Exchange {
  /** Never rejects. */
  readonly done: Promise<ExchangeEnd>
  /** Closes the request; `done` then says `failed` with this problem. */
  stop(problem: string): void
  /** The answer was found in the stream: `done` says `stream` now, the rest is drained and the socket kept. */
  finish(): void
}

export type ExchangeEnd =
  | { readonly kind: 'body'; readonly head: Head; readonly text: string }
  | ({ readonly kind: 'stream'; readonly head: Head } & ResumePoint)
  /** `sent` is false only where not one byte of the request was written; `stopped` is true where it was us who ended it. */
  | ({
      readonly kind: 'failed'
      readonly sent: boolean
      readonly stopped: boolean
      readonly problem: string
    } & ResumePoint)

/** Where and when a stream may be taken up again; `lastId` is `''` where it cannot. */
export interface ResumePoint {
  readonly retryMs: number | null
  readonly lastId: string
}

export interface Head {
  readonly status: number
  readonly sessionId: string | null
}

export interface ExchangeRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly path: string
  /** Name, value, name, value. */
  readonly headers: string[]
  readonly body: string | null
  readonly limit: number
  readonly onEvent: (event: SseEvent) => void
  /** Any bytes came. */
  readonly onLife: () => void
}

/** A server may leave the stream of an answered request open; after this its socket is given up. */
const DRAIN_MS = 2_000

/**
 * Sends one request. undici's `dispatch` instead of its `request`: no stream object per answer, and `onRequestStart`
 * tells exactly whether anything was written. Redirects are not followed: the next host was not configured.
 */
export function exchange(pool: Pool, request: ExchangeRequest): Exchange {
  let settle: (end: ExchangeEnd) => void = () => undefined
  const done = new Promise<ExchangeEnd>((resolve) => {
    settle = resolve
  })
  let controller: Dispatcher.DispatchController | null = null
  let over = false
  let drain: NodeJS.Timeout | null = null
  let sent = false

  const end = (result: ExchangeEnd) => {
    if (over) return
    over = true
    settle(result)
  }
  const stop = (problem: string) => {
    end({ kind: 'failed', sent, stopped: true, problem, ...body.resumePoint() })
    controller?.abort(new Error(problem))
  }
  const body = createBodyReader(request, stop)

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
      if (over) started.abort(new Error('given up before it was sent'))
      else sent = true
    },
    onResponseStart(_, status, headers) {
      // 1xx are announcements of the real head.
      if (status >= 200) body.start(status, headers)
      request.onLife()
    },
    onResponseData(_, chunk) {
      if (over) return
      request.onLife()
      body.push(chunk)
    },
    onResponseEnd() {
      if (drain !== null) clearTimeout(drain)
      end(body.end())
    },
    onResponseError(_, error) {
      if (drain !== null) clearTimeout(drain)
      end({ kind: 'failed', sent, stopped: false, problem: problemOf(error), ...body.resumePoint() })
    },
  }
  try {
    const { method, path, headers } = request
    pool.dispatch({ method, path, headers, body: request.body, headersTimeout: 0, bodyTimeout: 0 }, handler)
  } catch (error) {
    end({ kind: 'failed', sent, stopped: false, problem: problemOf(error), ...body.resumePoint() })
  }
  return {
    done,
    stop,
    finish() {
      if (over) return
      end(body.end())
      drain = setTimeout(() => controller?.abort(new Error('stream left open')), DRAIN_MS)
      drain.unref()
    },
  }
}

interface BodyReader {
  start(status: number, headers: Record<string, string | string[] | undefined>): void
  push(chunk: Buffer): void
  end(): ExchangeEnd
  resumePoint(): ResumePoint
}

function createBodyReader(request: ExchangeRequest, stop: (problem: string) => void): BodyReader {
  const tooLong = () => stop(`its answer is over ${request.limit} bytes`)
  const chunks: Buffer[] = []
  let head: Head = { status: 0, sessionId: null }
  let sse: SseParser | null = null
  let size = 0
  const resumePoint = () => ({ retryMs: sse?.retryMs() ?? null, lastId: sse?.lastId() ?? '' })
  return {
    resumePoint,
    start(status, headers) {
      head = { status, sessionId: single(headers['mcp-session-id']) }
      const streams = status === 200 && (single(headers['content-type']) ?? '').startsWith('text/event-stream')
      if (streams) sse = createSseParser(request.limit, request.onEvent, tooLong)
    },
    push(chunk) {
      if (sse !== null) return sse.push(chunk)
      size += chunk.length
      if (size > request.limit) tooLong()
      else chunks.push(chunk)
    },
    end() {
      if (sse !== null) return { kind: 'stream', head, ...resumePoint() }
      // Joined before it is decoded, so a split character stays whole.
      const whole = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      return { kind: 'body', head, text: whole === undefined ? '' : whole.toString('utf8') }
    },
  }
}

function single(value: string | string[] | undefined): string | null {
  return typeof value === 'string' ? value : null
}

/** In words; an error's own text may name nothing but an address, its code says what happened. */
function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ENOTFOUND: 'its host name is not known',
    EAI_AGAIN: 'its host name could not be looked up',
    ECONNRESET: 'it closed the connection',
    UND_ERR_SOCKET: 'it closed the connection',
    UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
    UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'it closed the connection in the middle of an answer',
  }
  return known[code] ?? (code === '' ? 'the request failed' : `the request failed (${code})`)
}
