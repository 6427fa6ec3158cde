import { lstatSync, type Stats } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import type { Separation } from '../core/approval.ts'

/**
 * What separates us from who came over TCP. From this very machine, by whichever of its addresses, it is as far as we can
 * tell the same user as the agent; the same holds where the address is no longer known, as a peer that hangs up leaves it.
 * Whose connection a local one is could be looked up, and would prove nothing: any proxy of the machine lends its own name.
 */
export function separationOf(remoteAddress: string | undefined): Separation {
  const from = plain(remoteAddress ?? '')
  if (from === '' || from === '::1' || from.startsWith('127.')) return 'none'
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return own.some(({ address }) => plain(address) === from) ? 'none' : 'host'
}

/**
 * What separates us from who came over our own unix socket. `uid` says that at this moment the kernel lets nobody connect to
 * it but root and the user we run as, and that this is not the user whom the installation names as the agents'. Socket and
 * folder must be ours and closed to everybody else (an access control list shows in the group's rights). What cannot be
 * seen is `none`; so is every installation that names no such user.
 * @param agents uid of the user agents run as; null where they may be anybody
 */
export function ownSocketSeparation(socket: string, agents: number | null, ours = process.getuid?.()): Separation {
  if (agents === null || agents === 0 || ours === undefined || ours === agents) return 'none'
  const closed = (found: Stats | undefined) => found?.uid === ours && (found.mode & 0o077) === 0
  const [door, folder] = [look(socket), look(dirname(socket))]
  return door?.isSocket() && closed(door) && folder?.isDirectory() && closed(folder) ? 'uid' : 'none'
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Without the zone of a link-local address, and an IPv4 address as such. */
function plain(address: string): string {
  return address
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .toLowerCase()
}
