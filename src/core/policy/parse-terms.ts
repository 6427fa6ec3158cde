import { DEFAULT_TERMS, type ReviewTerms, type RuleVerdict } from '../decision.ts'
import type { Reader } from './reader.ts'
import type { TreeEntry } from './tree.ts'

const APPROVAL_KEYS = [
  'ttl',
  'reviewers',
  'independent',
  'same_session',
  'from',
  'role',
  'repeat',
  'not_author',
] as const
const ROLES = ['reviewer', 'admin'] as const

const MAX_TTL_SECONDS = 30 * 86_400
const MAX_REPEAT_SECONDS = 3600
export const MAX_REVIEWERS = 20
const MAX_NAMED = 100
const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** The owners of the repository's room, in place of a name. */
export const ROOM_OWNERS = 'owners'

/** On what terms a review is settled: `approval: { ... }` of a rule that reviews. */
export function readTerms(
  reader: Reader,
  entry: TreeEntry | undefined,
  decision: RuleVerdict | undefined,
): ReviewTerms {
  if (entry === undefined) return DEFAULT_TERMS
  if (decision !== undefined && decision !== 'review') {
    reader.problem(entry.keyAt, `\`approval\` says on what terms a review is settled; this rule decides ${decision}`)
  }
  if (entry.value.kind !== 'mapping') {
    reader.problem(entry.value.at, '`approval` must be a mapping, such as { ttl: 30m, reviewers: 1 }')
    return DEFAULT_TERMS
  }
  const members = reader.members(entry.value, '`approval`', APPROVAL_KEYS)
  const reviewers = reader.whole(members.reviewers, 1, MAX_REVIEWERS) ?? DEFAULT_TERMS.reviewers
  const from = readNamed(reader, members.from, reviewers)
  const repeat = readDuration(reader, members.repeat, MAX_REPEAT_SECONDS, '1h')
  return {
    ttl: readDuration(reader, members.ttl, MAX_TTL_SECONDS, '30d') ?? DEFAULT_TERMS.ttl,
    reviewers,
    independent: reader.flag(members.independent) ?? DEFAULT_TERMS.independent,
    sameSession: reader.flag(members.same_session) ?? DEFAULT_TERMS.sameSession,
    ...(from === undefined ? {} : { from: [from] }),
    ...(readRole(reader, members.role) === 'admin' ? { role: 'admin' } : {}),
    ...(repeat === undefined ? {} : { repeat }),
    ...(reader.flag(members.not_author) === true ? { notAuthor: true } : {}),
  }
}

/** Owners of keys by name, sorted, each once. */
function readNamed(reader: Reader, entry: TreeEntry | undefined, reviewers: number): readonly string[] | undefined {
  const texts = reader.texts(entry)
  if (entry === undefined || texts === undefined) return undefined
  for (const { text, at } of texts) {
    if (text.length > 128 || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text))
      reader.problem(at, 'an owner has 1 to 128 printable characters')
  }
  const names = [...new Set(texts.map(({ text }) => text))].sort()
  if (names.length > MAX_NAMED) reader.problem(entry.value.at, `\`from\` names at most ${MAX_NAMED} owners`)
  if (names.length < reviewers && !names.includes(ROOM_OWNERS)) {
    reader.problem(entry.value.at, `${reviewers} reviewers are needed, but \`from\` names only ${names.length}`)
  }
  return names
}

function readRole(reader: Reader, entry: TreeEntry | undefined) {
  const text = reader.text(entry)
  return entry === undefined || text === undefined
    ? undefined
    : reader.choice({ text, at: entry.value.at }, 'role', ROLES)
}

/** Seconds of `90s`, `30m`, `2h`, `1d`. */
function readDuration(reader: Reader, entry: TreeEntry | undefined, most: number, shown: string): number | undefined {
  if (entry === undefined) return undefined
  const value = entry.value.kind === 'scalar' ? String(entry.value.value) : ''
  const parts = /^([1-9]\d{0,6})([smhd])$/.exec(value)
  const unit = (['s', 'm', 'h', 'd'] as const).find((one) => one === parts?.[2])
  const seconds = unit === undefined ? 0 : Number(parts?.[1]) * UNIT_SECONDS[unit]
  if (seconds > 0 && seconds <= most) return seconds
  reader.problem(
    entry.value.at,
    `\`${entry.key}\` is a duration such as 90s, 30m or 1h, at most ${shown}; \`${value}\` is none`,
  )
  return undefined
}
