import type { Approvals } from '../approvals/approvals.ts'
import type { ApprovalFilter } from '../approvals/ports.ts'
import type { Approval } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import { parseEnvelopeId } from '../core/ids.ts'
import { hasRole } from '../identity/keyring.ts'
import type { KeyRecord } from '../identity/ports.ts'
import { onlyOwn } from './rights.ts'

/** Looking at what waits for a person. Settling it: `Resolver`. */
export interface ApprovalDesk {
  /** Oldest first; an agent sees its own. */
  list(who: KeyRecord, filter: Omit<ApprovalFilter, 'principal'>): Promise<readonly Approval[]>
  /** How many wait for a person; an agent counts its own. */
  waiting(who: KeyRecord): Promise<number>
  /** @throws AegisError `not_found`, also where it is another agent's: it must not even learn that there is one */
  get(who: KeyRecord, id: string): Promise<Approval>
}

export function createApprovalDesk({ approvals }: { readonly approvals: Approvals }): ApprovalDesk {
  return {
    list: (who, filter) => approvals.store.list({ ...filter, ...onlyOwn(who) }),

    waiting: (who) => approvals.store.pending(onlyOwn(who).principal),

    async get(who, text) {
      const id = parseEnvelopeId(text)
      const approval = id === null ? null : await approvals.get(id)
      if (approval !== null && (approval.principal === who.id || hasRole(who, 'viewer'))) return approval
      throw new AegisError('not_found', `no approval ${text.slice(0, 64)}`)
    },
  }
}
