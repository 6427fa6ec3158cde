import type { JsonObject } from '../../core/json.ts'
import type { Outcome } from '../../gateway/ports.ts'
import { childEnvironment, type Environment, redactor } from './child-environment.ts'
import { type Child, startChild } from './child-process.ts'
import {
  type AskContext,
  type Conversation,
  type ConversationParts,
  INITIALIZED,
  initializeNote,
  readWelcome,
  untilAborted,
} from './conversation.ts'
import { badAnswer, cancelled, unreachable, unsent } from './failures.ts'
import { createInbound, type Inbound } from './inbound.ts'
import { createMultiplex, type Multiplex } from './multiplex.ts'
import { createRestarts } from './restarts.ts'
import { type Note, notificationText, parseMessages } from './rpc-message.ts'
import type { StdioRoute } from './upstream-config.ts'

export interface StdioParts extends ConversationParts {
  readonly route: StdioRoute
  readonly environment: Environment
  /** The processes of this upstream that run, and how many may. */
  readonly crowd: Crowd
  /** Monotonic milliseconds. */
  readonly elapsed: () => number
}

export interface Crowd {
  readonly limit: number
  size: number
}

/** One process and what is under way with it. */
interface Running {
  readonly child: Child
  readonly multiplex: Multiplex
  readonly inbound: Inbound
  welcome: JsonObject
  /** `initialized` was said. */
  ready: boolean
}

/** One process per conversation, started at the first use and again at the next use after it died. */
export function createStdioConversation(parts: StdioParts): Conversation {
  const { place, channel, elapsed } = parts
  let starting: Promise<Running> | null = null
  let live: Running | null = null
  /** The last one launched, whether or not it has answered yet: what `close` must end. */
  let launched: Running | null = null
  let closed = false
  const restarts = createRestarts(parts.limits.restartMs, elapsed)

  const start = async (): Promise<Running> => {
    const bornAt = elapsed()
    const running = launch(parts, () => {
      if (live !== running) return
      live = null
      starting = null
      restarts.ended(elapsed() - bornAt)
    })
    launched = running
    const { child, multiplex } = running
    const patience = { idleMs: parts.connectTimeoutMs, totalMs: parts.connectTimeoutMs }
    try {
      const welcome = readWelcome(await multiplex.ask(initializeNote(channel), patience, null))
      if (!welcome.ok) throw badAnswer(place, welcome.problem, false)
      running.welcome = welcome.result
    } catch (error) {
      void child.end()
      throw error
    }
    live = running
    return running
  }

  const open = (): Promise<Running> => {
    if (closed) return Promise.reject(unreachable(place, 'the conversation has ended', false))
    if (starting !== null) return starting
    const wait = restarts.wait()
    if (wait > 0) {
      const problem = `it failed ${restarts.failures()} times in a row; next attempt in ${Math.ceil(wait)} ms at the earliest`
      return Promise.reject(unreachable(place, problem, false))
    }
    if (parts.crowd.size >= parts.crowd.limit) {
      const advice = 'end clients that are not needed'
      return Promise.reject(unreachable(place, `${parts.crowd.limit} of its processes run already`, false, advice))
    }
    const started = start().catch((error: unknown) => {
      if (starting === started) starting = null
      restarts.failed()
      throw unsent(place, error)
    })
    starting = started
    return started
  }

  const ready = async (signal: AbortSignal): Promise<Running> => {
    const running = live ?? (await untilAborted(open(), signal, () => cancelled(place, false)))
    if (!running.ready) {
      running.ready = true
      running.child.send(notificationText(INITIALIZED))
    }
    return running
  }

  return {
    async initialize(signal) {
      return (await untilAborted(open(), signal, () => cancelled(place, false))).welcome
    },
    async ask(note: Note, context: AskContext): Promise<Outcome> {
      const running = await ready(context.signal)
      return running.multiplex.ask(note, parts.patience, context)
    },
    async tell(note) {
      if (live === null) return
      if (note.method !== INITIALIZED.method) live.child.send(notificationText(note))
      else await ready(AbortSignal.timeout(parts.connectTimeoutMs)).catch(() => undefined)
    },
    async close() {
      if (closed) return
      closed = true
      launched?.inbound.close()
      await launched?.child.end()
    },
  }
}

function launch(parts: StdioParts, onGone: () => void): Running {
  const { place, channel, log, route, secret } = parts
  const multiplex: Multiplex = createMultiplex(place, (text) => child.send(text))
  const inbound = createInbound(place, channel, log, (text) => void child.send(text))
  const toClient = (note: Note) => channel.notify(place.upstream, note)
  const child: Child = startChild({
    upstream: place.upstream,
    command: route.command,
    cwd: route.cwd,
    env: childEnvironment(route, parts.environment, secret),
    limits: parts.limits,
    log,
    redact: redactor(route, secret),
    onLine(line) {
      if (line === '') return
      for (const message of parseMessages(line, secret)) {
        if (message.kind === 'response' && multiplex.settle(message.id, message.outcome)) continue
        // All of a process's messages come in one stream: whose call a question belongs to is not said.
        inbound.accept(message, (note) => (multiplex.progress(note) ? undefined : toClient(note)), multiplex)
      }
    },
    onGone(problem) {
      parts.crowd.size -= 1
      inbound.close()
      multiplex.fail(problem)
      onGone()
    },
  })
  parts.crowd.size += 1
  return { child, multiplex, inbound, welcome: {}, ready: false }
}
