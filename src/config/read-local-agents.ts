import { isSocketPath } from './places.ts'
import type { LocalAgents } from './shape.ts'
import type { Place } from './yaml-reader.ts'

/** The largest uid but one: -1 as 32 bits stands for "no user". */
const MAX_UID = 0xff_ff_ff_fe

/** `local_agents:` of `aegis.yaml`: agents of this machine run as another user, and come by a socket of their own. */
export function readLocalAgents(place: Place | undefined): LocalAgents | null {
  if (place === undefined) return null
  const members = place.members(['uid', 'socket'])
  for (const name of ['uid', 'socket']) if (!members.has(name)) place.problem(`\`local_agents.${name}\` is missing`)
  const uid = members.get('uid')?.integer(1, MAX_UID)
  const given = members.get('socket')
  const socket = given?.text()
  if (uid === undefined || socket === undefined) return null
  if (isSocketPath(socket)) return { uid, socket }
  given?.problem('`local_agents.socket` must be an absolute path that fits a unix socket (at most 103 bytes)')
  return null
}
