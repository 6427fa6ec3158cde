import { existsSync } from 'node:fs'
import { AegisError } from '../core/errors.ts'
import { serviceOf } from './client.ts'
import { type Context, placesOf } from './context.ts'

/** The user who runs the server here, where that is not whoever types: theirs is only a folder with the agents' key. */
export function otherServerUser(context: Context): string | null {
  const service = serviceOf(context)
  return service === null || existsSync(placesOf(context).configFile) ? null : service.user
}

/**
 * For what only the user who runs the server can do, since its folders are closed to everybody else.
 * @param what that cannot be reached: `the server`, `its evidence`
 * @param sudo the command as an administrator types it
 * @throws AegisError `config` where another user runs it
 */
export function demandOwnServer(context: Context, what: string, sudo: string): void {
  const user = otherServerUser(context)
  if (user === null) return
  throw new AegisError(
    'config',
    `${what} here is that of user ${user}, who keeps it closed to the users that agents run as`,
    {
      advice: `An administrator of this machine types: ${sudo}`,
    },
  )
}

/** Where systemd runs, it knows the service, and keeps what was asked of it. */
export function serviceCommand(verb: 'start' | 'stop'): string {
  if (existsSync('/run/systemd/system')) return `sudo systemctl ${verb} aegis`
  return verb === 'start' ? 'sudo aegis serve --detach' : 'sudo aegis stop'
}
