import { Worker } from 'node:worker_threads'
import type { AegisError } from '../core/errors.ts'
import { type Caller, createCaller, type Service } from './rpc.ts'

export interface ThreadParts<S extends Service, News> {
  readonly name: string
  readonly script: URL
  readonly settings: unknown
  readonly open: (caller: Caller<S>) => Promise<unknown>
  readonly close: (caller: Caller<S>) => Promise<unknown>
  readonly news: (news: News) => void
  /** Told once when it ends, and whether that was wanted. What waits for it and all that is asked later fails with what this gives. */
  readonly ended: (why: string, wanted: boolean) => AegisError
}

/** Runs a script in a thread of its own, opens the service that it offers, and stays with it to its end. @throws whatever opening it throws */
export async function openServiceThread<S extends Service, News>(
  parts: ThreadParts<S, News>,
): Promise<{ readonly caller: Caller<S>; close(): Promise<void> }> {
  // What the program itself was started with (`--import ...`) is not for its thread.
  const worker = new Worker(parts.script, { workerData: parts.settings, name: parts.name, execArgv: [] })
  const { caller, receive } = createCaller<S, News>({
    post: (message) => worker.postMessage(message),
    news: parts.news,
  })
  worker.on('message', receive)
  let [wanted, gone] = [false, false]
  const ended = (why: string): void => {
    // Its error comes before its end, and tells more.
    if (gone) return
    gone = true
    caller.fail(parts.ended(why, wanted))
  }
  worker.on('error', (error) => ended(error.message))
  worker.on('exit', (code) => ended(`it ended with status ${code}`))
  async function stop(): Promise<void> {
    wanted = true
    await worker.terminate()
  }
  try {
    await parts.open(caller)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    caller,
    async close() {
      wanted = true
      if (!gone) await parts.close(caller)
      await stop()
    },
  }
}
