import { DEFAULT_HOLD, type HoldBudgets } from '../approvals/hold-budget.ts'
import { duration } from './values.ts'
import type { Place } from './yaml-reader.ts'

/** Milliseconds. A call held longer than an hour is better made again. */
const LONGEST = 3_600_000
/** Characters of a client's name. */
const MAX_NAME = 128

/** `hold:` of `aegis.yaml`: how long a call waits for a person, by client. What is not named keeps its default. */
export function readHold(place: Place | undefined): HoldBudgets {
  if (place === undefined) return DEFAULT_HOLD
  const members = place.members(['default', 'clients'])
  const clients = new Map(Object.entries(DEFAULT_HOLD.clients).map(([name, budget]) => [name.toLowerCase(), budget]))
  const named = new Set<string>()
  for (const [name, given] of members.get('clients')?.members() ?? []) {
    const lower = name.toLowerCase()
    if (name === '' || name.length > MAX_NAME) given.problem(`the name of a client has 1 to ${MAX_NAME} characters`)
    if (named.has(lower)) given.problem(`\`${given.path}\` is named twice: upper and lower case are the same here`)
    named.add(lower)
    const found = budget(given)
    if (found !== undefined) clients.set(lower, found)
  }
  const fallback = members.get('default')
  return { default: (fallback && budget(fallback)) ?? DEFAULT_HOLD.default, clients: Object.fromEntries(clients) }
}

function budget(place: Place): number | undefined {
  const found = duration(place)
  if (found === undefined || (found >= 1_000 && found <= LONGEST)) return found
  place.problem(`\`${place.path}\` must be from 1s to 1h`)
  return undefined
}
