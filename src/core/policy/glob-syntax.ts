/** In a `name` (tool names) `*` and `?` match every character; in a `path` (targets, paths, branches) they stop at `/`. */
export type GlobFlavour = 'name' | 'path'

/** A range of code points, both ends included. */
export type Range = readonly [number, number]

/**
 * One step of a glob. The steps run in order as a nondeterministic automaton, never as a backtracking regular
 * expression: the text is agent-controlled, and matching must stay linear in it.
 */
export type Step =
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'one' }
  | { readonly kind: 'set'; readonly negated: boolean; readonly ranges: readonly Range[] }
  /** Any number of characters but `/`. */
  | { readonly kind: 'star' }
  /** Any number of any characters. */
  | { readonly kind: 'deep' }
  /** Goes on to the next step, or jumps over `over` steps. */
  | { readonly kind: 'maybe'; readonly over: number }
  /** Any characters up to and including some `/`. */
  | { readonly kind: 'segments' }

/** A glob that cannot be read. The message says how to write it. */
export interface GlobFault {
  readonly fault: string
}

/** Alternatives a glob may stand for after its braces are written out. */
const MAX_ALTERNATIVES = 512
const MAX_LENGTH = 1024
const META = new Set('*?[{\\')
/** Stands between two `*` that only braces brought together, so that they do not read as `**`. Never part of a policy's text. */
const SEAM = '\0'

/** Reads `*`, `**`, `?`, `[set]`, `[!set]`, `{a,b}` and `\` escapes; returns the alternatives its braces stand for, as steps. */
export function parseGlob(text: string, flavour: GlobFlavour): readonly (readonly Step[])[] | GlobFault {
  if (text === '') return { fault: 'an empty glob matches nothing; write `*` for anything' }
  if (text.length > MAX_LENGTH) return { fault: `a glob has at most ${MAX_LENGTH} characters` }
  if (text.startsWith('!'))
    return { fault: 'negation is not supported; put a rule with another decision before this one' }
  if (/[@+?*!]\(/.test(text)) return { fault: 'extended globs are not supported; write alternatives as {a,b}' }
  if (/\p{Cc}/u.test(text)) return { fault: 'control characters are not read in a glob' }
  const spread = expandBraces(text.normalize('NFC'))
  if ('fault' in spread) return spread
  const programs: (readonly Step[])[] = []
  for (const alternative of spread.alternatives) {
    const steps = parseSteps(alternative, flavour)
    if ('fault' in steps) return steps
    programs.push(steps)
  }
  return programs
}

/** The glob's alternatives as text, braces written out; for messages. Malformed globs come back whole. */
export function writtenOut(text: string): readonly string[] {
  const spread = expandBraces(text)
  return 'fault' in spread ? [text] : spread.alternatives.map((one) => one.replaceAll(SEAM, ''))
}

/** The characters every match of this brace-free glob begins with. */
export function literalHead(alternative: string): string {
  let head = ''
  for (let at = 0; at < alternative.length; at++) {
    const char = alternative.charAt(at)
    if (char === '\\') head += alternative.charAt(++at)
    else if (META.has(char)) return head
    else head += char
  }
  return head
}

function expandBraces(text: string): { readonly alternatives: readonly string[] } | GlobFault {
  let done: string[] = ['']
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at)
    if (char === '}') return { fault: '`}` without `{`; write `\\}` for the character itself' }
    if (char !== '{') {
      const length = plainLength(text, at)
      const piece = text.slice(at, at + length)
      const afterBraces = text.charAt(at - 1) === '}'
      done = done.map((start) => (afterBraces ? join(start, piece) : start + piece))
      at += length
      continue
    }
    const group = braceGroup(text, at)
    if ('fault' in group) return group
    const parts: string[] = []
    for (const part of group.parts) {
      const spread = expandBraces(part)
      if ('fault' in spread) return spread
      parts.push(...spread.alternatives)
    }
    if (done.length * parts.length > MAX_ALTERNATIVES) {
      return { fault: `braces stand for more than ${MAX_ALTERNATIVES} alternatives; use several rules` }
    }
    done = done.flatMap((start) => parts.map((part) => join(start, part)))
    at = group.end
  }
  return { alternatives: done }
}

function join(start: string, part: string): string {
  return start.endsWith('*') && part.startsWith('*') ? start + SEAM + part : start + part
}

/** Length of the escape, set or single character that begins at `at`: braces inside a set are ordinary characters. */
function plainLength(text: string, at: number): number {
  if (text.charAt(at) === '\\') return Math.min(2, text.length - at)
  if (text.charAt(at) !== '[') return 1
  const end = setEnd(text, at)
  return end === -1 ? 1 : end + 1 - at
}

