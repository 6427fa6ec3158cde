import { hasGithubChecksum } from './github-checksum.ts'
import type { SecretConfidence } from './hit.ts'
import { entropyOf, isPlaceholder } from './randomness.ts'

/** One kind of secret that is known by its look. To add one, add a row. */
export interface SecretPattern {
  readonly type: string
  readonly label: string
  /** Literals one of which every such secret begins with: at least four characters, so that few texts hold them. */
  readonly markers: readonly string[]
  /** Sticky, tried where a marker stands. Bounded repetitions only: the text is an attacker's. */
  readonly shape: RegExp
  /** Characters that `weigh` may look at beyond the match: what they cost is bounded for the text as a whole. */
  readonly reach?: number
  /** How sure it is, and how long, seen with what follows it; null where it is none after all. */
  weigh(match: string, text: string, offset: number): Weight | null
}

export interface Weight {
  readonly confidence: SecretConfidence
  readonly length: number
}

/** Below this many bits a character a "token" is a row of crosses or zeros. */
const LEAST_ENTROPY = 2.8

function byLook(match: string): Weight | null {
  if (entropyOf(match) < LEAST_ENTROPY) return null
  return { confidence: isPlaceholder(match) ? 'generic' : 'shape', length: match.length }
}

function byChecksum(match: string): Weight | null {
  const proven = hasGithubChecksum(match.slice('ghp_'.length))
  return proven ? { confidence: 'proven', length: match.length } : byLook(match)
}

const LONGEST_TOKEN = 7_000
const TOKEN_REST = /[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,2000}/y

/** A token whose body is a JSON Web Token (RFC 7519), of which `eyJ` was found: its header says so. */
function byHeader(match: string, text: string, offset: number): Weight | null {
  TOKEN_REST.lastIndex = offset + match.length
  const rest = TOKEN_REST.exec(text)?.[0]
  if (rest === undefined) return null
  const header = Buffer.from(`eyJ${rest.slice(0, rest.indexOf('.'))}`, 'base64url').toString('latin1')
  return { confidence: header.includes('"alg"') ? 'proven' : 'shape', length: match.length + rest.length }
}

/** Longest key that is looked for behind its header line: an RSA key of 16,384 bits has 12,700 characters. */
const LONGEST_KEY = 16_384

/** A header alone is prose; with a key's worth of base64 behind it, it is a key (RFC 7468; OpenPGP; PuTTY). */
function byBody(match: string, text: string, offset: number): Weight | null {
  const rest = text.slice(offset + match.length, offset + match.length + LONGEST_KEY)
  const footer = /-----END|Private-MAC:/.exec(rest)
  const body = footer === null ? rest.slice(0, 4096) : rest.slice(0, footer.index)
  const dense = body.replace(/\\+[nr]|[\s"'`+,\\]+/g, '')
  if (!/[A-Za-z0-9+/]{40}/.test(dense)) return null
  const length = match.length + (footer === null ? Math.min(body.length, 256) : footer.index + footer[0].length)
  return { confidence: footer === null ? 'shape' : 'proven', length }
}

function github(letter: string, type: string, label: string): SecretPattern {
  const marker = `gh${letter}_`
  return { type, label, markers: [marker], shape: new RegExp(`${marker}[A-Za-z0-9]{36,255}`, 'y'), weigh: byChecksum }
}

/** Kinds of secrets by their look, most telling first: of two at one place the first counts. */
export const PATTERNS: readonly SecretPattern[] = [
  {
    type: 'github-app-token',
    label: 'a GitHub App installation token',
    markers: ['ghs_'],
    // `ghs_<App id>_<JWT>`, GitHub's form since April 2026.
    shape: /ghs_[A-Za-z0-9_]{0,24}eyJ/y,
    reach: LONGEST_TOKEN,
    weigh: byHeader,
  },
  github('p', 'github-classic-pat', 'a GitHub personal access token'),
  github('o', 'github-oauth', 'a GitHub OAuth token'),
  github('u', 'github-app-user-token', 'a GitHub App user token'),
  github('s', 'github-app-token', 'a GitHub App installation token'),
  github('r', 'github-refresh', 'a GitHub refresh token'),
  {
    type: 'github-fine-grained-pat',
    label: 'a fine-grained GitHub personal access token',
    markers: ['github_pat_'],
    shape: /github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}/y,
    weigh: byLook,
  },
  {
    type: 'aws-access-key-id',
    label: 'an AWS access key id',
    markers: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
    shape: /A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}(?![A-Z0-9])/y,
    weigh: byLook,
  },
  {
    type: 'private-key',
    label: 'a private key',
    markers: ['-----BEGIN ', 'PuTTY-User-Key-File-'],
    shape: /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d:/y,
    reach: LONGEST_KEY,
    weigh: byBody,
  },
]
