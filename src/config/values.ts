import type { Environment } from './places.ts'
import type { Place } from './yaml-reader.ts'

/** What reading needs of the world: the environment for `${NAME}`, and the folder that relative paths start from. */
export interface Surroundings {
  readonly env: Environment
  resolve(path: string): string
  /** Leave `${NAME}` standing where NAME is not set: for reading a configuration without serving by it. */
  readonly lenient?: boolean
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g
const SECRET_HEADER = /authorization|cookie|token|secret|password|(^|-)api-?key|private-?key|access-?key/i
const SECRET_VARIABLE = /(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY)$/i
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** A duration such as `30s`, `5m`, `1h`, in milliseconds. */
export function duration(place: Place): number | undefined {
  const text = place.text()
  if (text === undefined) return undefined
  const match = /^([1-9]\d{0,8})(ms|s|m|h)$/.exec(text)
  if (match) return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
  place.problem(`\`${place.path}\` must be a duration such as 30s, 5m or 1h`)
  return undefined
}

/** HTTP headers of an upstream, `${NAME}` taken from the environment. A secret written out is refused: files get shared. */
export function headers(place: Place, around: Surroundings): Record<string, string> {
  return pairs(place, around, HEADER_NAME, SECRET_HEADER)
}

/** Environment of a stdio upstream, under the same terms. */
export function variables(place: Place, around: Surroundings): Record<string, string> {
  return pairs(place, around, VARIABLE_NAME, SECRET_VARIABLE)
}

function pairs(place: Place, around: Surroundings, name: RegExp, secret: RegExp): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [key, value] of place.members()) {
    const text = value.text()
    if (text === undefined) continue
    if (!name.test(key)) value.problem(`\`${key}\` is not a valid name`)
    else if (/[\r\n\0]/.test(text)) value.problem(`\`${value.path}\` must be one line`)
    else if (secret.test(key) && text.search(VARIABLE) === -1)
      value.problem(
        `\`${value.path}\` looks like a secret written into the file; put it into an environment variable and write \${NAME}`,
      )
    else found[key] = interpolate(text, value, around)
  }
  return found
}

function interpolate(text: string, place: Place, { env, lenient }: Surroundings): string {
  return text.replace(VARIABLE, (written, name: string) => {
    const value = env[name]
    if (value !== undefined && value !== '') return value
    if (!lenient) place.problem(`the environment variable ${name} is not set (used by \`${place.path}\`)`)
    return written
  })
}

/** An absolute http or https address without credentials in it. */
export function address(place: Place): string | undefined {
  const text = place.text()
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    place.problem(`\`${place.path}\` must be an http or https address`)
    return undefined
  }
  if (url.username || url.password) {
    place.problem(`\`${place.path}\` holds a user name or password; lend a credential instead`)
    return undefined
  }
  return text
}

/** A file's path, resolved against the folder of the file that names it. */
export function path(place: Place, around: Surroundings): string | undefined {
  const text = place.text()
  return text === undefined ? undefined : around.resolve(text)
}

/** A variable's name. */
export function variableName(place: Place): string | undefined {
  const text = place.text()
  if (text === undefined || VARIABLE_NAME.test(text)) return text
  place.problem(`\`${place.path}\` must be the name of an environment variable`)
  return undefined
}