/** Index of the `]` that closes the set opened at `at`, or -1. A `]` right after the opening is a member, as in POSIX. */
function setEnd(text: string, at: number): number {
  let from = at + 1
  if (text.charAt(from) === '!' || text.charAt(from) === '^') from++
  if (text.charAt(from) === ']') from++
  for (; from < text.length; from++) {
    if (text.charAt(from) === '\\') from++
    else if (text.charAt(from) === ']') return from
  }
  return -1
}

function braceGroup(
  text: string,
  open: number,
): { readonly parts: readonly string[]; readonly end: number } | GlobFault {
  const parts: string[] = []
  let depth = 0
  let start = open + 1
  for (let at = open; at < text.length; at += plainLength(text, at)) {
    const char = text.charAt(at)
    if (char === '{') depth++
    if (char === ',' && depth === 1) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
    if (char === '}' && --depth === 0) {
      parts.push(text.slice(start, at))
      if (parts.length > 1) return { parts, end: at + 1 }
      return { fault: 'braces hold one alternative; write {a,b}, or `\\{` for the character itself' }
    }
  }
  return { fault: '`{` is never closed; write {a,b}, or `\\{` for the character itself' }
}

function parseSteps(alternative: string, flavour: GlobFlavour): readonly Step[] | GlobFault {
  const steps: Step[] = []
  // Several `**` in a row are one.
  const text = alternative.replace(/(^|\/)(?:\*\*\/)+\*\*(?=\/|$)/g, '$1**')
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at)
    if (char === '*') {
      const end = starsEnd(text, at)
      at = pushStars(steps, text, at, end, flavour)
    } else if (char === SEAM) {
      at++
    } else if (char === '?') {
      steps.push({ kind: 'one' })
      at++
    } else if (char === '[') {
      const end = setEnd(text, at)
      if (end === -1) return { fault: '`[` is never closed; write [abc], or `\\[` for the character itself' }
      const set = parseSet(text.slice(at + 1, end))
      if ('fault' in set) return set
      steps.push(set)
      at = end + 1
    } else if (char === '\\' && at + 1 === text.length) {
      return { fault: 'a lone `\\` at the end; write `\\\\` for the character itself' }
    } else {
      if (char === '\\') at++
      const code = text.codePointAt(at) ?? 0
      steps.push({ kind: 'char', code })
      at += code > 0xffff ? 2 : 1
    }
  }
  return steps
}

function starsEnd(text: string, at: number): number {
  let end = at
  while (text.charAt(end) === '*') end++
  return end
}

/** Adds what the stars from `at` to `end` mean and returns where reading goes on. */
function pushStars(steps: Step[], text: string, at: number, end: number, flavour: GlobFlavour): number {
  if (flavour === 'name') steps.push({ kind: 'deep' })
  else if (end - at === 1) steps.push({ kind: 'star' })
  else {
    const opensSegment = at === 0 || text.charAt(at - 1) === '/'
    // `**/x` also matches `x`, and `x/**` also matches `x`: the segments between may be none.
    if (opensSegment && text.charAt(end) === '/') {
      steps.push({ kind: 'maybe', over: 2 }, { kind: 'segments' })
      return end + 1
    }
    const last = steps.at(-1)
    if (opensSegment && end === text.length && steps.length > 1 && last?.kind === 'char') {
      steps.splice(-1, 1, { kind: 'maybe', over: 3 }, last)
    }
    steps.push({ kind: 'deep' })
  }
  return end
}

function parseSet(body: string): Step | GlobFault {
  const negated = body.startsWith('!') || body.startsWith('^')
  const members: { code: number; escaped: boolean }[] = []
  const chars = [...(negated ? body.slice(1) : body)]
  for (let at = 0; at < chars.length; at++) {
    const escaped = chars[at] === '\\'
    if (escaped) at++
    members.push({ code: chars[at]?.codePointAt(0) ?? 0, escaped })
  }
  if (members.length === 0) return { fault: 'an empty set matches nothing; write [abc]' }
  const ranges: Range[] = []
  for (let at = 0; at < members.length; at++) {
    const from = members[at]
    const dash = members[at + 1]
    const to = members[at + 2]
    if (from === undefined) break
    if (dash === undefined || to === undefined || dash.escaped || dash.code !== 0x2d) {
      ranges.push([from.code, from.code])
      continue
    }
    if (to.code < from.code) return { fault: 'a range in [ ] runs backwards; write [a-z]' }
    ranges.push([from.code, to.code])
    at += 2
  }
  return { kind: 'set', negated, ranges }
}
