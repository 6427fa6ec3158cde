/** Events that may wait for a page that does not read them. */
const MOST_UNREAD = 64

export type Say = (event: string, data: unknown) => void

/**
 * Server-sent events (HTML, "Server-sent events") for as long as `tell` takes, or somebody listens. Who stops reading and stays is
 * not kept for: the stream ends, and a page that is still there comes again.
 */
export function eventStream(
  left: AbortSignal,
  tell: (say: Say, signal: AbortSignal) => Promise<void>,
): ReadableStream<Uint8Array> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, left])
  return new ReadableStream({
    start(controller) {
      const say: Say = (event, data) => {
        if (signal.aborted) return
        controller.enqueue(Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
        if ((controller.desiredSize ?? 0) <= -MOST_UNREAD) stop.abort()
      }
      void tell(say, signal).finally(() => {
        stop.abort()
        // Closed already where the browser left.
        try {
          controller.close()
        } catch {}
      })
    },
    cancel: () => stop.abort(),
  })
}
