import { JUDGED_REQUESTS } from '../core/envelope.ts'
import { AegisError, asAegisError } from '../core/errors.ts'
import type { Sha256 } from '../core/ids.ts'
import { type JsonObject, textMember } from '../core/json.ts'
import type { Clock, Log } from '../core/runtime.ts'
import { definitionOf } from './definition.ts'
import { type Lesson, learn, MAX_TOOLS, type Seen } from './learn.ts'
import { type Era, INSTRUCTIONS, type Pin, type PinKey, type PinStore } from './ports.ts'
import { changedBetween, createRegistry } from './registry.ts'

/**
 * `trust-first`: the first definition of a tool is trusted, as ssh trusts the first key of a host; `accept`: a person accepts
 * each; `off`: the upstream may change its tools as it likes.
 */
export const PIN_MODES = ['trust-first', 'accept', 'off'] as const
export type PinMode = (typeof PIN_MODES)[number]

/** Whether a tool may be shown and called, or why not. */
export type Standing = 'trusted' | 'changed' | 'unaccepted' | 'look-alike'

/** The tools of an upstream, as it listed them for a client. */
export interface ToolsListed {
  readonly upstream: string
  readonly mode: PinMode
  readonly era: Era
  readonly tools: readonly JsonObject[]
}

export interface ToolPins {
  /**
   * Of the tools an upstream listed, those that may be shown; keeps what was not seen before.
   * @throws what the store throws: then nothing is shown
   */
  admit(list: ToolsListed): Promise<readonly JsonObject[]>
  /** Whether a client may be told the `instructions` of an upstream's greeting: they reach the model like a description does. */
  admitInstructions(list: Omit<ToolsListed, 'tools'>, text: string): Promise<boolean>
  /** A look-up in memory: it stands on the path of every call. */
  standing(upstream: string, mode: PinMode, tool: string): Standing
  /** The definition a person accepted in place of an earlier one, or null. */
  revision(upstream: string, tool: string): Sha256 | null
  /** @param by the principal. @throws AegisError `conflict` where this very definition does not wait (any more) */
  accept(pin: PinKey, by: string): Promise<void>
  /** The upstream is to go back to what was accepted. @throws AegisError `conflict` */
  reject(pin: PinKey, by: string): Promise<void>
  /** Calls back with the name of an upstream whenever a tool of it that was known is shown from now on, or withheld. */
  watch(listener: (upstream: string) => void): void
  /** Reads again what is stored: another gateway may have written. */
  refresh(): Promise<void>
  /** Definitions that wait, and those in force that a reader should be warned of. */
  counts(): { readonly withheld: number; readonly suspicious: number }
  readonly store: PinStore
}

