import { setTimeout as wait } from 'node:timers/promises'
import { Refusal } from './problem.ts'
import type { Reply } from './router.ts'
import type { Fault } from './stage.ts'

/** The answer as the fault leaves it; null where there is to be none. */
export async function spoil(fault: Fault | null, answer: () => Promise<Reply>): Promise<Reply | null> {
  if (fault === null) return answer()
  switch (fault.kind) {
    case 'refuse': {
      const refused = new Refusal(fault.status, fault.message, { headers: { ...fault.headers } })
      return { status: refused.status, json: refused.body(), headers: refused.headers }
    }
    case 'slow':
      await wait(fault.milliseconds)
      return answer()
    case 'alter': {
      const reply = await answer()
      return 'json' in reply ? { ...reply, json: fault.alter(reply.json) } : reply
    }
    case 'garble':
      return { status: 200, type: 'application/json', content: fault.text }
    case 'hang-up':
      return null
  }
}
