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
  /** Bytes the reader may still leave unread; negative where it has left more. */
  readonly room: number
  /** One JSON-RPC message on one line. False where nobody reads any more. */
  send(message: string): boolean
  /** As `send`, but given up where the reader has too much unread already. */
  offer(message: string): boolean
  /** A comment: keeps proxies and clients from taking silence for death, and finds out whether the peer still lives. */
  beat(): void
  end(): void
  /** Resolves as soon as a client is connected to it: at once, but for one that can be come back to. */
  attended(): Promise<void>
  /** The connection that carried it is known to be broken. */
  drop(): void
}

/** One event (WHATWG HTML, 9.2). `data` holds no line end. */
export interface SseEvent {
  readonly name: string
  readonly data: string
  readonly id: string | null
}

/** The connection itself. */
export interface Wire extends EventStream {
  write(event: SseEvent): boolean
}

const encoder = new TextEncoder()

export function openEventStream(onGone: () => void): Wire {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null
  const gone = (): void => {
    if (controller === null) return
    controller = null
    onGone()
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(made) {
        controller = made
      },
      cancel: gone,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_BACKLOG }),
  )
  const room = (): number => controller?.desiredSize ?? 0
  const put = (text: string): boolean => {
    controller?.enqueue(encoder.encode(text))
    return controller !== null
  }
  const write = ({ name, data, id }: SseEvent): boolean =>
    put(`event: ${name}\n${id === null ? '' : `id: ${id}\n`}data: ${data}\n\n`)
  const send = (message: string): boolean => write({ name: 'message', data: message, id: null })
  return {
    body,
    get open() {
      return controller !== null
    },
    get room() {
      return room()
    },
    write,
    send,
    offer: (message) => room() > 0 && send(message),
    beat: () => {
      if (room() > 0) put(': \n\n')
    },
    end() {
      const last = controller
      controller = null
      last?.close()
    },
    attended: () => Promise.resolve(),
    drop: gone,
  }
}
