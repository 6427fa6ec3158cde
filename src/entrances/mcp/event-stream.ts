/** Bytes a client may leave unread before notifications for it are dropped. Requests and answers always go. */
const MAX_BACKLOG = 1024 * 1024

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Proxies such as nginx otherwise hold events back until their buffer is full.
  'x-accel-buffering': 'no',
} as const

/** One open `text/event-stream` body. After the reader has gone everything is a no-op. */
export interface EventStream {
  readonly body: ReadableStream<Uint8Array>
  readonly open: boolean
  /** One JSON-RPC message on one line. False where nobody reads any more. */
  send(message: string): boolean
  /** As `send`, but given up where the reader has too much unread already. */
  offer(message: string): boolean
  /** A comment: keeps proxies and clients from taking silence for death, and finds out whether the peer still lives. */
  beat(): void
  end(): void
}

const encoder = new TextEncoder()

export function openEventStream(onGone: () => void): EventStream {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  const body = new ReadableStream<Uint8Array>(
    {
      start(made) {
        controller = made
      },
      cancel() {
        controller = null
        onGone()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_BACKLOG }),
  )
  const write = (text: string): boolean => {
    controller?.enqueue(encoder.encode(text))
    return controller !== null
  }
  const send = (message: string): boolean => write(`event: message\ndata: ${message}\n\n`)
  return {
    body,
    get open() {
      return controller !== null
    },
    send,
    offer: (message) => (controller?.desiredSize ?? 0) > 0 && send(message),
    beat: () => {
      if ((controller?.desiredSize ?? 0) > 0) write(': \n\n')
    },
    end() {
      const last = controller
      controller = null
      last?.close()
    },
  }
}
