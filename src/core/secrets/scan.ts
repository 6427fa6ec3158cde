import { readAssignment, SECRET_WORDS } from './assignments.ts'
import { type Derived, decodeAt, type EncodedMarker, encodedMarkers, joinText, unescapeText } from './encodings.ts'
import type { SecretHit } from './hit.ts'
import { compileMarkers, type MarkerSearch } from './marker-search.ts'
import { PATTERNS, type SecretPattern } from './patterns.ts'

/** More secrets than this in one text change nothing. */
const MOST_HITS = 64
/** Places that only look like a secret; beyond, the text is one that keeps the scanner busy, and is reported as such. */
const MOST_TRIES = 20_000
/** Characters looked at again for one text, in codes and behind headers: all of it once, and then some. */
const LEAST_WORK = 1024 * 1024
const WORK_PER_CHARACTER = 4

/** What a literal that was found in a text calls for. */
type Task =
  | { readonly kind: 'shape'; readonly pattern: SecretPattern }
  | { readonly kind: 'code'; readonly marker: EncodedMarker }
  | { readonly kind: 'name' }

/** Every literal that is looked for. Made when first needed: most processes that read a policy never scan. */
interface Literals {
  readonly tasks: readonly Task[]
  readonly search: MarkerSearch
}
let literals: Literals | null = null

function allLiterals(): Literals {
  if (literals !== null) return literals
  const all = [
    ...PATTERNS.flatMap((pattern) =>
      pattern.markers.flatMap((marker): [string, Task][] => [
        [marker, { kind: 'shape', pattern }],
        ...encodedMarkers(marker).map((encoded): [string, Task] => [encoded.text, { kind: 'code', marker: encoded }]),
      ]),
    ),
    ...SECRET_WORDS.map((word): [string, Task] => [word, { kind: 'name' }]),
  ]
  literals = { tasks: all.map(([, task]) => task), search: compileMarkers(all.map(([text]) => text)) }
  return literals
}

/**
 * Finds secrets in a text: as they stand, joined from pieces, and one level deep in base64, hex, `%67`, `\x67` and `\u0067`.
 * Time is linear in the text, which is an attacker's. The hits name places and kinds, never values.
 */
export function scan(text: string): readonly SecretHit[] {
  const plain = pass(text, 'whole')
  const unescaped = unescapeText(text)
  const joined = joinText(text, plain.suspicious)
  const hits = [
    ...plain.hits,
    ...(unescaped === null ? [] : derivedHits(unescaped)),
    ...(joined === null ? [] : derivedHits(joined)),
  ]
  return distinct(hits)
}

function derivedHits(derived: Derived): SecretHit[] {
  return pass(derived.text, 'derived').hits.map((hit) => {
    const offset = derived.origin(hit.offset)
    return { ...hit, offset, length: derived.origin(hit.offset + hit.length - 1) + 1 - offset }
  })
}

interface Pass {
  readonly hits: SecretHit[]
  /** True where a marker stood that made no hit by itself: it may be the first piece of one. */
  readonly suspicious: boolean
}

/** `decoded`: inside a code, where nothing is decoded again and names say nothing. */
type Depth = 'whole' | 'derived' | 'decoded'

function pass(text: string, depth: Depth): Pass {
  const hits: SecretHit[] = []
  let suspicious = false
  let tries = 0
  let named = 0
  let allowance = Math.max(LEAST_WORK, WORK_PER_CHARACTER * text.length)
  const { tasks, search } = allLiterals()
  search.each(text, ({ marker, offset }) => {
    const task = tasks[marker]
    if (task === undefined || (depth === 'decoded' && task.kind !== 'shape')) return true
    tries += 1
    if (tries > MOST_TRIES || allowance < 0) hits.push(tooMany(offset))
    else if (task.kind === 'name') {
      if (offset >= named && depth === 'whole') named = nameAt(text, offset, hits)
    } else {
      suspicious = true
      if (task.kind === 'shape') allowance -= shapeAt(task.pattern, text, offset, hits)
      else allowance -= codeAt(task.marker, text, offset, hits)
    }
    return hits.length < MOST_HITS && hits.at(-1)?.type !== UNCHECKED
  })
  return { hits, suspicious }
}

/** Gives back how much was looked at. */
function shapeAt(pattern: SecretPattern, text: string, offset: number, hits: SecretHit[]): number {
  const { type, label, shape, reach = 0 } = pattern
  shape.lastIndex = offset
  const match = shape.exec(text)?.[0]
  if (match === undefined) return 0
  const weight = pattern.weigh(match, text, offset)
  if (weight !== null) hits.push({ type, label, confidence: weight.confidence, offset, length: weight.length })
  return Math.min(reach, text.length - offset)
}

function nameAt(text: string, offset: number, hits: SecretHit[]): number {
  const { found, next } = readAssignment(text, offset)
  if (found !== null) hits.push(found)
  return next
}

/** What was found in a code is told of the code as a whole. Gives back how much was decoded. */
function codeAt(marker: EncodedMarker, text: string, offset: number, hits: SecretHit[]): number {
  const code = decodeAt(text, offset, marker)
  if (code === null) return 0
  const { decoded, from, to } = code
  for (const hit of pass(decoded, 'decoded').hits) hits.push({ ...hit, offset: from, length: to - from })
  return to - from
}

const UNCHECKED = 'unchecked'

function tooMany(offset: number): SecretHit {
  const label = 'more text that looks like secrets than can be checked'
  return { type: UNCHECKED, label, confidence: 'generic', offset, length: 0 }
}

const RANK = { proven: 0, shape: 1, generic: 2 } as const

/** The surest reading of each place. */
function distinct(hits: readonly SecretHit[]): readonly SecretHit[] {
  const kept: SecretHit[] = []
  for (const hit of hits.toSorted((a, b) => RANK[a.confidence] - RANK[b.confidence] || a.offset - b.offset)) {
    if (kept.length === MOST_HITS) break
    const covered = kept.some((one) => one.offset < hit.offset + hit.length && hit.offset < one.offset + one.length)
    if (!covered || hit.length === 0) kept.push(hit)
  }
  return kept.toSorted((a, b) => a.offset - b.offset)
}
