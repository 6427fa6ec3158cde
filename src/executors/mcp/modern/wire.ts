import type { Outcome } from '../../../gateway/ports.ts'
import type { AskContext } from '../conversation.ts'
import type { Note } from '../rpc-message.ts'
import type { Patience } from '../watchdog.ts'

/** How requests of the modern era reach an upstream. Notes are sent as they are. */
export interface ModernWire {
  /** @throws AegisError `upstream_unreachable`; `data.answered` where what came is no answer of MCP. */
  ask(note: Note, context: AskContext, patience: Patience): Promise<Outcome>
  /** Never throws. */
  tell(note: Note): Promise<void>
  /** Ends what is under way. Never throws. */
  close(): Promise<void>
}

/** For what may be silent for days: a stream of changes. Node's timers hold no more. */
export const ENDLESS: Patience = { idleMs: 2 ** 31 - 1, totalMs: null }
