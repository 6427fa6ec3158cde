import type { CredentialSettings } from './shape.ts'
import { address, path, type Surroundings, variableName } from './values.ts'
import type { Place } from './yaml-reader.ts'

const GITHUB_APP = ['type', 'app_id', 'private_key_file', 'api_url', 'installation_id', 'installations'] as const
const STATIC = ['type', 'token_env', 'token_file', 'api_url'] as const
/** Names of accounts at GitHub. */
const OWNER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$/

/** One entry of `credentials:`. Mistakes are noted at their place. */
export function credentialOf(place: Place, around: Surroundings): CredentialSettings | undefined {
  const type = place.members().get('type')
  if (type === undefined) {
    place.problem(`\`${place.path}.type\` is missing: github_app or static`)
    return undefined
  }
  const chosen = type.choice(['github_app', 'static'])
  if (chosen === 'github_app') return githubApp(place, around)
  return chosen === 'static' ? staticToken(place, around) : undefined
}

function githubApp(place: Place, around: Surroundings): CredentialSettings | undefined {
  const members = place.members(GITHUB_APP)
  const id = members.get('app_id')?.integer(1, Number.MAX_SAFE_INTEGER)
  const key = members.get('private_key_file')
  const file = key && path(key, around)
  const api = members.get('api_url')
  if (!members.has('app_id')) place.problem(`\`${place.path}.app_id\` is missing`)
  if (key === undefined) place.problem(`\`${place.path}.private_key_file\` is missing`)
  if (id === undefined || file === undefined) return undefined
  const one = members.get('installation_id')
  const several = members.get('installations')
  if (one !== undefined && several !== undefined) {
    several.problem(`\`${place.path}\` has both \`installation_id\` and \`installations\`: leave one of them out`)
  }
  const installations = several && installationsOf(several)
  return {
    type: 'github_app',
    appId: String(id),
    privateKeyFile: file,
    apiUrl: (api && address(api)) ?? 'https://api.github.com',
    installationId: one?.integer(1, Number.MAX_SAFE_INTEGER) ?? null,
    ...(installations === undefined ? {} : { installations }),
  }
}

function staticToken(place: Place, around: Surroundings): CredentialSettings | undefined {
  const members = place.members(STATIC)
  const variable = members.get('token_env')
  const file = members.get('token_file')
  if ((variable === undefined) === (file === undefined)) {
    place.problem(`\`${place.path}\` needs either \`token_env\` or \`token_file\``)
    return undefined
  }
  const api = members.get('api_url')
  const apiUrl = api && address(api)
  const issuer = apiUrl === undefined ? {} : { apiUrl }
  const env = variable && variableName(variable)
  if (env !== undefined) return { type: 'static', from: { env }, ...issuer }
  const found = file && path(file, around)
  return found === undefined ? undefined : { type: 'static', from: { file: found }, ...issuer }
}

/** `installations:` of an App, from owners to numbers. */
function installationsOf(place: Place): Record<string, number> {
  const found: Record<string, number> = {}
  const members = place.members()
  if (members.size === 0) place.problem(`\`${place.path}\` names no owner, such as \`acme: 1234567\``)
  for (const [owner, value] of members) {
    const id = value.integer(1, Number.MAX_SAFE_INTEGER)
    if (!OWNER.test(owner)) value.problem(`\`${owner}\` is not the name of an account at GitHub`)
    else if (Object.keys(found).some((known) => known.toLowerCase() === owner.toLowerCase())) {
      value.problem(`\`${value.path}\` says it again: GitHub compares names of accounts without case`)
    } else if (id !== undefined) found[owner] = id
  }
  return found
}

/**
 * `credential:` of an upstream: a name, or a list of Apps, each with its `installations`, of which the first that has the owner
 * of the repository lends.
 * @param known every name under `credentials`; `read` those without a mistake.
 */
export function borrowedNames(
  place: Place,
  known: readonly string[],
  read: Readonly<Record<string, CredentialSettings>>,
): readonly string[] | undefined {
  const names = place.texts()
  if (names === undefined) return undefined
  const { length } = names
  if (length === 0) place.problem(`\`${place.path}\` names no credential`)
  for (const [index, name] of names.entries()) {
    const problem = borrowFault(name, { first: names.indexOf(name) === index, alone: length === 1 }, known, read)
    if (problem === null) continue
    const at = length === 1 ? place : (place.items()[index] ?? place)
    at.problem(`\`${at.path}\` ${problem}`)
  }
  return length === 0 ? undefined : names
}

function borrowFault(
  name: string,
  { first, alone }: { first: boolean; alone: boolean },
  known: readonly string[],
  read: Readonly<Record<string, CredentialSettings>>,
): string | null {
  if (!known.includes(name)) return `names \`${name}\`, which \`credentials\` does not define`
  if (!first) return `names \`${name}\` twice`
  const settings = read[name]
  if (alone || settings === undefined) return null
  if (settings.type !== 'github_app') return `names \`${name}\`, but only Apps can stand in a list`
  if (settings.installations !== undefined) return null
  return `names \`${name}\`, which does not say whose repositories it is for: give it \`installations\``
}
