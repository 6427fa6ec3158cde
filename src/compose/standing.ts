import { createDelegators, type DelegationStore } from '../approvals/delegations.ts'
import type { Standing } from '../approvals/rights.ts'
import type { Role } from '../core/envelope.ts'
import type { Principal } from '../core/ids.ts'
import type { Clock } from '../core/runtime.ts'
import { createSelfCheck, type KeyStore, keyState } from '../identity/index.ts'
import type { PolicyVersion, PolicyVersions } from '../policy-set/index.ts'
import { type Rooms, repositoryText } from '../rooms/index.ts'

/** What keys, rooms, delegations and policy versions say of a reviewer. */
export function composeStanding(parts: {
  readonly keys: Pick<KeyStore, 'get'>
  readonly delegations: DelegationStore
  readonly rooms: () => Pick<Rooms, 'list'>
  readonly policies: Pick<PolicyVersions, 'version' | 'ofDigest'>
  readonly clock: Clock
}): Standing {
  const { keys, delegations, rooms, policies, clock } = parts

  async function roleOf(principal: Principal): Promise<Role | null> {
    const key = await keys.get(principal)
    return key === null || keyState(key, clock.now()) !== 'active' ? null : key.role
  }

  return {
    isSelf: createSelfCheck(keys, clock),
    roomOwners(repository) {
      const named = repository.toLowerCase()
      const room = rooms()
        .list()
        .find((one) => repositoryText(one.repository).toLowerCase() === named)
      return (room?.members ?? []).flatMap((member) => (member.role === 'OWNER' ? [member.name] : []))
    },
    async authors({ policySha256 }) {
      // The same policy may have been put into force by several.
      const asked = await policies.ofDigest(policySha256)
      return [policies.version(), ...asked].flatMap(({ by }: PolicyVersion) => by ?? [])
    },
    async isShutOut({ principal }) {
      const key = await keys.get(principal)
      return key === null || key.revokedAt !== null
    },
    delegators: createDelegators({ store: delegations, clock, roleOf }),
  }
}
