import type { ActionEnvelope } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Fact, FactKey, Facts, FactValues } from '../core/facts.ts'

/** One collector for each fact: it looks at the world so that `decide` need not. A fact without one is unknown. */
export type Collectors = {
  readonly [K in FactKey]?: (envelope: ActionEnvelope, signal: AbortSignal) => Promise<FactValues[K]>
}

/** Longest time a fact may take; after it the fact is unknown, and what needs it tightens. */
const FACT_TIMEOUT_MS = 3000

export interface FactCollector {
  /** Collects just the facts asked for, at once. A collector that fails makes its fact unknown with the reason, never "fine". */
  collect(needed: readonly FactKey[], envelope: ActionEnvelope, signal: AbortSignal): Promise<Facts>
}

type Look = (envelope: ActionEnvelope, signal: AbortSignal) => Promise<FactValues[FactKey]>

const NOTHING: Facts = Object.freeze({})

export function createFactCollector(collectors: Collectors): FactCollector {
  async function one(key: FactKey, envelope: ActionEnvelope, signal: AbortSignal): Promise<Fact<FactValues[FactKey]>> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(FACT_TIMEOUT_MS)])
    const look: Look | undefined = collectors[key]
    if (look === undefined) return { known: false, reason: `nothing here knows the fact \`${key}\`` }
    try {
      return { known: true, value: await withSignal(look(envelope, limited), limited) }
    } catch (error) {
      signal.throwIfAborted()
      return { known: false, reason: reasonOf(error) }
    }
  }

  return {
    async collect(needed, envelope, signal) {
      if (needed.length === 0) return NOTHING
      const pairs = await Promise.all(needed.map(async (key) => [key, await one(key, envelope, signal)] as const))
      return Object.fromEntries(pairs)
    },
  }
}

/** With the advice, for a person reads it where the fact was wanted. */
function reasonOf(error: unknown): string {
  if (error instanceof AegisError && error.advice !== null) return `${error.message}: ${error.advice}`
  return error instanceof Error ? error.message : String(error)
}

function withSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error('took too long'))
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
