import { CATALOGS } from '../core/catalog/catalog.ts'
import { CATALOG_PREFIXES } from '../core/catalog/index.ts'
import { borrowedNames, credentialOf } from './read-credentials.ts'
import { LISTING, listingOf } from './read-listing.ts'
import type { CredentialSettings, FileSettings, UpstreamRoute, UpstreamSettings } from './shape.ts'
import { address, duration, headers, path, type Surroundings, variableName, variables } from './values.ts'
import type { Place } from './yaml-reader.ts'

const UPSTREAM = [
  'catalog',
  'url',
  'headers',
  'transport',
  'command',
  'env',
  'cwd',
  'credential',
  'credential_env',
  'on_review',
  'approval',
  'timeout',
  'era',
  ...LISTING,
] as const
/** `__` joins upstream and tool on the merged endpoint, so a name must not hold it. */
const NAME = /^(?!.*__)[a-z][a-z0-9_-]{0,31}$/

/** The upstreams and the credentials they borrow; a name that is borrowed must exist. */
export function readConnections(
  upstreams: Place | undefined,
  credentials: Place | undefined,
  around: Surroundings,
): Pick<FileSettings, 'upstreams' | 'credentials'> {
  const lent = named(credentials, (place) => credentialOf(place, around))
  const known = [...(credentials?.members().keys() ?? [])]
  const groups: Record<string, CredentialSettings> = {}
  const borrow = (place: Place): string | undefined => {
    const names = borrowedNames(place, known, lent)
    if (names === undefined || names.length < 2) return names?.[0]
    groups[names.join(',')] = { type: 'first_of', names }
    return names.join(',')
  }
  const found = named(upstreams, (place) => upstreamOf(place, borrow, around))
  return { credentials: { ...lent, ...groups }, upstreams: found }
}

function named<T>(place: Place | undefined, read: (place: Place) => T | undefined): Record<string, T> {
  const found: Record<string, T> = {}
  for (const [name, value] of place?.members() ?? []) {
    if (!NAME.test(name)) {
      value.problem(
        `\`${name}\`: a name is lower-case letters, digits, - and single _, at most 32, starting with a letter`,
      )
    }
    const settings = read(value)
    if (settings !== undefined) found[name] = settings
  }
  return found
}

function upstreamOf(
  place: Place,
  borrow: (place: Place) => string | undefined,
  around: Surroundings,
): UpstreamSettings | undefined {
  const members = place.members(UPSTREAM)
  const route = routeOf(place, members, around)
  const timeout = members.get('timeout')
  const catalog = members.get('catalog')
  const credential = members.get('credential')
  const borrowed = credential && borrow(credential)
  if (catalog === undefined) {
    place.problem(
      `\`${place.path}.catalog\` is missing: one of ${CATALOGS.join(', ')} (never guessed from what a server says)`,
    )
  }
  const named = catalog?.choice(CATALOGS)
  if (named === 'none') refuseBorrowedName(place)
  if (route === undefined || named === undefined) return undefined
  return {
    catalog: named,
    route,
    credential: borrowed ?? null,
    onReview: members.get('on_review')?.choice(['refuse', 'hold']) ?? 'refuse',
    timeout: (timeout && duration(timeout)) ?? null,
    ...elicitationOf(members.get('approval')),
    ...eraOf(place, members),
    ...listingOf(members),
  }
}

function elicitationOf(place: Place | undefined): Pick<UpstreamSettings, 'elicitation'> {
  const found = place?.members(['elicitation']).get('elicitation')?.choice(['url', 'never'])
  return found === 'url' ? { elicitation: 'url' } : {}
}

function eraOf(place: Place, members: ReadonlyMap<string, Place>): Pick<UpstreamSettings, 'era'> {
  const given = members.get('era')
  const era = given?.choice(['auto', 'legacy', 'modern'])
  if (era === 'modern' && members.has('transport')) {
    given?.problem(`\`${place.path}.transport\` is of the legacy era: leave it out, or \`era: modern\``)
  }
  return era === undefined || era === 'auto' ? {} : { era }
}

/** Tools of an upstream without a catalog are called after it: rules for `github.*` must not come to mean them. */
function refuseBorrowedName(place: Place): void {
  const name = place.path.slice(place.path.lastIndexOf('.') + 1)
  if (!CATALOG_PREFIXES.includes(name)) return
  place.problem(
    `\`${place.path}\` has \`catalog: none\` but the name of a catalog's tools (${CATALOG_PREFIXES.join(', ')}): give it its catalog or another name`,
  )
}

function routeOf(place: Place, members: ReadonlyMap<string, Place>, around: Surroundings): UpstreamRoute | undefined {
  const url = members.get('url')
  const command = members.get('command')
  if ((url === undefined) === (command === undefined)) {
    place.problem(`\`${place.path}\` needs either \`url\` or \`command\``)
    return undefined
  }
  const misplaced = url ? ['env', 'cwd', 'credential_env'] : ['headers', 'transport']
  for (const key of misplaced) {
    members.get(key)?.problem(`\`${place.path}.${key}\` has no meaning beside \`${url ? 'url' : 'command'}\``)
  }
  return url ? httpRoute(url, members, around) : stdioRoute(members, around)
}

function httpRoute(url: Place, members: ReadonlyMap<string, Place>, around: Surroundings): UpstreamRoute | undefined {
  const given = members.get('headers')
  const transport = members.get('transport')?.choice(['http', 'sse'])
  const found = address(url)
  if (found === undefined) return undefined
  return {
    kind: 'http',
    url: found,
    headers: given ? headers(given, around) : {},
    ...(transport === undefined ? {} : { transport }),
  }
}

function stdioRoute(members: ReadonlyMap<string, Place>, around: Surroundings): UpstreamRoute | undefined {
  const words = members.get('command')?.texts()
  const [program, ...rest] = words ?? []
  if (program === undefined) return undefined
  const env = members.get('env')
  const cwd = members.get('cwd')
  const variable = members.get('credential_env')
  return {
    kind: 'stdio',
    command: [program, ...rest],
    env: env ? variables(env, around) : {},
    cwd: (cwd && path(cwd, around)) ?? null,
    credentialEnv: (variable && variableName(variable)) ?? 'GITHUB_PERSONAL_ACCESS_TOKEN',
  }
}
