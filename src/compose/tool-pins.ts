import type { Clock, Log } from '../core/runtime.ts'
import { isPostgres } from '../store/open.ts'
import { openToolPins, type PinStore, type ToolPins } from '../tool-pins/index.ts'

/** How soon what another gateway on the same database learnt or accepted holds here too, in milliseconds. */
const REFRESH_MS = 2000

/** The pins of this gateway, kept in step with those of others on its database. */
export interface ComposedPins {
  readonly pins: ToolPins
  stop(): void
}

export async function composePins(
  setting: string,
  store: PinStore,
  { clock, log }: { clock: Clock; log: Log },
): Promise<ComposedPins> {
  const pins = await openToolPins({ store, clock, log })
  // A SQLite store has one writer, which is this one.
  if (!isPostgres(setting)) return { pins, stop: () => undefined }
  const timer = setInterval(() => {
    pins.refresh().catch((error: Error) => log.error({ error: error.message }, 'the pins of tools could not be read'))
  }, REFRESH_MS)
  timer.unref()
  return { pins, stop: () => clearInterval(timer) }
}
