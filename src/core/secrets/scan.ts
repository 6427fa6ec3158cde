import { readAssignment, SECRET_WORDS } from './assignments.ts'
import { type Derived, decodeAt, type EncodedMarker, encodedMarkers, joinText, unescapeText } from './encodings.ts'
import type { SecretHit } from './hit.ts'
import { compileMarkers, type MarkerSearch } from './marker-search.ts'
import { PATTERNS, type SecretPattern } from './patterns.ts'

/** Of each sort in one text; where there are more, the rest is not told one by one. */
const MOST_HITS = 256
/** Names that are looked at; beyond, the text is reported as one that could not be searched for values under names. */
const MOST_NAMES = 20_000
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
 * Finds secrets in a text: as they stand, joined from pieces, one level deep in base64 and hex, and behind the escapes of
 * strings, addresses and HTML, also where these are escaped again.
 * Time is linear in the text, which is an attacker's. The hits name places and kinds, never values.
 */
export function scan(text: string): readonly SecretHit[] {
  const budget: Budget = { left: Math.max(LEAST_WORK, WORK_PER_CHARACTER * text.length) }
  const plain = pass(text, 'whole', budget)
  const unescaped = unescapeText(text)
  const joined = joinText(text, plain.suspicious)
  const hits = [
    ...plain.hits,
    ...(unescaped === null ? [] : derivedHits(unescaped, budget)),
    ...(joined === null ? [] : derivedHits(joined, budget)),
  ]
  return distinct(hits)
}

/** Characters that may still be looked at again, of the text and of all that is made of it. */
interface Budget {
  left: number
}

function derivedHits(derived: Derived, budget: Budget): SecretHit[] {
  return pass(derived.text, 'derived', budget).hits.map((hit) => {
    const offset = derived.origin(hit.offset)
    return { ...hit, offset, length: derived.origin(hit.offset + Math.max(hit.length, 1) - 1) + 1 - offset }
  })
}

interface Pass {
  readonly hits: readonly SecretHit[]
  /** True where a marker stood that made no hit by itself: it may be the first piece of one. */
  readonly suspicious: boolean
}

/** `decoded`: inside a code, where nothing is decoded again and names say nothing. */
type Depth = 'whole' | 'derived' | 'decoded'

/** Weak hits never end the search: however many there are, a sure one may stand behind them. */
function pass(text: string, depth: Depth, budget: Budget): Pass {
  const sure: SecretHit[] = []
  const weak: SecretHit[] = []
  const add = (hit: SecretHit) => {
    const sort = hit.confidence === 'generic' ? weak : sure
    if (sort.length < MOST_HITS) sort.push(hit)
    else if (sort.length === MOST_HITS)
      sort.push(unchecked(hit.offset, hit.confidence === 'generic' ? 'generic' : 'shape'))
  }
  let suspicious = false
  let names = 0
  let namedTo = 0
  const { tasks, search } = allLiterals()
  search.each(text, ({ marker, offset }) => {
    const task = tasks[marker]
    if (task === undefined || (depth === 'decoded' && task.kind !== 'shape')) return true
    if (task.kind === 'name') {
      if (depth !== 'whole' || offset < namedTo || names > MOST_NAMES) return true
      names += 1
      if (names > MOST_NAMES) weak.push(unchecked(offset, 'generic'))
      else namedTo = nameAt(text, offset, add)
      return true
    }
    suspicious = true
    if (task.kind === 'shape') shapeAt(task.pattern, text, offset, { add, budget })
    else codeAt(task.marker, text, offset, { add, budget })
    if (budget.left < 0) sure.push(unchecked(offset, 'shape'))
    return budget.left >= 0 && sure.length <= MOST_HITS
  })
  return { hits: [...sure, ...weak], suspicious }
}

interface Looking {
  readonly add: (hit: SecretHit) => void
  readonly budget: Budget
}

function shapeAt(pattern: SecretPattern, text: string, offset: number, { add, budget }: Looking): void {
  const { type, label, shape, reach = 0 } = pattern
  shape.lastIndex = offset
  const match = shape.exec(text)?.[0]
  if (match === undefined) return
  budget.left -= Math.min(reach, text.length - offset)
  const weight = pattern.weigh(match, text, offset)
  if (weight !== null) add({ type, label, confidence: weight.confidence, offset, length: weight.length })
}

function nameAt(text: string, offset: number, add: Looking['add']): number {
  const { found, next } = readAssignment(text, offset)
  if (found !== null) add(found)
  return next
}

/** What was found in a code is told of the code as a whole. */
function codeAt(marker: EncodedMarker, text: string, offset: number, { add, budget }: Looking): void {
  const code = decodeAt(text, offset, marker)
  if (code === null) return
  const { decoded, from, to } = code
  budget.left -= to - from
  for (const hit of pass(decoded, 'decoded', budget).hits) add({ ...hit, offset: from, length: to - from })
}

/** The type of a hit that stands for a text that was not searched to its end. */
export const UNCHECKED = 'unchecked'

/** Fails closed: behind the place where the search ended anything may stand. */
function unchecked(offset: number, confidence: 'shape' | 'generic'): SecretHit {
  const label = 'more that looks like secrets than can be told apart'
  return { type: UNCHECKED, label, confidence, offset, length: 0 }
}

const RANK = { proven: 0, shape: 1, generic: 2 } as const

/** The surest reading of each place, of equal ones the first; what only overlaps is another place. */
function distinct(hits: readonly SecretHit[]): readonly SecretHit[] {
  const kept: SecretHit[] = []
  for (const hit of hits.toSorted((a, b) => RANK[a.confidence] - RANK[b.confidence] || a.offset - b.offset)) {
    const end = hit.offset + hit.length
    const told = kept.some(
      (one) => one.offset === hit.offset || (one.offset < hit.offset && end <= one.offset + one.length),
    )
    if (!told) kept.push(hit)
  }
  return kept.toSorted((a, b) => a.offset - b.offset)
}
