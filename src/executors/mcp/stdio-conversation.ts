import type { JsonObject } from '../../core/json.ts'
import type { Outcome } from '../../gateway/ports.ts'
import { childEnvironment, type Environment, redactor } from './child-environment.ts'
import { type Child, startChild } from './child-process.ts'
import {
  type AskContext,
  type Conversation,
  type ConversationParts,
  INITIALIZED,
  untilAborted,
} from './conversation.ts'
import type { Crowd } from './crowd.ts'
import type { Eras } from './eras.ts'
import { cancelled, unreachable, unsent } from './failures.ts'
import { createInbound, type Inbound } from './inbound.ts'
import { createModernConversation } from './modern/conversation.ts'
import { createMultiplex, type Multiplex } from './multiplex.ts'
import { createRestarts } from './restarts.ts'
import { type Note, notificationText, parseMessages } from './rpc-message.ts'
import { type Greeting, greet } from './stdio-greeting.ts'
import type { StdioRoute } from './upstream-config.ts'
import type { Patience } from './watchdog.ts'

export interface StdioParts extends ConversationParts {
  readonly route: StdioRoute
  readonly environment: Environment
  readonly crowd: Crowd
  /** Monotonic milliseconds. */
  readonly elapsed: () => number
  readonly eras: Eras
  /** Whether the client hears of changes: not where the conversation lasts for one call. */
  readonly listens: boolean
}

/** One process and what is under way with it. */
interface Running {
  readonly child: Child
  readonly multiplex: Multiplex
  readonly inbound: Inbound
}

/** One process that has said what era it speaks. */
interface Live {
  readonly running: Running
  readonly talk: Conversation
}

/** One process per conversation, started at the first use and again at the next use after it died. */
export function createStdioConversation(parts: StdioParts): Conversation {
  const { place, elapsed } = parts
  let starting: Promise<Live> | null = null
  let live: Live | null = null
  /** The last one launched, whether or not it has answered yet: what `close` must end. */
  let launched: Running | null = null
  let closed = false
  const restarts = createRestarts(parts.limits.restartMs, elapsed)

  const start = async (): Promise<Live> => {
    const bornAt = elapsed()
    const running = launch(parts, () => {
      if (live?.running !== running) return
      void live.talk.close()
      live = null
      starting = null
      restarts.ended(elapsed() - bornAt)
    })
    launched = running
    try {
      live = { running, talk: talkOf(parts, running, await greet(parts, running.multiplex)) }
    } catch (error) {
      void running.child.end()
      throw error
    }
    return live
  }

  const open = (): Promise<Live> => {
    if (closed) return Promise.reject(unreachable(place, 'the conversation has ended', false))
    if (starting !== null) return starting
    const wait = restarts.wait()
    if (wait > 0) {
      const problem = `it failed ${restarts.failures()} times in a row; next attempt in ${Math.ceil(wait)} ms at the earliest`
      return Promise.reject(unreachable(place, problem, false))
    }
    const full = parts.crowd.full(ownerOf(parts))
    if (full !== null) return Promise.reject(unreachable(place, full, false, 'end clients that are not needed'))
    const started = start().catch((error: unknown) => {
      if (starting === started) starting = null
      restarts.failed()
      throw unsent(place, error)
    })
    starting = started
    return started
  }

  const ready = async (signal: AbortSignal): Promise<Conversation> => {
    const { talk } = live ?? (await untilAborted(open(), signal, () => cancelled(place, false)))
    return talk
  }

  return {
    initialize: async (signal) => (await ready(signal)).initialize(signal),
    ask: async (note, context) => (await ready(context.signal)).ask(note, context),
    tell: async (note) => live?.talk.tell(note),
    async close() {
      if (closed) return
      closed = true
      await live?.talk.close()
      launched?.inbound.close()
      await launched?.child.end()
    },
  }
}

/** The process as a conversation in its era; its `close` leaves the process alone. */
function talkOf(parts: StdioParts, { child, multiplex }: Running, greeting: Greeting): Conversation {
  const say = (note: Note) => void child.send(notificationText(note))
  if (greeting.era === 'legacy') return createHandshaken(parts, multiplex, greeting.welcome, say)
  const wire = {
    ask: (note: Note, context: AskContext, patience: Patience) => multiplex.ask(note, patience, context),
    tell: async (note: Note) => say(note),
    close: async () => undefined,
  }
  return createModernConversation({ ...parts, discovery: greeting.discovery }, wire)
}

function createHandshaken(
  { patience }: StdioParts,
  multiplex: Multiplex,
  welcome: JsonObject,
  say: (note: Note) => void,
): Conversation {
  let ready = false
  const begin = () => {
    if (!ready) say(INITIALIZED)
    ready = true
  }
  return {
    initialize: async () => welcome,
    ask(note: Note, context: AskContext): Promise<Outcome> {
      begin()
      return multiplex.ask(note, patience, context)
    },
    async tell(note) {
      if (note.method === INITIALIZED.method) begin()
      else say(note)
    },
    close: async () => undefined,
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
        inbound.accept(message, (note) => (multiplex.deliver(note) ? undefined : toClient(note)), multiplex)
      }
    },
    onGone(problem) {
      leave()
      inbound.close()
      multiplex.fail(problem)
      onGone()
    },
  })
  const leave = parts.crowd.enter(ownerOf(parts))
  return { child, multiplex, inbound }
}

function ownerOf({ channel }: StdioParts): string | null {
  return channel.owner?.principal ?? null
}
