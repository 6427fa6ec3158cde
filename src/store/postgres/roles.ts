import { AegisError } from '../../core/errors.ts'
import type { Client } from './connection.ts'
import { reasonOf, sqlState } from './failures.ts'

/** Group roles: nobody logs in as them, logins are made members. */
export const ROLES = {
  led_owner: 'owns the tables; nobody is a member but led_migrate and who migrates',
  led_migrate: 'changes the schema',
  led_app: 'a gateway: appends, and changes head rows and approvals',
  led_read: 'an auditor: reads the evidence',
  led_retention: 'prunes what was archived',
} as const

export type Role = keyof typeof ROLES

/** Makes the roles that are missing; returns what was done. @throws AegisError `forbidden` with the statements an administrator must run */
export async function ensureRoles(client: Client): Promise<readonly string[]> {
  const done: string[] = []
  const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles WHERE rolname = ANY($1)', [
    Object.keys(ROLES),
  ])
  const there = new Set(rows.map(({ rolname }) => rolname))
  const missing = Object.keys(ROLES).filter((role) => !there.has(role))
  for (const role of missing) {
    await client.query(`CREATE ROLE ${role} NOLOGIN`).catch((error: unknown) => {
      throw forbidden(error, missing)
    })
    done.push(`created role ${role}`)
  }
  if (missing.includes('led_migrate')) await client.query('GRANT led_owner TO led_migrate')
  await client
    .query('SELECT pg_has_role(current_user, $1, $2) AS member', ['led_owner', 'MEMBER'])
    .then(async (found) => {
      if (found.rows[0]?.member !== true) await client.query('GRANT led_owner TO CURRENT_USER')
    })
  return done
}

/** Makes a login a member of a role. A login made here has no password: it comes in as the server's own rules allow, or is given one with `\password`. */
export async function grantRole(client: Client, role: Role, login: string): Promise<readonly string[]> {
  const name = client.escapeIdentifier(login)
  const { rows } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [login])
  if (rows.length === 0) await client.query(`CREATE ROLE ${name} LOGIN`)
  await client.query(`GRANT ${role} TO ${name}`)
  return [...(rows.length === 0 ? [`created login ${login}, without a password`] : []), `made ${login} a ${role}`]
}

function forbidden(error: unknown, missing: readonly string[]): unknown {
  // 42501: insufficient privilege.
  if (sqlState(error) !== '42501') return error
  const statements = missing.map((role) => `CREATE ROLE ${role} NOLOGIN`).join('; ')
  return new AegisError('forbidden', `this role may not create roles: ${reasonOf(error)}`, {
    advice: `Let an administrator run: ${statements}; GRANT led_owner TO led_migrate, CURRENT_USER`,
    cause: error,
  })
}
