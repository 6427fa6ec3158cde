import {
  DEFAULT_LOGIN,
  type LoginSettings,
  PERSON_ROLES,
  type ProviderSettings,
  type RoleRule,
} from '../identity/people/settings.ts'
import { addressOf, algorithmsOf, scopesOf, skewOf } from './read-auth-values.ts'
import { duration, path, type Surroundings } from './values.ts'
import type { Place } from './yaml-reader.ts'

const SESSION = ['idle', 'lasts'] as const
const PROVIDER = [
  ...['issuer', 'name', 'client_id', 'client_secret_file', 'client_secret', 'scopes', 'algorithms', 'clock_skew'],
  ...['name_claim', 'owner_claim', 'roles'],
] as const
const RULE = ['claim', 'value', 'role'] as const

const LEAST_MS = 60_000
const MOST_MS = 7 * 24 * 3_600_000

/** `auth.login`: where people log in, what they become, and how long they stay. */
export function readLogin(place: Place | undefined, around: Surroundings): LoginSettings {
  if (place === undefined) return DEFAULT_LOGIN
  const members = place.members([...SESSION, ...PROVIDER])
  const lasts = spanOf(members.get('lasts')) ?? DEFAULT_LOGIN.lasts
  const idle = spanOf(members.get('idle')) ?? Math.min(DEFAULT_LOGIN.idle, lasts)
  if (idle > lasts) members.get('idle')?.problem(`\`${place.path}.idle\` must not be longer than \`lasts\``)
  const ofProvider = [...members.keys()].some((name) => !SESSION.some((known) => known === name))
  return { idle, lasts, provider: ofProvider ? (providerOf(place, members, around) ?? null) : null }
}

function spanOf(place: Place | undefined): number | undefined {
  const span = place && duration(place)
  if (span === undefined || (span >= LEAST_MS && span <= MOST_MS)) return span
  place?.problem(`\`${place.path}\` must be from 1m to 168h`)
  return undefined
}

function providerOf(
  place: Place,
  members: ReadonlyMap<string, Place>,
  around: Surroundings,
): ProviderSettings | undefined {
  members
    .get('client_secret')
    ?.problem(
      `\`${place.path}.client_secret\` is a secret written into the file; put it into a file of its own and name that as \`client_secret_file\``,
    )
  const issuer = addressOf(place, members.get('issuer'))
  const clientId = members.get('client_id')?.text()
  if (!members.has('client_id')) place.problem(`\`${place.path}.client_id\` is missing`)
  const roles = rulesOf(place, members.get('roles'))
  const secret = members.get('client_secret_file')
  const clientSecretFile = (secret && path(secret, around)) ?? null
  if (issuer === undefined || clientId === undefined) return undefined
  return {
    ...{ issuer, clientId, clientSecretFile, roles },
    name: nameOf(members.get('name')) ?? new URL(issuer).host,
    scopes: members.has('scopes') ? scopesOf(members.get('scopes')) : ['profile', 'email'],
    algorithms: algorithmsOf(members.get('algorithms')),
    clockSkew: skewOf(members.get('clock_skew')),
    nameClaim: members.get('name_claim')?.text() ?? 'name',
    ownerClaim: members.get('owner_claim')?.text() ?? null,
  }
}

function nameOf(place: Place | undefined): string | undefined {
  const name = place?.text()
  if (name === undefined || /^[^\p{C}]{1,64}$/u.test(name)) return name
  place?.problem(`\`${place.path}\` must be at most 64 printable characters: people read it on the login page`)
  return undefined
}

function rulesOf(place: Place, list: Place | undefined): readonly RoleRule[] {
  const items = list?.items() ?? []
  if (list === undefined || items.length === 0) {
    place.problem(
      `\`${place.path}.roles\` is missing, so nobody could log in: write such as \`- {claim: groups, value: aegis-reviewers, role: reviewer}\``,
    )
  }
  return items.map(ruleOf).filter((rule) => rule !== undefined)
}

function ruleOf(item: Place): RoleRule | undefined {
  const members = item.members(RULE)
  for (const name of RULE) if (!members.has(name)) item.problem(`\`${item.path}.${name}\` is missing`)
  const claim = members.get('claim')?.texts()
  const value = members.get('value')?.text()
  const role = members.get('role')?.choice(PERSON_ROLES)
  if (claim === undefined || value === undefined || role === undefined) return undefined
  if (claim.length > 0) return { claim, value, role }
  members.get('claim')?.problem(`\`${item.path}.claim\` must name a claim`)
  return undefined
}
