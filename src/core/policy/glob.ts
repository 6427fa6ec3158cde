import { type GlobFault, type GlobFlavour, parseGlob, type Step } from './glob-syntax.ts'

const SLASH = 0x2f

/** One or more globs as one pattern: a text matches where any of them does. */
export interface GlobSet {
  /** As written in the policy, in order. */
  readonly texts: readonly string[]
  readonly flavour: GlobFlavour
  readonly programs: readonly Program[]
  /** Matches every text that can match at all, by the literals the globs hold; null where one of them holds none. */
  readonly gate: RegExp | null
}

/** One brace-free glob, ready to run. */
export interface Program {
  readonly steps: readonly Step[]
  /** Every match begins and ends with these: most texts fail here, without running the automaton. */
  readonly head: string
  readonly tail: string
  /** Decides alone where set: `whole` the text is the head, `open` any text after the head will do. */
  readonly shape: 'whole' | 'open' | 'mixed'
  /** The longest text that every match holds; `''` where there is none. */
  readonly longest: string
  /** Fewest characters of a match, so that head and tail cannot overlap. */
  readonly least: number
}

/** Compiles globs to one set, or says what is wrong with the first malformed one. */
export function compileGlobs(
  texts: readonly string[],
  flavour: GlobFlavour,
): GlobSet | (GlobFault & { index: number }) {
  const programs: Program[] = []
  for (const [index, text] of texts.entries()) {
    const parsed = parseGlob(text, flavour)
    if ('fault' in parsed) return { ...parsed, index }
    for (const steps of parsed) programs.push(program(steps))
  }
  return { texts, flavour, programs, gate: gateOf(programs) }
}

/** True where the whole text matches. Time is linear in the text: it may be agent-controlled, and is only ever compared as text. */
export function matchesGlobs(set: GlobSet, text: string): boolean {
  if (set.gate !== null && !set.gate.test(text)) return false
  for (const one of set.programs) if (runs(one, text, set.flavour)) return true
  return false
}

/** Programs fewer than this are quicker run than guarded. */
const GATED_FROM = 4

/** The longest literals, as an alternation. Literals only: the expression has nothing to backtrack into. */
function gateOf(programs: readonly Program[]): RegExp | null {
  if (programs.length < GATED_FROM || programs.some(({ longest }) => longest === '')) return null
  const literal = [...new Set(programs.map(({ longest }) => longest))].map((text) =>
    text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'),
  )
  return new RegExp(literal.join('|'))
}

/** The glob, as written, that matches the text; null where none does. */
export function matchingGlob(set: GlobSet, text: string): string | null {
  const found = set.texts.find((glob) => {
    const parsed = parseGlob(glob, set.flavour)
    return !('fault' in parsed) && parsed.some((steps) => runs(program(steps), text, set.flavour))
  })
  return found ?? null
}

function program(steps: readonly Step[]): Program {
  const head = literals(steps)
  const whole = head.length === steps.length
  const open = steps.length === head.length + 1 && steps.at(-1)?.kind === 'deep'
  const tail = whole ? [] : literals(steps.toReversed()).toReversed()
  const jumped = steps.some((step, at) => step.kind === 'maybe' && at + step.over === steps.length)
  const tailText = jumped ? '' : String.fromCodePoint(...tail)
  const headText = String.fromCodePoint(...head)
  return {
    steps,
    head: headText,
    tail: tailText,
    longest: longestLiteral(steps),
    shape: whole ? 'whole' : open ? 'open' : 'mixed',
    least: headText.length + tailText.length,
  }
}

function literals(steps: readonly Step[]): number[] {
  const codes: number[] = []
  for (const step of steps) {
    if (step.kind !== 'char') break
    codes.push(step.code)
  }
  return codes
}

/** A run of literals may be left out where a `maybe` jumps over it: such runs do not count. */
function longestLiteral(steps: readonly Step[]): string {
  let longest = ''
  let run: number[] = []
  let jumpedUntil = 0
  for (const [at, step] of steps.entries()) {
    if (step.kind === 'maybe') jumpedUntil = Math.max(jumpedUntil, at + step.over)
    if (step.kind === 'char' && at >= jumpedUntil) run.push(step.code)
    else run = []
    if (run.length > longest.length) longest = String.fromCodePoint(...run)
  }
  return longest
}

function runs(one: Program, text: string, flavour: GlobFlavour): boolean {
  if (one.shape === 'whole') return text === one.head
  if (!text.startsWith(one.head)) return false
  if (one.shape === 'open') return true
  if (text.length < one.least || !text.endsWith(one.tail) || !text.includes(one.longest)) return false
  return simulate(one.steps, text, flavour)
}

/** Runs all ways to match at once: one pass over the text, each character costs at most one look at every step. */
function simulate(steps: readonly Step[], text: string, flavour: GlobFlavour): boolean {
  let current: StateSet = start(steps)
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0
    at += code > 0xffff ? 2 : 1
    current = advance(steps, current, code, flavour)
    if (isDead(current)) return false
  }
  return current[steps.length] === 1
}

/** Which steps of an automaton are waiting: index = step, the last index = matched. */
export type StateSet = Uint8Array

/** The states before the first character. */
export function start(steps: readonly Step[]): StateSet {
  const states = new Uint8Array(steps.length + 1)
  states[0] = 1
  return close(steps, states)
}

/** The states after one more character. */
export function advance(steps: readonly Step[], current: StateSet, code: number, flavour: GlobFlavour): StateSet {
  const next = new Uint8Array(steps.length + 1)
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]
    if (current[at] !== 1 || step === undefined) continue
    switch (step.kind) {
      case 'char':
        if (step.code === code) next[at + 1] = 1
        break
      case 'one':
        if (flavour === 'name' || code !== SLASH) next[at + 1] = 1
        break
      case 'set':
        if (inSet(step, code) && (flavour === 'name' || code !== SLASH)) next[at + 1] = 1
        break
      case 'star':
        if (code !== SLASH) next[at] = 1
        break
      case 'deep':
        next[at] = 1
        break
      case 'segments':
        next[at] = 1
        if (code === SLASH) next[at + 1] = 1
        break
      case 'maybe':
        break
      default:
        step satisfies never
    }
  }
  return close(steps, next)
}

export function isDead(states: StateSet): boolean {
  return !states.includes(1)
}

function inSet(step: Extract<Step, { kind: 'set' }>, code: number): boolean {
  return step.ranges.some(([from, to]) => from <= code && code <= to) !== step.negated
}

/** Follows the steps that need no character. They only lead forward, so one pass is enough. */
function close(steps: readonly Step[], states: StateSet): StateSet {
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]
    if (states[at] !== 1 || step === undefined) continue
    if (step.kind === 'star' || step.kind === 'deep') states[at + 1] = 1
    if (step.kind === 'maybe') {
      states[at + 1] = 1
      states[at + step.over] = 1
    }
  }
  return states
}
