import type { SecretConfidence } from './hit.ts'
import { entropyOf, isPlaceholder } from './randomness.ts'

/** Words in the name of what holds a secret. Lower case; four characters or more, but for the last. */
export const SECRET_WORDS: readonly string[] = [
  ...['secret', 'token', 'passw', 'passphrase', 'apikey', 'api_key', 'api-key', 'access_key', 'access-key'],
  ...['accesskey', 'private_key', 'privatekey', 'credential', 'auth_key', 'authorization', 'pwd'],
]

export interface Assigned {
  readonly type: string
  readonly label: string
  readonly confidence: SecretConfidence
  readonly offset: number
  readonly length: number
}

const NAME_END = /[A-Za-z0-9_.-]{0,64}/y
/** From the end of a name to its value: `=`, `:`, `:=`, `=>`, quotes and blanks, a scheme of HTTP. */
const VALUE =
  /["'`]?\]?[ \t]{0,8}(?::=|=>|==?|:)\s{0,8}(?:(?:Bearer|Basic|token)[ ]{1,2})?(["'`]?)((?:Bearer |Basic |token )?)([A-Za-z0-9+/=_.~!@#$%^&*:-]{10,256})(.?)/y

/** Names of things that are random and public. */
const PUBLIC_NAME =
  /sha\d|hash|digest|checksum|integrity|fingerprint|public|uuid|guid|_id$|count|length|limit|expir|url$/i
/** Values that are read from elsewhere, or are code: `process.env.TOKEN`, `vault:secret/x`, `getToken(`. */
const INDIRECT =
  /^(?:process|os|env|config|settings|self|this|ctx|secrets?|vars|inputs|steps|github)\.|^\$|\/\/|^[A-Za-z]+(?:[._-][A-Za-z]+)*$/
/** No less random than this, in bits a character, and a digit and a letter among them. */
const LEAST_ENTROPY = 3.5
/** RFC 9562: far more often a name than a secret. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const AWS_SECRET = /^[A-Za-z0-9+/]{40}$/

/**
 * A random value given to something whose name says that it is a secret, where such a word stands at `offset`.
 * `next` is where the search for further words may go on.
 */
export function readAssignment(
  text: string,
  offset: number,
): { readonly found: Assigned | null; readonly next: number } {
  NAME_END.lastIndex = offset
  const name = NAME_END.exec(text)?.[0] ?? ''
  const next = offset + name.length
  VALUE.lastIndex = next
  const match = VALUE.exec(text)
  if (match === null) return { found: null, next }
  const [whole, quote = '', , value = '', after = ''] = match
  const before = /[A-Za-z0-9_.-]*$/.exec(text.slice(Math.max(0, offset - 48), offset))?.[0] ?? ''
  const full = before + name
  const confidence = weigh(full, value, quote, after)
  if (confidence === null) return { found: null, next }
  const aws = confidence === 'shape'
  const start = next + whole.length - after.length - value.length
  const type = aws ? 'aws-secret-access-key' : 'generic-assignment'
  const label = aws ? 'an AWS secret access key' : 'a random value under the name of a secret'
  return { found: { type, label, confidence, offset: start, length: value.length }, next }
}

function weigh(name: string, value: string, quote: string, after: string): SecretConfidence | null {
  if (after === '(' || (quote === '' && after === '[')) return null
  if (isPlaceholder(value)) return null
  const entropy = entropyOf(value)
  if (AWS_SECRET.test(value) && entropy > 4 && /aws|secret_?access_?key/i.test(name)) return 'shape'
  if (PUBLIC_NAME.test(name) || INDIRECT.test(value) || UUID.test(value)) return null
  const mixed = /\d/.test(value) && /[A-Za-z]/.test(value)
  return mixed && entropy >= LEAST_ENTROPY ? 'generic' : null
}
