import { advance, type GlobSet, isDead, type StateSet, start } from './glob.ts'
import type { GlobFlavour, Step } from './glob-syntax.ts'

/** Pairs of states looked at before giving up. Giving up says "not contained": lint then stays silent, nothing is decided by it. */
const MAX_PAIRS = 2000

/**
 * True where every text that `inner` matches is matched by `outer` too. Exact while the search stays within its
 * bound: the automaton of `inner` runs beside the set of all states `outer` can be in, over one sample character
 * for each class the two patterns can tell apart.
 */
export function contains(outer: GlobSet, inner: GlobSet): boolean {
  if (outer.texts.length === inner.texts.length && outer.texts.every((text, at) => text === inner.texts[at]))
    return true
  return inner.programs.every(({ steps, head }) => {
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

function covered(inner: readonly Step[], outer: readonly (readonly Step[])[], flavour: GlobFlavour): boolean {
  const samples = sampleCodes([inner, ...outer])
  const seen = new Set<string>()
  const open: { inner: StateSet; outer: readonly StateSet[] }[] = [{ inner: start(inner), outer: outer.map(start) }]
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const accepted = pair.outer.some((states, at) => states[outer[at]?.length ?? -1] === 1)
    if (pair.inner[inner.length] === 1 && !accepted) return false
    for (const code of samples) {
      const next = {
        inner: advance(inner, pair.inner, code, flavour),
        outer: pair.outer.map((states, at) => advance(outer[at] ?? [], states, code, flavour)),
      }
      if (isDead(next.inner)) continue
      const key = `${next.inner.join('')}|${next.outer.map((states) => states.join('')).join('|')}`
      if (seen.has(key)) continue
      if (seen.size >= MAX_PAIRS) return false
      seen.add(key)
      open.push(next)
    }
  }
  return true
}

/** One code point of every class that the patterns tell apart: those they name, the neighbours of their ranges, `/`, and any other. */
function sampleCodes(programs: readonly (readonly Step[])[]): readonly number[] {
  const codes = new Set<number>([0x2f])
  for (const step of programs.flat()) {
    if (step.kind === 'char') codes.add(step.code)
    if (step.kind !== 'set') continue
    for (const [from, to] of step.ranges) {
      for (const code of [from - 1, from, to, to + 1]) if (code >= 0 && code <= 0x10ffff) codes.add(code)
    }
  }
  let other = 0xe000
  while (codes.has(other)) other++
  return [...codes, other]
}
