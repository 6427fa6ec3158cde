const QUOTE = 0x22
const BACKSLASH = 0x5c

/** What a text that JSON takes holds, seen without building a value of it. */
export interface Outline {
  /** Member names in the text. A value read from it that has fewer members has lost a name that stood there twice. */
  readonly members: number
  readonly depth: number
}

/** Counts; whether the text is JSON is for the parser to say. Time and memory are bounded by its length, whatever it holds. */
export function outline(text: string): Outline {
  let members = 0
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = closingQuote(text, at)
      continue
    }
    // Outside of strings only a member's name is followed by a colon.
    if (code === 0x3a) members += 1
    else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > deepest) deepest = depth
    } else if (code === 0x7d || code === 0x5d) depth -= 1
  }
  return { members, depth: deepest }
}

/** The next quote that an even number of backslashes precede; the end of a text that has none. */
function closingQuote(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 1) return at
  }
  return text.length
}
