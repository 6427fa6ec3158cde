import { advance, type GlobSet, isDead, matchesGlobs, type StateSet, start } from './glob.ts'
import type { GlobFlavour, Step } from './glob-syntax.ts'

/** States looked at before giving up. Giving up says "not contained": lint then stays silent, nothing is decided by it. */
const MAX_WORK = 200_000

/**
 * True where every text that `inner` matches is matched by `outer` too. Exact while the search stays within its
 * bound: the automaton of `inner` runs beside the set of all states `outer` can be in, over one sample character
 * for each class the two patterns can tell apart.
 */
export function contains(outer: GlobSet, inner: GlobSet): boolean {
  if (outer.texts.length === inner.texts.length && outer.texts.every((text, at) => text === inner.texts[at]))
    return true
  return inner.programs.every(({ steps, head }) => {
    // Most pairs part here: a text of `inner` that `outer` does not match settles it.
    if (!matchesGlobs(outer, witness(steps))) return false
    // A match of `inner` begins with its head, so only programs that can begin that way are of use.
    const useful = outer.programs.filter((one) => head.startsWith(one.head) || one.head.startsWith(head))
    return (
      useful.length > 0 &&
      covered(
        steps,
        useful.map((one) => one.steps),
        outer.flavour,
      )
    )
  })
}

/** A text that most globs of these steps match: literals as they are, wildcards filled with what literals rarely hold. */
function witness(steps: readonly Step[]): string {
  return steps.map(witnessOf).join('')
}

function witnessOf(step: Step): string {
  switch (step.kind) {
    case 'char':
      return String.fromCodePoint(step.code)
    case 'set': {
      const from = step.ranges[0]?.[0]
      return step.negated || from === undefined ? FILLER : String.fromCodePoint(from)
    }
    case 'segments':
      return `${FILLER}/`
    case 'maybe':
      return ''
    case 'one':
    case 'star':
    case 'deep':
      return FILLER
    default:
      return step satisfies never
  }
}

/** Private use: no policy names it. */
const FILLER = '\u{e000}'

/** Where the search stands: the waiting steps of `inner`, and of each outer program that can still match. */
interface Pair {
  readonly inner: StateSet
  readonly outer: readonly Running[]
}

interface Running {
  /** Place of the program: tells states of different programs apart. */
  readonly at: number
  readonly steps: readonly Step[]
  readonly states: StateSet
}

function covered(inner: readonly Step[], outer: readonly (readonly Step[])[], flavour: GlobFlavour): boolean {
  const seen = new Set<string>()
  const width = inner.length + outer.reduce((sum, { length }) => sum + length, 0)
  let work = 0
  const open: Pair[] = [{ inner: start(inner), outer: outer.map((steps, at) => ({ at, steps, states: start(steps) })) }]
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    work += width
    if (work > MAX_WORK) return false
    const accepted = pair.outer.some(({ steps, states }) => states[steps.length] === 1)
    if (pair.inner[inner.length] === 1 && !accepted) return false
    for (const next of successors(pair, inner, flavour)) {
      // Some text of `inner` goes on where no outer program can.
      if (next.outer.length === 0) return false
      const key = keyOf(next)
      if (seen.has(key)) continue
      seen.add(key)
      open.push(next)
    }
  }
  return true
}

/** One step on over each character that the waiting steps tell apart; ways on which `inner` ends dead are left out. */
function successors(pair: Pair, inner: readonly Step[], flavour: GlobFlavour): Pair[] {
  const codes = new Set<number>([0x2f])
  waitingCodes(inner, pair.inner, codes)
  for (const { steps, states } of pair.outer) waitingCodes(steps, states, codes)
  let other = 0xe000
  while (codes.has(other)) other++
  codes.add(other)
  return [...codes].flatMap((code) => {
    const next = advance(inner, pair.inner, code, flavour)
    if (isDead(next)) return []
    const outer = pair.outer
      .map(({ at, steps, states }) => ({ at, steps, states: advance(steps, states, code, flavour) }))
      .filter(({ states }) => !isDead(states))
    return [{ inner: next, outer }]
  })
}

function keyOf({ inner, outer }: Pair): string {
  return [text(inner), ...outer.map(({ at, states }) => `${at}:${text(states)}`)].join('|')
}

const text = (states: StateSet): string => String.fromCharCode(...states)

/** One code point of every class that the waiting steps tell apart: those they name and the neighbours of their ranges. */
function waitingCodes(steps: readonly Step[], states: StateSet, codes: Set<number>): void {
  for (const [at, step] of steps.entries()) {
    if (states[at] !== 1) continue
    if (step.kind === 'char') codes.add(step.code)
    if (step.kind !== 'set') continue
    for (const [from, to] of step.ranges) {
      for (const code of [from - 1, from, to, to + 1]) if (code >= 0 && code <= 0x10ffff) codes.add(code)
    }
  }
}
