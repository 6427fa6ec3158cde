import type { ResolutionChannel } from '../../approvals/approvals.ts'
import { AegisError } from '../../core/errors.ts'
import type { Caller } from '../door.ts'

/** Who looks at a page. */
export type Visitor = Caller

/** Pages are for people. @throws AegisError `forbidden` */
export function demandPerson({ key }: Visitor): void {
  if (key.role !== 'agent') return
  throw new AegisError('forbidden', 'these pages are for people, and your key is an agent’s', {
    advice: 'log in with a key of role viewer, reviewer or admin',
  })
}

/** Whatever the door's own name, it is the dashboard they came by. */
export function byDashboard(via: ResolutionChannel): ResolutionChannel {
  return { ...via, channel: 'dashboard' }
}
