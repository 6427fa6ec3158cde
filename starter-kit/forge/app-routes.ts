import { isObject, type JsonObject } from '../../src/core/json.ts'
import { forApp } from './access.ts'
import { parsePermissions } from './app.ts'
import { hostedAs } from './hosting.ts'
import { pageReply } from './page.ts'
import { notFound, notPermitted, Refusal } from './problem.ts'
import type { Repository } from './repository.ts'
import { type Ask, created, ok, type Reply, type Route, route } from './router.ts'
import { installation, instant, integration, repositoryShape } from './shapes.ts'

/** The App's own endpoints: who it is, where it is installed, and its tokens. */
export const appRoutes: readonly Route[] = [
  forApp('GET /app', ({ site }) => ok(integration(site))),
  forApp('GET /app/installations', (ask) =>
    pageReply(ask, '/app/installations', [ask.site], (site) => installation(site)),
  ),
  forApp('GET /app/installations/{id}', (ask) => {
    checkInstallation(ask)
    return ok(installation(ask.site))
  }),
  forApp('GET /repos/{owner}/{repo}/installation', (ask) => {
    if (hostedAs(ask.site, `${ask.part('owner')}/${ask.part('repo')}`) === undefined) throw notFound()
    return ok(installation(ask.site))
  }),
  forApp('POST /app/installations/{id}/access_tokens', mint),
  route('GET /installation/repositories', (ask) => {
    const repositories = reached(ask)
    return ok({
      total_count: repositories.length,
      repositories: repositories.map((repository) => repositoryShape(ask.site, repository)),
    })
  }),
  route('DELETE /installation/token', async ({ site, caller }) => {
    if (caller.kind === 'nobody') throw new Refusal(401, 'Requires authentication')
    if (caller.kind === 'app') throw notPermitted()
    await site.desk.revoke(caller.token)
    return { status: 204 }
  }),
]

function checkInstallation(ask: Ask): void {
  if (ask.part('id') !== String(ask.site.desk.config.installationId)) throw notFound()
}

function reached(ask: Ask): Repository[] {
  if (ask.caller.kind === 'nobody') throw new Refusal(401, 'Requires authentication')
  if (ask.caller.kind === 'app') throw notPermitted()
  const { repositories } = ask.caller.token
  return [...ask.site.repositories.values()].filter(({ key }) => repositories === null || repositories.includes(key))
}

async function mint(ask: Ask): Promise<Reply> {
  checkInstallation(ask)
  const { site, body } = ask
  const chosen = chosenRepositories(ask)
  const asked = body['permissions'] ?? null
  const { token, record } = await site.desk.mint({
    repositories: chosen?.map(({ key }) => key) ?? null,
    permissions: asked === null ? null : parsePermissions(asked),
  })
  return created({
    token,
    expires_at: instant(record.expiresAt),
    permissions: { ...record.permissions },
    repository_selection: chosen === null ? 'all' : 'selected',
    ...(chosen === null ? {} : { repositories: chosen.map((repository) => repositoryShape(site, repository)) }),
  })
}

/** The repositories named in the body, by name or id; null: all of the installation. */
function chosenRepositories(ask: Ask): Repository[] | null {
  const names = listMember(ask.body, 'repositories', (item) => typeof item === 'string')
  const ids = listMember(ask.body, 'repository_ids', (item) => typeof item === 'number')
  if (names === null && ids === null) return null
  const all = [...ask.site.repositories.values()]
  const chosen = [
    ...(names ?? []).map((name) => all.find((known) => known.name.toLowerCase() === String(name).toLowerCase())),
    ...(ids ?? []).map((id) => all.find((known) => known.id === id)),
  ]
  const found = chosen.filter((repository) => repository !== undefined)
  if (found.length < chosen.length || found.length === 0) {
    throw new Refusal(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    )
  }
  return [...new Set(found)]
}

function listMember(body: JsonObject, key: string, fits: (item: unknown) => boolean): readonly unknown[] | null {
  const value = body[key]
  if (value === undefined || value === null) return null
  // GitHub allows at most 500; an empty list must not come to mean "all".
  if (!Array.isArray(value) || value.length === 0 || value.length > 500 || !value.every(fits) || isObject(value)) {
    throw new Refusal(422, `Invalid request.\n\n"${key}" must be a list of 1 to 500.`)
  }
  return value
}
