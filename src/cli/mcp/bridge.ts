import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { AegisError, asAegisError, ERROR_CODES } from '../../core/errors.ts'
import type { RunningServer } from '../server-process.ts'
import { readEvents } from './events.ts'
import { readLines } from './lines.ts'
import { type Conversation, type Link, NotSent, openLink, readText } from './link.ts'
import { errorLine, type Id, idAtAnEnd, oneLine, type Peek, peekAt, protocolVersionIn } from './peek.ts'
import { createStatelessHeaders } from './stateless.ts'

/** Bytes of one line: a little over what the server takes, so that the server gives the refusal. */
const MAX_LINE = 2 * 1024 * 1024
/** Milliseconds that calls under way get to finish after stdin has ended. */
const GRACE_MS = 10_000
const GOODBYE_MS = 1_000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000

const NO_CONVERSATION: Conversation = { session: null, revision: null }
const UNREACHABLE = ERROR_CODES.upstream_unreachable.rpc
const TOO_LONG = { code: ERROR_CODES.too_large.rpc, message: 'a message is over 1 MiB. Send less in one call' }

export interface BridgeParts {
  readonly input: Readable
  readonly output: Writable
  /** One line for a person, on stderr. */
  readonly complain: (text: string) => void
  /** The running server, started where none runs. */
  readonly connect: () => Promise<RunningServer>
  readonly path: string
  readonly label: string | null
  readonly stop: AbortSignal
}

/**
 * MCP over stdio for one client, carried to the server's socket message by message. It judges nothing and changes
 * nothing: the server reads the client's own bytes. Resolves when the client has gone.
 */
export async function runBridge(parts: BridgeParts): Promise<void> {
  const bridge = new Bridge(parts)
  const stopped = once(parts.stop, 'abort').catch(() => undefined)
  // A client that no longer reads has gone as surely as one that no longer writes.
  const unread = new Promise((resolve) => parts.output.once('error', resolve))
  const ended = bridge.read().then(() => Promise.race([bridge.idle(), sleep(GRACE_MS, undefined, { ref: false })]))
  await Promise.race([ended, stopped, unread])
  await Promise.race([bridge.leave(), sleep(GOODBYE_MS, undefined, { ref: false })])
}

class Bridge {
  readonly #parts: BridgeParts
  readonly #running = new Set<Promise<void>>()
  readonly #stateless = createStatelessHeaders()
  /** Requests of the stateless revisions under way. */
  readonly #alone = new Map<Id, { readonly peek: Peek; readonly controller: AbortController }>()
  #link: Promise<Link> | null = null
  #conversation: Conversation = NO_CONVERSATION
  /** The client's `initialize`, for a server that was restarted and knows the session no more. */
  #hello: Buffer | null = null
  #opening: Promise<unknown> = Promise.resolve()
  #lost = false
  #renewing: Promise<void> | null = null
  #left = false

  constructor(parts: BridgeParts) {
    this.#parts = parts
  }

  async read(): Promise<void> {
    for await (const line of readLines(this.#parts.input, MAX_LINE)) {
      if (!Buffer.isBuffer(line)) {
        await this.#write(errorLine(idAtAnEnd(line), TOO_LONG))
        continue
      }
      const peek = peekAt(line)
      const work = this.#begin(line, peek)
      if (peek.method === 'initialize') this.#opening = work
      // A stream that never ends by itself is nothing to wait for.
      if (peek.method === 'subscriptions/listen') continue
      this.#running.add(work)
      void work.finally(() => this.#running.delete(work))
    }
  }

  #begin(line: Buffer, peek: Peek): Promise<void> {
    if (peek.method === 'initialize') return this.#open(line, peek)
    if (this.#cancelled(peek)) return Promise.resolve()
    const headers = this.#stateless.of(line)
    return headers === null ? this.#deliver(line, peek) : this.#deliverAlone(line, peek, headers)
  }

  /** A message of the stateless revisions: it needs no conversation, and is cancelled by breaking its request. */
  async #deliverAlone(line: Buffer, peek: Peek, headers: Readonly<Record<string, string>>): Promise<void> {
    const call = { peek, controller: new AbortController() }
    if (peek.id !== null) this.#alone.set(peek.id, call)
    await this.#guard(peek, async () => {
      const response = await this.#send({ ...NO_CONVERSATION, headers }, line, call.controller.signal)
      await this.#receive(response, peek)
    })
    if (peek.id !== null && this.#alone.get(peek.id) === call) this.#alone.delete(peek.id)
  }

