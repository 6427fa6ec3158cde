import type { JsonObject } from '../../core/json.ts'
import type { ClientChannel } from '../../gateway/ports.ts'
import { initializeNote, readWelcome } from './conversation.ts'
import type { Era, Eras } from './eras.ts'
import { badAnswer, notSpoken, type Place } from './failures.ts'
import { type Discovery, discover } from './modern/discovery.ts'
import type { Multiplex } from './multiplex.ts'

export interface GreetingParts {
  readonly place: Place
  readonly channel: ClientChannel
  readonly eras: Eras
  readonly connectTimeoutMs: number
}

/** How a process that was started answered. `discovery` is null where it was not asked: its kind is known to be modern. */
export type Greeting =
  | { readonly era: 'legacy'; readonly welcome: JsonObject }
  | { readonly era: 'modern'; readonly discovery: JsonObject | null }

type Attempt = Greeting | { readonly era: null; readonly problem: string }

/** Milliseconds a program may be silent when it is probed: some of the legacy era answer nothing before `initialize`. */
const PROBE_MS = 10_000
/** One that has just answered the handshake is awake. */
const SECOND_PROBE_MS = 2_000

/**
 * Finds out the era of a program (2026-07-28, stdio, "Backward Compatibility").
 * @throws AegisError `upstream_unreachable`, unsent
 */
export async function greet(parts: GreetingParts, multiplex: Multiplex): Promise<Greeting> {
  const { place, channel, eras } = parts
  let refused: { readonly era: Era; readonly problem: string } | null = null
  for (const era of eras.order(channel)) {
    if (era === 'modern' && eras.sure(era)) return { era, discovery: null }
    const attempt: Attempt =
      era === 'legacy'
        ? await shakeHands(parts, multiplex)
        : await probe(parts, multiplex, refused === null ? PROBE_MS : SECOND_PROBE_MS)
    if (attempt.era !== null) {
      eras.spoke(era, refused?.era ?? null)
      return attempt
    }
    if (refused === null || era === 'legacy') refused = { era, problem: attempt.problem }
  }
  throw notSpoken(place, refused?.problem ?? 'no era is left to try')
}

async function shakeHands({ channel, connectTimeoutMs }: GreetingParts, multiplex: Multiplex): Promise<Attempt> {
  const patience = { idleMs: connectTimeoutMs, totalMs: connectTimeoutMs }
  const welcome = readWelcome(await multiplex.ask(initializeNote(channel), patience, null))
  return welcome.ok ? { era: 'legacy', welcome: welcome.result } : { era: null, problem: welcome.problem }
}

async function probe(parts: GreetingParts, multiplex: Multiplex, probeMs: number): Promise<Attempt> {
  const { place, channel, connectTimeoutMs } = parts
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), Math.min(probeMs, connectTimeoutMs))
  const context = { signal: silence.signal, onNotification: () => undefined }
  const patience = { idleMs: connectTimeoutMs, totalMs: connectTimeoutMs }
  let read: Discovery
  try {
    read = await discover(channel, (note) => multiplex.ask(note, patience, context))
  } catch (error) {
    if (!silence.signal.aborted) throw error
    return { era: null, problem: 'it does not answer server/discover' }
  } finally {
    clearTimeout(timer)
  }
  if (read.kind === 'foreign') throw badAnswer(place, read.problem, false)
  return read.kind === 'modern' ? { era: 'modern', discovery: read.result } : { era: null, problem: read.problem }
}
