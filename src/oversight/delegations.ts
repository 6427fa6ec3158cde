import type { Delegation, DelegationStore } from '../approvals/delegations.ts'
import { AegisError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { type Clock, type Log, type Random, rfc3339 } from '../core/runtime.ts'
import { isSameOwner } from '../core/voice.ts'
import { hasRole, type Keyring } from '../identity/keyring.ts'
import { type KeyRecord, keyState } from '../identity/ports.ts'
import { expiryOf } from './key-times.ts'
import { demand } from './rights.ts'

/** Reviewers who let another speak in their place. */
export interface DelegationDesk {
  /** One's own, given and received; an administrator's list is everybody's. For reviewers. */
  list(who: KeyRecord): Promise<readonly Delegation[]>
  /**
   * Lets the owner of another reviewer's key speak in one's place, until then.
   * @param until `2h`, a date or an RFC 3339 time; at most 30 days from now.
   * @throws AegisError `forbidden`, `invalid_request`, `not_found` where nobody of this name may review
   */
  give(who: KeyRecord, to: string, until: Json | undefined): Promise<Delegation>
  /** For who gave it, and administrators. @throws AegisError `not_found`, `conflict` where it has ended */
  end(who: KeyRecord, id: string): Promise<Delegation>
}

const LONGEST_MS = 30 * 86_400_000

export function createDelegationDesk(parts: {
  readonly delegations: DelegationStore
  readonly keyring: Pick<Keyring, 'list'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly log: Log
}): DelegationDesk {
  const { delegations, keyring, clock, random, log } = parts

  async function demandReviewer(owner: string): Promise<void> {
    const now = clock.now()
    const keys = (await keyring.list()).filter((key) => key.owner === owner && keyState(key, now) === 'active')
    if (keys.some((key) => hasRole(key, 'reviewer'))) return
    throw new AegisError('not_found', 'nobody of this name has a reviewer’s key', {
      path: 'to',
      advice: 'name the owner of a key with role reviewer or admin, as `aegisctl keys list` shows it',
    })
  }

  return {
    async list(who) {
      demand(who, 'reviewer')
      const all = await delegations.active(clock.now())
      return hasRole(who, 'admin') ? all : all.filter(({ from, to }) => from.owner === who.owner || to === who.owner)
    },

    async give(who, to, until) {
      demand(who, 'reviewer')
      if (who.owner === '') {
        throw new AegisError('forbidden', 'your key has no owner: nobody could tell whose place is taken', {
          advice: 'use a key with an owner',
        })
      }
      if (isSameOwner(to, who.owner)) {
        throw new AegisError('invalid_request', 'you speak for yourself already', { path: 'to' })
      }
      const end = expiryOf(until, clock.now()) ?? null
      if (end === null || end > clock.now() + LONGEST_MS) {
        throw new AegisError('invalid_request', '`until` must be a time within 30 days', {
          path: 'until',
          advice: 'write 2h, 3d or 2027-01-31T12:00:00Z',
        })
      }
      await demandReviewer(to)
      const given: Delegation = {
        id: `del_${Buffer.from(random.bytes(8)).toString('hex')}`,
        from: { principal: who.id, name: who.name, owner: who.owner },
        ...{ to, until: end, createdAt: clock.now(), endedAt: null },
      }
      await delegations.add(given)
      log.info({ delegation: given.id, by: who.id, to, until: rfc3339(end) }, 'reviews delegated')
      return given
    },

    async end(who, id) {
      demand(who, 'reviewer')
      const found = await delegations.get(id)
      const own = found !== null && (found.from.owner === who.owner || hasRole(who, 'admin'))
      if (!own) throw new AegisError('not_found', `no delegation ${id.slice(0, 64)} of yours`)
      const endedAt = clock.now()
      if (!(await delegations.end(id, endedAt))) {
        throw new AegisError('conflict', `delegation ${id.slice(0, 64)} has ended before`)
      }
      log.info({ delegation: id, by: who.id }, 'delegation ended')
      return { ...found, endedAt }
    },
  }
}