/** @throws what the store throws */
export async function openToolPins(parts: {
  readonly store: PinStore
  readonly clock: Clock
  readonly log: Log
}): Promise<ToolPins> {
  const { store, clock, log } = parts
  let registry = createRegistry(await store.index())
  let last: Promise<unknown> = Promise.resolve()

  const listeners: ((upstream: string) => void)[] = []
  const refresh = async (): Promise<void> => {
    const before = registry
    registry = createRegistry(await store.index())
    for (const upstream of changedBetween(before, registry)) for (const tell of listeners) tell(upstream)
  }
  /** One change at a time: two lists that arrive together must see each other's tools. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  const isTrusted = (upstream: string, { name, definition }: Seen): boolean => {
    const state = registry.tools.get(upstream)?.get(name)
    return state !== undefined && state.waiting === null && state.accepted.has(definition.digest)
  }

  async function keep({ upstream, mode, era }: Omit<ToolsListed, 'tools'>, seen: readonly Seen[]): Promise<void> {
    const trusting = mode === 'trust-first'
    const lesson = learn(registry, { upstream, era, seen, trusting, now: clock.now() })
    const { trusted, held } = lesson
    if (trusted.length > 0) await store.trust(trusted)
    if (held.length > 0) await store.hold(held)
    if (trusted.length + held.length > 0) await refresh()
    tell(log, upstream, lesson)
  }

  async function trustedOf(list: Omit<ToolsListed, 'tools'>, seen: readonly Seen[]): Promise<readonly Seen[]> {
    const { upstream, mode } = list
    if (mode === 'off') return seen
    if (!seen.every((one) => isTrusted(upstream, one))) await inTurn(() => keep(list, seen))
    return seen.filter((one) => isTrusted(upstream, one))
  }

  async function decided(done: boolean, pin: PinKey, by: string, verb: string): Promise<void> {
    await refresh()
    const { upstream, tool, digest } = pin
    if (!done) {
      throw new AegisError('conflict', `no such definition of ${JSON.stringify(tool)} waits`, {
        advice: 'it changed again or was decided already: look at it again with `aegisctl pins diff`',
        path: 'digest',
      })
    }
    log.info({ upstream, tool, digest, by }, `the definition of a tool was ${verb}`)
  }

  return {
    store,
    watch: (listener) => void listeners.push(listener),
    refresh: () => inTurn(refresh),

    async admit(list) {
      const tools = list.mode === 'off' ? list.tools : firstOf(log, list)
      const seen = tools.flatMap((tool) => (isOffered(tool) ? read(tool) : []))
      return (await trustedOf(list, seen)).map(({ tool }) => tool)
    },

    async admitInstructions(list, text) {
      const trusted = await trustedOf(list, read({ name: INSTRUCTIONS, description: text }))
      return trusted.length > 0
    },

    standing(upstream, mode, tool) {
      if (mode === 'off') return 'trusted'
      const state = registry.tools.get(upstream)?.get(tool)
      if (state === undefined) {
        if (mode === 'accept') return 'unaccepted'
        // A server that ignores case or folds letters would run the tool that is withheld under its own name.
        return registry.impostor(upstream, tool) ? 'look-alike' : 'trusted'
      }
      if (state.waiting === null) return 'trusted'
      return state.accepted.size === 0 ? 'unaccepted' : 'changed'
    },

    revision: (upstream, tool) => registry.tools.get(upstream)?.get(tool)?.revision ?? null,
    accept: (pin, by) => inTurn(async () => decided(await store.accept(pin, by, clock.now()), pin, by, 'accepted')),
    reject: (pin, by) => inTurn(async () => decided(await store.reject(pin), pin, by, 'rejected')),

    counts() {
      const waiting = registry.pins.filter(({ status }) => status === 'waiting')
      return { withheld: waiting.length, suspicious: registry.pins.filter(isSuspicious).length }
    },
  }
}

function firstOf(log: Log, { upstream, tools }: ToolsListed): readonly JsonObject[] {
  if (tools.length <= MAX_TOOLS) return tools
  log.warn({ upstream, listed: tools.length, shown: MAX_TOOLS }, 'the upstream lists more tools than are looked at')
  return tools.slice(0, MAX_TOOLS)
}

function isSuspicious({ findings }: Pick<Pin, 'findings'>): boolean {
  return findings.some((finding) => finding !== 'listed-later')
}

/** Lines about the tools of one list: an upstream that changes all of them each time must not fill the log. */
const TOLD = 20

function tell(log: Log, upstream: string, { trusted, held, ignored }: Lesson): void {
  const fields = ({ tool, digest, findings }: Pin) => ({ upstream, tool: tool.slice(0, 128), digest, findings })
  for (const pin of held.slice(0, TOLD)) {
    log.warn(fields(pin), 'a tool is withheld until a person accepts its definition')
  }
  if (held.length > TOLD)
    log.warn({ upstream, more: held.length - TOLD }, 'more tools are withheld: see `aegisctl pins`')
  for (const pin of trusted.filter(isSuspicious).slice(0, TOLD))
    log.warn(fields(pin), 'the definition of a tool is suspicious')
  if (ignored > 0) log.warn({ upstream, ignored }, 'the upstream has listed more tools than are remembered')
}

const RESERVED: ReadonlySet<string> = new Set(JUDGED_REQUESTS.flatMap((name) => [name, name.replaceAll('/', '.')]))

/** True for a tool named like a request of the protocol: it would borrow the rules made for that. */
export function isReservedName(name: string): boolean {
  return RESERVED.has(name)
}

/** Longer names cannot be called (`entrances/mcp/single.ts`). */
const MAX_NAME = 512

function isOffered(tool: JsonObject): boolean {
  const { name } = tool
  return typeof name === 'string' && name !== INSTRUCTIONS && name.length <= MAX_NAME && !isReservedName(name)
}

/** Nothing where a tool has no name to be called by, or no canonical form to be known again by. */
function read(tool: JsonObject): Seen[] {
  const name = textMember(tool, 'name')
  // PostgreSQL keeps no NUL, and no honest name holds one.
  if (name === undefined || name.includes('\0')) return []
  try {
    return [{ tool, name, definition: definitionOf(tool) }]
  } catch (error) {
    if (asAegisError(error).code === 'invalid_request') return []
    throw error
  }
}
