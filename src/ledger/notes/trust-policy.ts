import { parseDecimal } from './base64.ts'
import { parseVkey, type VerifierKey } from './vkey.ts'

/** A key and the sizes of the log for which it may speak. */
export interface TrustedKey {
  readonly key: VerifierKey
  /** The smallest size it may sign. */
  readonly from: number
  /** The largest size it may sign, or null: no end. */
  readonly to: number | null
}

/** Whom a verifier believes: the log's keys with their sizes, and the witnesses. The file `log.vkey`, pinned by its reader. */
export interface TrustPolicy {
  readonly keys: readonly TrustedKey[]
}

export interface PolicyProblem {
  /** From 1. */
  readonly line: number
  readonly message: string
}

export type ParsedPolicy =
  | { readonly ok: true; readonly policy: TrustPolicy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

const MAX_POLICY_CHARS = 64 * 1024

/** Lines `<vkey> [from [to]]`, both sizes inclusive; `#` begins a comment. All problems are told, with their lines. Total. */
export function parseTrustPolicy(text: string): ParsedPolicy {
  if (text.length > MAX_POLICY_CHARS)
    return refused([{ line: 1, message: `longer than ${MAX_POLICY_CHARS} characters` }])
  const keys: TrustedKey[] = []
  const problems: PolicyProblem[] = []
  for (const [at, lineText] of text.split('\n').entries()) {
    const words = lineText
      .replace(/(?:^|\s)#.*$/s, '')
      .split(/\s+/)
      .filter(Boolean)
    if (words.length === 0) continue
    const line = parseLine(words)
    const message = typeof line === 'string' ? line : clash(keys, line)
    if (message !== null) problems.push({ line: at + 1, message })
    else if (typeof line !== 'string') keys.push(line)
  }
  if (problems.length === 0 && keys.length === 0) problems.push({ line: 1, message: 'no key is named' })
  return problems.length > 0 ? refused(problems) : { ok: true, policy: { keys } }
}

function refused(problems: readonly PolicyProblem[]): ParsedPolicy {
  return { ok: false, problems }
}

function parseLine([vkey = '', from = '0', to, ...more]: readonly string[]): TrustedKey | string {
  const key = parseVkey(vkey)
  if (key === null) return 'not a key: expected `<name>+<id>+<base64>` of an Ed25519 key, with the id of that key'
  const first = parseDecimal(from)
  const last = to === undefined ? null : parseDecimal(to)
  if (first === null) return `not a size: ${JSON.stringify(from)}`
  if (last === null && to !== undefined) return `not a size: ${JSON.stringify(to)}`
  if (last !== null && last < first) return `the sizes run backwards: ${first} to ${last}`
  return more.length > 0 ? 'too many words: expected `<vkey> [from [to]]`' : { key, from: first, to: last }
}

/** Two lines for one key would be two answers to one question; so would two keys of one name and id. */
function clash(keys: readonly TrustedKey[], { key }: TrustedKey): string | null {
  const twice = keys.some((other) => other.key.name === key.name && other.key.id === key.id)
  return twice ? `the key ${key.name}+${key.id} is named twice` : null
}

/** One line a key, in order; sizes only where they say something. */
export function formatTrustPolicy({ keys }: TrustPolicy): string {
  return keys.map(({ key, from, to }) => `${[key.vkey, ...sizes(from, to)].join(' ')}\n`).join('')
}

function sizes(from: number, to: number | null): string[] {
  if (to !== null) return [String(from), String(to)]
  return from === 0 ? [] : [String(from)]
}

/** The log's keys that may sign a checkpoint of this size: more than one where a rotation overlaps, none where nobody may. */
export function keysInForce(policy: TrustPolicy, size: number): VerifierKey[] {
  return speakers(policy, 'ed25519', size)
}

/** The witnesses whose cosignature counts at this size. */
export function witnessesInForce(policy: TrustPolicy, size: number): VerifierKey[] {
  return speakers(policy, 'cosignature', size)
}

function speakers({ keys }: TrustPolicy, kind: VerifierKey['kind'], size: number): VerifierKey[] {
  return keys
    .filter(({ key, from, to }) => key.kind === kind && from <= size && (to === null || size <= to))
    .map(({ key }) => key)
}
