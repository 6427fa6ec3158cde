import type { Approvals } from '../approvals/approvals.ts'
import type { ApprovalFilter, ApprovalPageFilter, ApprovalPlace } from '../approvals/ports.ts'
import type { Approval } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import { parseEnvelopeId } from '../core/ids.ts'
import { hasRole } from '../identity/keyring.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { Cursors } from '../search/index.ts'
import { onlyOwn } from './rights.ts'

export interface ApprovalPage {
  readonly approvals: readonly Approval[]
  /** Whether the list goes on after these. */
  readonly more: boolean
  /** The cursor to go on after one of them. */
  readonly cursorOf: (approval: Approval) => string
}

/** Looking at what waits for a person. Settling it: `Resolver`. */
export interface ApprovalDesk {
  /** Oldest first; an agent sees its own. */
  list(who: KeyRecord, filter: Omit<ApprovalFilter, 'principal'>): Promise<readonly Approval[]>
  /** In the order that is asked for; an agent sees its own. @throws AegisError `invalid_request` where the cursor is none */
  page(
    who: KeyRecord,
    filter: Omit<ApprovalPageFilter, 'principal' | 'limit' | 'after'>,
    at: { readonly first: number; readonly after: string | null },
  ): Promise<ApprovalPage>
  /** What waits, the riskiest first; of equal risk, what has waited longest. At most 1,000; an agent sees its own. */
  riskiest(who: KeyRecord, limit: number): Promise<readonly Approval[]>
  /** How many wait for a person; an agent counts its own. */
  waiting(who: KeyRecord): Promise<number>
  /** @throws AegisError `not_found`, also where it is another agent's: it must not even learn that there is one */
  get(who: KeyRecord, id: string): Promise<Approval>
}

export function createApprovalDesk(parts: { readonly approvals: Approvals; readonly cursors: Cursors }): ApprovalDesk {
  const { approvals, cursors } = parts
  return {
    list: (who, filter) => approvals.store.list({ ...filter, ...onlyOwn(who) }),

    async page(who, asked, { first, after }) {
      const filter = { ...asked, ...onlyOwn(who) }
      const list = `approvals ${JSON.stringify(Object.entries(filter).sort())}`
      const behind = after === null ? {} : { after: placeOf(cursors.open(list, after)) }
      const found = await approvals.store.page({ ...filter, ...behind, limit: first + 1 })
      const cursorOf = ({ queuedAt, id }: Approval) => cursors.seal(list, `${queuedAt} ${id}`)
      return { approvals: found.slice(0, first), more: found.length > first, cursorOf }
    },

    riskiest: (who, limit) => approvals.store.riskiest(limit, onlyOwn(who).principal),

    waiting: (who) => approvals.store.pending(onlyOwn(who).principal),

    async get(who, text) {
      const id = parseEnvelopeId(text)
      const approval = id === null ? null : await approvals.get(id)
      if (approval !== null && (approval.principal === who.id || hasRole(who, 'viewer'))) return approval
      throw new AegisError('not_found', `no approval ${text.slice(0, 64)}`)
    },
  }
}

/** As it was sealed here. */
function placeOf(text: string): ApprovalPlace {
  const [queuedAt, id = ''] = text.split(' ')
  return { queuedAt: Number(queuedAt), id }
}
