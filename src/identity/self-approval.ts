import type { Approval } from '../core/approval.ts'
import type { Principal } from '../core/ids.ts'
import type { Clock } from '../core/runtime.ts'
import { isOwned, isSameOwner } from '../core/voice.ts'
import { type KeyRecord, type KeyStore, keyState } from './ports.ts'

/** What the check looks at of an approval. */
export type Requested = Pick<Approval, 'principal' | 'owner'> & {
  readonly terms: Pick<Approval['terms'], 'independent'>
}

/**
 * Whether the reviewer counts as the one who asked.
 * - Always: the same key, or the same non-empty owner.
 * - Where the policy asks for an `independent` reviewer: also the sponsor of the requesting key, the user its sessions belong
 *   to. Where the requesting key, its sponsor or the reviewer's owner is not known (a login without a verified address), nobody
 *   can be shown to be somebody else, so the answer is yes.
 *
 * The installer owns an agent's key as `agent:<editor>` with the operating-system user as its sponsor, and the admin key as
 * that user: a person may approve their own agent, but not where independence is asked for.
 *
 * @param requester the key that asked, as it is now; null where it is gone.
 */
export function isSelf(reviewer: KeyRecord, approval: Requested, requester: KeyRecord | null): boolean {
  if (reviewer.id === approval.principal) return true
  if (isSameOwner(reviewer.owner, approval.owner)) return true
  return approval.terms.independent && !independent(reviewer, requester)
}

/** The same question asked with the keys as they are now. A reviewer whose key is over counts as the one who asked. */
export function createSelfCheck(keys: Pick<KeyStore, 'get'>, clock: Pick<Clock, 'now'>) {
  return async (reviewer: { readonly principal: Principal }, approval: Requested): Promise<boolean> => {
    const [record, requester] = await Promise.all([keys.get(reviewer.principal), keys.get(approval.principal)])
    return record === null || keyState(record, clock.now()) !== 'active' || isSelf(record, approval, requester)
  }
}

function independent(reviewer: KeyRecord, requester: KeyRecord | null): boolean {
  const user = requester?.sponsor ?? ''
  if (user === '' || !isOwned({ principal: reviewer.id, owner: reviewer.owner })) return false
  // A key that acts for the user (a second key of the same person, or one made for a helper of theirs) is the user.
  return !isSameOwner(reviewer.owner, user) && !isSameOwner(reviewer.sponsor, user)
}
