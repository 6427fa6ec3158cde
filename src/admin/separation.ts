import { networkInterfaces } from 'node:os'
import type { Separation } from '../core/approval.ts'

/**
 * What separates us from who came over TCP. From this very machine, by whichever of its addresses, it is as far as we can
 * tell the same user as the agent; the same holds where the address is no longer known, as a peer that hangs up leaves it.
 */
export function separationOf(remoteAddress: string | undefined): Separation {
  const from = plain(remoteAddress ?? '')
  if (from === '' || from === '::1' || from.startsWith('127.')) return 'none'
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return own.some(({ address }) => plain(address) === from) ? 'none' : 'host'
}

/** Without the zone of a link-local address, and an IPv4 address as such. */
function plain(address: string): string {
  return address
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .toLowerCase()
}
