import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../core/runtime.ts'

/** Random bytes are drawn from the system in blocks of this size: a call for 32 bytes costs as much as one for thousands. */
const BLOCK = 8192

export function systemClock(): Clock {
  return { now: () => Date.now(), elapsed: () => performance.now() }
}

/** The system's generator; no byte is given out twice. */
export function systemRandom(): Random {
  let block = randomBytes(BLOCK)
  let used = 0
  return {
    bytes(count) {
      if (count > BLOCK) return randomBytes(count)
      if (used + count > BLOCK) {
        block = randomBytes(BLOCK)
        used = 0
      }
      used += count
      return block.subarray(used - count, used)
    },
  }
}
