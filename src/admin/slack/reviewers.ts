import type { Clock } from '../../core/runtime.ts'
import { hasRole, type Keyring } from '../../identity/keyring.ts'
import { type KeyRecord, keyState } from '../../identity/ports.ts'

/** Who a user of Slack is here, or why nobody. */
export type Mapped = { readonly who: KeyRecord } | { readonly who: null; readonly why: string }

/**
 * Finds the record that a user of Slack stands for, by `notifications.slack.reviewers`: its id, else the owner of one that may settle
 * approvals or the name of such a key. What several people are called names nobody.
 */
export function createReviewerMap(parts: {
  readonly reviewers: Readonly<Record<string, string>>
  readonly keyring: Pick<Keyring, 'list'>
  readonly clock: Pick<Clock, 'now'>
}): (user: string) => Promise<Mapped> {
  const { reviewers, keyring, clock } = parts
  return async (user) => {
    const named = Object.hasOwn(reviewers, user) ? reviewers[user] : undefined
    if (named === undefined || named === '')
      return nobody('you are not among the reviewers that this Aegis knows by Slack')
    const all = (await keyring.list()).filter((key) => keyState(key, clock.now()) === 'active')
    const found = reviewerNamed(named, all)
    if (found === 'nobody') return nobody('you have no key here that may settle approvals')
    return found === 'several' ? nobody('several people have the name that you are known by here') : { who: found }
  }
}

/** Whom a setting names, of the keys in force. */
export function reviewerNamed<
  Key extends Pick<KeyRecord, 'name' | 'owner' | 'prefix' | 'role'> & { readonly id: string },
>(named: string, inForce: readonly Key[]): Key | 'nobody' | 'several' {
  const byId = inForce.find(({ id }) => id === named)
  if (byId !== undefined) return byId
  // The name of a person who logs in is what they call themselves elsewhere; that of a key was given by an administrator.
  const isNamed = ({ name, owner, prefix }: Key) => owner === named || (prefix !== '' && name === named)
  const [first, ...others] = inForce.filter((key) => hasRole(key, 'reviewer') && isNamed(key))
  if (first === undefined) return 'nobody'
  const alone = others.every(({ owner }) => owner !== '' && owner === first.owner)
  return alone ? first : 'several'
}

function nobody(why: string): Mapped {
  return { who: null, why }
}
