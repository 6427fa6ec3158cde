import type { Vote } from '../core/approval.ts'

/** Two votes of one person are one, also where somebody else spoke in their place. */
export function sharesVoice(one: Vote, other: Vote): boolean {
  const voices = [one.reviewer.principal, one.onBehalfOf?.principal]
  return (
    voices.includes(other.reviewer.principal) ||
    (other.onBehalfOf !== undefined && voices.includes(other.onBehalfOf.principal))
  )
}
