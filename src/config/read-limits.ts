import { DEFAULT_LIMITS, type Limits } from '../identity/limiter.ts'
import type { Place } from './yaml-reader.ts'

const LIMITS = [
  'calls_per_second',
  'burst',
  'calls',
  'all_calls',
  'waiting',
  'all_waiting',
  'sessions',
  'all_sessions',
  'streams',
  'all_streams',
] as const
const MOST = 1_000_000

/**
 * `limits:` of `aegis.yaml`: what one key may do, and (`all_...`) what all keys together may. What is not named keeps its
 * default.
 */
export function readLimits(place: Place | undefined): Limits {
  if (place === undefined) return DEFAULT_LIMITS
  const members = place.members(LIMITS)
  const number = (name: (typeof LIMITS)[number], usual: number) => members.get(name)?.integer(1, MOST) ?? usual
  const room = (name: 'calls' | 'waiting' | 'sessions' | 'streams') => {
    const usual = DEFAULT_LIMITS[name]
    const own = number(name, usual.own)
    // A key alone may fill what is named for it, so the bound of all grows with it.
    const all = number(`all_${name}`, Math.max(usual.all, own))
    if (all < own) members.get(`all_${name}`)?.problem(`\`limits.all_${name}\` is less than one key may have (${own})`)
    return { own, all }
  }
  const rate = number('calls_per_second', DEFAULT_LIMITS.rate)
  return {
    rate,
    burst: number('burst', rate * 2),
    calls: room('calls'),
    waiting: room('waiting'),
    sessions: room('sessions'),
    streams: room('streams'),
  }
}
