import type { ApprovalChange, Vote } from '../core/approval.ts'
import { areTwoPeople, type Voice } from '../core/voice.ts'

/**
 * Two votes of one person are one, by whichever of their keys, also where somebody else spoke in their place; so are two of which
 * nobody knows that they are two people's.
 */
export function sharesVoice(one: Vote, other: Vote): boolean {
  return voicesOf(one).some((mine) => voicesOf(other).some((theirs) => !areTwoPeople(mine, theirs)))
}

function voicesOf({ reviewer, onBehalfOf }: Vote): readonly Voice[] {
  return onBehalfOf === undefined ? [reviewer] : [reviewer, onBehalfOf]
}

/** The votes with one more, as text, and how many they are. */
export interface Given {
  readonly text: string
  readonly count: number
}

/** Until when it may be redeemed, where this vote settles it; null where more are needed. */
export function settledUntil(change: Extract<ApprovalChange, { kind: 'approve' }>, { count }: Given): number | null {
  const { settles, expiresAt, whenEnough } = change
  if (settles) return expiresAt
  return whenEnough !== undefined && count >= whenEnough.votes ? whenEnough.expiresAt : null
}