  /** On HTTP there is no message for it ("Cancellation"). */
  #cancelled({ cancels }: Peek): boolean {
    const call = cancels === null ? undefined : this.#alone.get(cancels)
    if (call === undefined) return false
    call.peek.answered = true
    call.controller.abort()
    return true
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  async leave(): Promise<void> {
    this.#left = true
    const link = await this.#link?.catch(() => null)
    if (link === undefined || link === null) return
    if (this.#conversation.session !== null) {
      const goodbye = await link.send('DELETE', this.#conversation).catch(() => null)
      goodbye?.resume()
    }
    link.cut()
  }

  /** `initialize`, as the client sent it. Everything behind it waits for its answer. */
  async #open(line: Buffer, peek: Peek): Promise<void> {
    this.#hello = line
    await this.#guard(peek, async () => {
      const response = await this.#send(NO_CONVERSATION, line)
      const text = await readText(response)
      this.#remember(response, text)
      await this.#answer(response, text, peek)
    })
  }

  async #deliver(line: Buffer, peek: Peek): Promise<void> {
    await this.#opening
    await this.#guard(peek, async () => {
      if (this.#lost) await this.#renew()
      const used = this.#conversation
      const first = await this.#send(used, line)
      // 404: the server was restarted, or had forgotten an idle session. It has done nothing with this message.
      if (first.statusCode !== 404 || used.session === null) return this.#receive(first, peek)
      first.resume()
      if (this.#conversation === used) await this.#renew()
      return this.#receive(await this.#send(this.#conversation, line), peek)
    })
  }

  /** A new session in place of a lost one, once for all messages that found it lost. Where it fails, the next message tries again. */
  #renew(): Promise<void> {
    this.#lost = true
    this.#renewing ??= this.#reopen().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  async #reopen(): Promise<void> {
    if (this.#hello === null) throw new AegisError('not_found', 'the session is gone', { advice: 'Send initialize.' })
    const response = await this.#send(NO_CONVERSATION, this.#hello)
    const text = await readText(response)
    if (!this.#remember(response, text)) throw new AegisError('not_found', `no new session: ${text.slice(0, 500)}`)
    this.#lost = false
    const initialized = Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}')
    ;(await this.#send(this.#conversation, initialized)).resume()
    void this.#listen(this.#conversation)
  }

  #remember(response: IncomingMessage, text: string): boolean {
    const session = response.headers['mcp-session-id']
    if (typeof session !== 'string') return false
    this.#conversation = { session, revision: protocolVersionIn(text) }
    return true
  }

  async #receive(response: IncomingMessage, peek: Peek): Promise<void> {
    if (peek.method === 'notifications/initialized') void this.#listen(this.#conversation)
    if (response.headers['content-type']?.startsWith('text/event-stream') === true) {
      for await (const event of readEvents(response)) {
        peek.answered ||= peekAt(event).answers === peek.id
        this.#learn(peek, event)
        await this.#write(oneLine(event))
      }
      return
    }
    const text = await readText(response)
    this.#learn(peek, text)
    // Notifications get no answer, not even a refusal; nor do calls that the client cancelled.
    if (text !== '' && !peek.silent) await this.#answer(response, text, peek)
  }

  #learn({ method }: Peek, answer: string): void {
    if (method === 'tools/list') this.#stateless.learn(answer)
  }

  /** A refusal made before the message was read has no id: it goes back under the request's own, so that nobody waits. */
  async #answer(response: IncomingMessage, text: string, peek: Peek): Promise<void> {
    if ((response.statusCode ?? 500) < 300) return this.#write(oneLine(text))
    const error = peekAt(text).error ?? { code: UNREACHABLE, message: `the server answered ${response.statusCode}` }
    await this.#write(errorLine(peek.id, error))
  }

  /** What upstreams say out of turn. Ends with the conversation it belongs to. */
  async #listen(conversation: Conversation): Promise<void> {
    for (let pause = FIRST_RETRY_MS; !this.#left && this.#conversation === conversation; ) {
      try {
        const response = await (await this.#linked()).send('GET', conversation)
        if (response.statusCode !== 200) return response.resume() && undefined
        pause = FIRST_RETRY_MS
        for await (const event of readEvents(response)) await this.#write(oneLine(event))
      } catch {
        // The next call finds out whether the server is still there and says so.
      }
      await sleep(pause, undefined, { ref: false })
      pause = Math.min(pause * 2, LAST_RETRY_MS)
    }
  }

  /** Sends; where no server was listening, finds or starts one and sends again. */
  async #send(conversation: Conversation, line: Buffer, signal?: AbortSignal): Promise<IncomingMessage> {
    try {
      return await (await this.#linked()).send('POST', conversation, line, signal)
    } catch (error) {
      if (!(error instanceof NotSent)) throw error
      this.#link = null
      return await (await this.#linked()).send('POST', conversation, line, signal)
    }
  }

  #linked(): Promise<Link> {
    const { connect, path, label } = this.#parts
    this.#link ??= connect().then((server) => openLink(server, path, label))
    this.#link.catch(() => {
      this.#link = null
    })
    return this.#link
  }

  /** Whatever goes wrong becomes the answer of the request it went wrong for. */
  async #guard(peek: Peek, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#left) return
      const { message, advice } = asAegisError(error)
      this.#parts.complain(message)
      if (peek.silent || peek.answered) return
      const text = `the Aegis server could not answer: ${message}${advice === null ? '' : `. ${advice}`}`
      await this.#write(errorLine(peek.id, { code: UNREACHABLE, message: text }))
    }
  }

  async #write(line: string): Promise<void> {
    const { output } = this.#parts
    if (!this.#left && !output.write(`${line}\n`)) await once(output, 'drain')
  }
}
