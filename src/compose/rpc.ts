import type { MessagePort } from 'node:worker_threads'
import { AegisError, type ErrorCode } from '../core/errors.ts'

/** Methods that one thread offers another. Arguments and results are structured clones: values, never functions. */
export type Service = Readonly<Record<string, (...values: never[]) => Promise<unknown>>>

/** The calls of one turn of the event loop travel together: a message costs more than what it carries. */
interface Calls {
  readonly calls: readonly Call[]
}
interface Call {
  readonly id: number
  readonly method: string
  readonly values: readonly unknown[]
}
interface Answers<News> {
  readonly answers: readonly Answer[]
  readonly news: News
}
type Said = { readonly value: unknown } | { readonly error: WireError }
type Answer = Said & { readonly id: number }

interface WireError {
  /** Null for what is no error of ours. */
  readonly code: ErrorCode | null
  readonly message: string
  readonly advice: string | null
  readonly path: string | null
  readonly data: AegisError['data']
}

/**
 * Answers the calls that come in at this port. What is new travels with every message.
 * @returns what sends the news by themselves, soon
 */
export function offer<News>(port: MessagePort, service: Service, news: () => News): () => void {
  let answers: Answer[] = []
  let due = false

  function flush(): void {
    due = false
    const message: Answers<News> = { answers, news: news() }
    answers = []
    try {
      port.postMessage(message)
    } catch {
      // One of them cannot travel: each goes by itself, and that one as its error.
      for (const answer of message.answers) sendAlone(answer, message.news)
    }
  }

  function sendAlone(answer: Answer, current: News): void {
    try {
      port.postMessage({ answers: [answer], news: current } satisfies Answers<News>)
    } catch (error) {
      const failed = { id: answer.id, error: wireError(error) }
      port.postMessage({ answers: [failed], news: current } satisfies Answers<News>)
    }
  }

  function soon(): void {
    if (due) return
    due = true
    // After all that this turn settles, before the next one begins.
    process.nextTick(flush)
  }

  async function answer({ id, method, values }: Call): Promise<void> {
    const said = await run(method, values)
    // Only now: while it ran, what others were answered was sent, and a new list begun.
    answers.push({ id, ...said })
    soon()
  }

  async function run(method: string, values: readonly unknown[]): Promise<Said> {
    try {
      const found = service[method]
      if (found === undefined) throw new Error(`no method ${method}`)
      return { value: await found(...(values as never[])) }
    } catch (error) {
      return { error: wireError(error) }
    }
  }

  port.on('message', ({ calls }: Calls) => {
    for (const call of calls) void answer(call)
  })
  return soon
}

/** The other thread's service, as if it were here. */
export interface Caller<S extends Service> {
  call<M extends keyof S & string>(method: M, ...values: Parameters<S[M]>): ReturnType<S[M]>
  /** Calls that wait for their answer. */
  waiting(): number
  /** The other thread is gone: what waits and what comes fails with this. */
  fail(error: AegisError): void
}

export interface CallerParts<News> {
  readonly post: (message: unknown) => void
  readonly news: (news: News) => void
}

/** @returns the caller, and what to do with each message of the other thread */
export function createCaller<S extends Service, News>(
  parts: CallerParts<News>,
): { readonly caller: Caller<S>; readonly receive: (message: unknown) => void } {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let calls: Call[] = []
  let last = 0
  let gone: AegisError | null = null

  function flush(): void {
    const message: Calls = { calls }
    calls = []
    if (gone !== null) return
    try {
      parts.post(message)
    } catch {
      for (const call of message.calls) sendAlone(call)
    }
  }

  function sendAlone(call: Call): void {
    try {
      parts.post({ calls: [call] } satisfies Calls)
    } catch (error) {
      settle({ id: call.id, error: wireError(error) })
    }
  }

  function settle(answer: Answer): void {
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) asked?.reject(revived(answer.error))
    else asked?.resolve(answer.value as never)
  }

  return {
    caller: {
      call(method, ...values) {
        const answered = new Promise((resolve, reject) => {
          if (gone !== null) {
            reject(gone)
            return
          }
          const id = ++last
          waiting.set(id, { resolve, reject })
          if (calls.length === 0) setImmediate(flush)
          calls.push({ id, method, values })
        })
        return answered as ReturnType<S[typeof method]>
      },
      waiting: () => waiting.size,
      fail(error) {
        gone ??= error
        for (const { reject } of waiting.values()) reject(gone)
        waiting.clear()
      },
    },
    receive(message) {
      const { answers, news } = message as Answers<News>
      // What is new holds when the answers are heard.
      parts.news(news)
      for (const answer of answers) settle(answer)
    },
  }
}

function wireError(error: unknown): WireError {
  if (error instanceof AegisError) {
    const { code, message, advice, path, data } = error
    return { code, message, advice, path, data }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: null, message, advice: null, path: null, data: null }
}

function revived({ code, message, advice, path, data }: WireError): Error {
  if (code === null) return new Error(message)
  return new AegisError(code, message, {
    ...(advice === null ? {} : { advice }),
    ...(path === null ? {} : { path }),
    ...(data === null ? {} : { data }),
  })
}
