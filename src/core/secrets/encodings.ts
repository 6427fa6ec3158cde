/** What a marker looks like where the text around it was encoded. */
export interface EncodedMarker {
  readonly text: string
  readonly encoding: 'base64' | 'hex'
  /** How far before the marker's code the decoding must begin, in characters. */
  readonly lead: number
}

/** Longest code that is decoded at one place, in characters. */
const LONGEST_CODE = 16_384
const BASE64_RUN = /[A-Za-z0-9+/_-]+(?:[\s"'`+,\\]{1,16}[A-Za-z0-9+/_-]{4,})*/y
const HEX_RUN = /(?:[0-9a-fA-F]{2})+/y

/** The spellings of a literal in base64, one for each place it can have in a group of three bytes, and in hex. */
export function encodedMarkers(marker: string): readonly EncodedMarker[] {
  const found: EncodedMarker[] = [{ text: Buffer.from(marker).toString('hex'), encoding: 'hex', lead: 0 }]
  for (const before of [0, 1, 2]) {
    const code = Buffer.from('\0'.repeat(before) + marker)
    // Only characters whose six bits all come from the marker.
    const from = Math.ceil((before * 8) / 6)
    const to = Math.floor((code.length * 8) / 6)
    const texts = new Set([code.toString('base64').slice(from, to), code.toString('base64url').slice(from, to)])
    for (const text of texts) found.push({ text, encoding: 'base64', lead: from })
  }
  return found
}

/** The code around an encoded marker, decoded: its bytes as Latin-1, and how much of the text it takes. */
export function decodeAt(
  text: string,
  offset: number,
  marker: EncodedMarker,
): { readonly decoded: string; readonly from: number; readonly to: number } | null {
  const from = offset - marker.lead
  if (from < 0) return null
  const window = text.slice(from, from + LONGEST_CODE)
  const run = marker.encoding === 'hex' ? HEX_RUN : BASE64_RUN
  run.lastIndex = 0
  const code = run.exec(window)?.[0]
  if (code === undefined || code.length <= marker.lead) return null
  // Node's decoder takes both alphabets and would skip what stands between the lines, but `+` is in the alphabet itself.
  const dense = marker.encoding === 'hex' ? code : code.replace(/["'`]\s*\+?\s*["'`]|[\s"'`,\\]+/g, '')
  return { decoded: Buffer.from(dense, marker.encoding).toString('latin1'), from, to: from + code.length }
}

/** A text with pieces taken out or replaced, and where its characters came from. */
export interface Derived {
  readonly text: string
  origin(offset: number): number
}

/** One character of ASCII as strings, addresses, HTML and JavaScript spell it, and the zero bytes of UTF-16. */
const ESCAPE = new RegExp(
  [
    '%([0-9a-f]{2})',
    String.raw`\\x([0-9a-f]{2})`,
    String.raw`\\u00([0-9a-f]{2})`,
    String.raw`\\u\{0{0,8}([0-9a-f]{2})\}`,
    '&#x0{0,8}([0-9a-f]{2})(?![0-9a-f]);?',
    String.raw`&#0{0,8}(\d{2,3})(?!\d);?`,
    String.raw`\\([01][0-7]{2})(?![0-7])`,
    '(&lowbar;|&underbar;)',
    String.raw`\0`,
  ].join('|'),
  'gi',
)
/** What a text with escapes holds at least one of. */
const ESCAPING = /[%\0]|\\[xu01]|&(?:#|lowbar|underbar)/i
/** How often escapes of escapes are read: `%2567` is `%67` is `g`. */
const ROUNDS = 3

/** The text with `%67`, `\x67`, `\u0067`, `\u{67}`, `\147`, `&#103;` and `&#x67;` read as what they stand for, escapes of escapes too; null where it holds none. */
export function unescapeText(text: string): Derived | null {
  const steps: Derived[] = []
  for (let step = unescapeOnce(text); step !== null && steps.length < ROUNDS; step = unescapeOnce(step.text)) {
    steps.push(step)
  }
  const last = steps.at(-1)
  if (last === undefined) return null
  return { text: last.text, origin: (offset) => steps.reduceRight((at, step) => step.origin(at), offset) }
}

function unescapeOnce(text: string): Derived | null {
  return ESCAPING.test(text) ? derive(text, ESCAPE, readEscape) : null
}

function readEscape(...[, ...groups]: readonly (string | undefined)[]): string {
  const [percent, x, u, braced, entity, decimal, octal, named] = groups
  const hex = percent ?? x ?? u ?? braced ?? entity
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
  if (decimal !== undefined) return String.fromCharCode(Number(decimal))
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
  return named === undefined ? '' : '_'
}

/** Between two string literals that a program would join, at the ends of continued lines, and inside `gh''p_`. */
const SEAM = /["'`][ \t]*(?:(?:[+.&]|\.\.)[ \t]*)?(?:\\?\r?\n[ \t]*(?:(?:[+.&]|\.\.)[ \t]*)?)?["'`]|\\\r?\n[ \t]*/g
const SEAM_OR_LINE_END = new RegExp(`${SEAM.source}|\\r?\\n[ \\t]*`, 'g')

/** The text with what stands between joined pieces taken out; with `lines`, line ends too. Null where nothing is. */
export function joinText(text: string, lines: boolean): Derived | null {
  return derive(text, lines ? SEAM_OR_LINE_END : SEAM, null)
}

/** What stands in place of a match; `match` and its groups. */
type Replace = (...match: string[]) => string

/** @param replace null takes the match out, which the engine does without calling back for each. */
function derive(text: string, pattern: RegExp, replace: Replace | null): Derived | null {
  const derived = replace === null ? text.replace(pattern, '') : text.replace(pattern, replace)
  if (derived.length === text.length) return null
  // Where the characters came from is asked of the few texts that hold a secret.
  let pieces: readonly Piece[] | null = null
  return {
    text: derived,
    origin(offset) {
      pieces ??= piecesOf(text, pattern, replace)
      const piece = pieces[lastFrom(pieces, offset)]
      return piece === undefined ? offset : piece.origin + offset - piece.start
    },
  }
}

/** A run of characters that was kept, or what stands in place of a match: where it begins in the new text and in the old one. */
interface Piece {
  readonly start: number
  readonly origin: number
}

function piecesOf(text: string, pattern: RegExp, replace: Replace | null): readonly Piece[] {
  const pieces: Piece[] = [{ start: 0, origin: 0 }]
  let length = 0
  let last = 0
  for (const match of text.matchAll(pattern)) {
    length += match.index - last
    pieces.push({ start: length, origin: match.index })
    length += replace === null ? 0 : replace(...match).length
    last = match.index + match[0].length
    pieces.push({ start: length, origin: last })
  }
  return pieces
}

function lastFrom(pieces: readonly Piece[], offset: number): number {
  let low = 0
  let high = pieces.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((pieces[middle]?.start ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}
