import { asAegisError } from '../../core/errors.ts'
import type { StoredEntry } from '../../ledger/store.ts'
import { type AdminContext, type Caller, callerOf } from '../door.ts'
import { eventStream, type Say } from './event-stream.ts'
import { streamHeaders } from './headers.ts'
import type { DashboardParts } from './viewing.ts'

/** Milliseconds in which what happens is gathered into one event: a busy log must not make pages load without end. */
const GATHER_MS = 150
/** Milliseconds between two signs of life, so that a page knows when the stream is dead. */
const BEAT_MS = 10_000

/** Entries after which what waits for a person is another. */
const SETTLES = new Set(['review', 'approve', 'deny', 'expire'])

/**
 * Server-sent events for open pages: that something happened, not what. The page then asks for itself
 * again, so that every view has one way of being made and nobody is told what they may not read.
 */
export function liveRoute(parts: DashboardParts): (context: AdminContext) => Promise<Response> {
  return async (context) => {
    const caller = await callerOf(context, parts.keeping).catch(() => null)
    // 204 has the browser stop asking (HTML, "Processing model"): the page says that the login is over.
    if (caller === null || caller.key.role === 'agent') return new Response(null, { status: 204 })
    const stream = eventStream(context.req.raw.signal, (say, signal) => tell(parts, caller, signal, say))
    return new Response(stream, { headers: streamHeaders() })
  }
}

async function tell(parts: DashboardParts, { key, inForce }: Caller, signal: AbortSignal, say: Say): Promise<void> {
  const { live, approvals } = parts.oversight
  const gathered = createGathering(async (kinds) => {
    const settles = [...kinds].some((kind) => SETTLES.has(kind))
    const pending = settles ? { pending: await approvals.waiting(key) } : {}
    say('change', { kinds: [...kinds], ...pending })
  })
  const beat = setInterval(() => say('beat', {}), BEAT_MS)
  beat.unref()
  try {
    const entries = await live.entries(key, {}, signal, inForce)
    say('ready', { pending: await approvals.waiting(key) })
    for await (const one of entries) gathered.add(one.kind === 'missed' ? 'missed' : kindOf(one.event))
    say('stopped', {})
  } catch (error) {
    const { code } = asAegisError(error)
    say(code === 'unauthenticated' ? 'ended' : 'stopped', {})
  } finally {
    clearInterval(beat)
    gathered.stop()
  }
}

function kindOf({ kind }: StoredEntry): string {
  return kind
}

/** The first thing is told at once, what comes soon after it together. */
function createGathering(tellAll: (kinds: ReadonlySet<string>) => Promise<void>) {
  let kinds = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  function tell(): void {
    timer = undefined
    if (kinds.size === 0) return
    const now = kinds
    kinds = new Set()
    timer = setTimeout(tell, GATHER_MS)
    // What could not be counted is told with the next event, or by the page's own refresh.
    tellAll(now).catch(() => undefined)
  }

  return {
    add(kind: string): void {
      kinds.add(kind)
      if (timer === undefined) tell()
    },
    stop: () => clearTimeout(timer),
  }
}
