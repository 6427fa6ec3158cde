import { type Installation, install, secretOf } from './installation.ts'

/** In the order of the tables' columns: two agents, a key of the room `site`, and people. */
export const KNOWN = ['agent', 'other', 'room', 'viewer', 'reviewer', 'admin'] as const
/** Who is nobody (any more). */
export const UNKNOWN = ['nobody', 'wrong', 'revoked', 'expired'] as const
export type Who = (typeof KNOWN)[number] | (typeof UNKNOWN)[number]

export interface Callers {
  readonly aegis: Installation
  /** Null where no key is sent at all. */
  key(who: Who): string | null
}

/** An installation with two rooms, and everybody who may come to its admin door. */
export async function callers(options: Parameters<typeof install>[0] = {}): Promise<Callers> {
  const aegis = await install({
    ...options,
    keys: {
      other: { role: 'agent', owner: 'agent:other' },
      viewer: { role: 'viewer', owner: 'vera' },
      reviewer: { role: 'reviewer', owner: 'rita' },
    },
  })
  const make = async (path: string, body: object) => (await aegis.post(`/admin/v1/${path}`, body, aegis.adminKey)).body
  for (const id of ['site', 'shop']) await make('rooms', { repository: `acme/${id}`, id, owner: 'rita' })
  const room: string = (await make('rooms/site/keys', { name: 'claude', role: 'DEVELOPER' })).secret
  // As much as anybody may do, were they still known.
  const revoked = await make('keys', { role: 'admin', name: 'revoked', owner: 'gone' })
  await fetch(`${aegis.urls.admin}/admin/v1/keys/${revoked.id}`, {
    method: 'DELETE',
    headers: { 'x-api-key': aegis.adminKey },
  })
  const expired = await make('keys', { role: 'admin', name: 'expired', owner: 'late', expires: '1s' })
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const keys: Readonly<Record<Who, string | null>> = {
    agent: aegis.agentKey,
    other: secretOf('other'),
    viewer: secretOf('viewer'),
    reviewer: secretOf('reviewer'),
    admin: aegis.adminKey,
    room,
    nobody: null,
    wrong: 'no-such-key-at-all',
    revoked: revoked.secret,
    expired: expired.secret,
  }
  return { aegis, key: (who) => keys[who] }
}
