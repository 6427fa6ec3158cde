import { hostedAs, reaches } from './hosting.ts'
import { covers, type Permissions, permissionText } from './permissions.ts'
import { notFound, notPermitted, Refusal } from './problem.ts'
import type { Repository } from './repository.ts'
import { type Ask, type Reply, type RepositoryAsk, type Route, route } from './router.ts'

/** Requests of the App itself, signed with its key. */
export function forApp(line: Parameters<typeof route>[0], handle: (ask: Ask) => Promise<Reply> | Reply): Route {
  return route(line, (ask) => {
    if (ask.caller.kind === 'app') return handle(ask)
    throw new Refusal(401, 'A JSON web token could not be decoded')
  })
}

/**
 * Requests about one repository. `needs` lists alternatives, each a set of permissions. What the token cannot see does not
 * exist (404); what it sees but may not do is 403, as GitHub answers.
 */
export function forRepository(
  line: Parameters<typeof route>[0],
  needs: readonly [Permissions, ...Permissions[]],
  handle: (ask: RepositoryAsk) => Promise<Reply> | Reply,
): Route {
  return route(line, (ask) => {
    const repository = hostedAs(ask.site, `${ask.part('owner')}/${ask.part('repo')}`)
    if (ask.caller.kind === 'app') throw notPermitted()
    if (ask.caller.kind === 'nobody' || repository === undefined) throw notFound()
    const { permissions } = ask.caller.token
    if (!reaches(ask.caller, repository)) throw notFound()
    if (repository.archived && ask.method !== 'GET') {
      throw new Refusal(403, 'Repository was archived so is read-only.')
    }
    if (!needs.some((alternative) => covers(permissions, alternative))) {
      throw notPermitted(needs.map(permissionText).join('; '))
    }
    return handle({ ...ask, repository, permissions, actor: actorOf(ask) })
  })
}

export function actorOf(ask: Ask): string {
  const person = ask.caller.kind === 'token' ? ask.caller.token.login : undefined
  return person ?? `${ask.site.desk.config.slug}[bot]`
}

/** The repositories the caller's token reaches with these permissions; for searches. */
export function visible(ask: Ask, needed: Permissions): Repository[] {
  if (ask.caller.kind !== 'token') throw new Refusal(401, 'Requires authentication')
  const { caller } = ask
  if (!covers(caller.token.permissions, needed)) return []
  return [...ask.site.repositories.values()].filter((repository) => reaches(caller, repository))
}

export const READ_CONTENTS = { contents: 'read' } as const
export const WRITE_CONTENTS = { contents: 'write' } as const
export const READ_PULLS = { pull_requests: 'read' } as const
export const WRITE_PULLS = { pull_requests: 'write' } as const
export const READ_ISSUES = { issues: 'read' } as const
export const WRITE_ISSUES = { issues: 'write' } as const
export const ADMINISTER = { administration: 'write' } as const
export const METADATA = { metadata: 'read' } as const
