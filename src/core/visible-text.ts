/**
 * Characters a reviewer cannot see, or that make text read differently from what it does: controls, bidi marks,
 * zero-width, tag and other format characters, blanks other than the space. A table and not Unicode properties, whose
 * answers change with the version of Node: the same call must get the same decision. VARIATION SELECTOR-16 is left out:
 * emoji carry it.
 * Source: Unicode TR36 and TR39; "Trojan Source" (CVE-2021-42574). First and last code point of each range.
 */
const HIDDEN: readonly (readonly [number, number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x00a0],
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x0600, 0x0605],
  [0x061c, 0x061c],
  [0x06dd, 0x06dd],
  [0x070f, 0x070f],
  [0x0890, 0x0891],
  [0x08e2, 0x08e2],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0e],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x110bd, 0x110bd],
  [0x110cd, 0x110cd],
  [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
]
const ANY_HIDDEN = new RegExp(`[${HIDDEN.map(range).join('')}]`, 'gu')
const PLAIN = /^[\x20-\x7e]*$/
const PLAIN_LINES = /^[\n\t\x20-\x7e]*$/

/** The first hidden character of a name, path or branch as `U+200B`, or null. */
export function hiddenCharacter(text: string): string | null {
  return PLAIN.test(text) ? null : firstHidden(text, '')
}

/** As `hiddenCharacter`, for text of several lines: newline and tab pass, a carriage return does not. */
export function hiddenInLines(text: string): string | null {
  return PLAIN_LINES.test(text) ? null : firstHidden(text, '\n\t')
}

/** The text with each hidden character as `show` writes it. */
export function showHidden(text: string, show: (character: string) => string): string {
  return text.replace(ANY_HIDDEN, show)
}

/** `U+200B`. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

function firstHidden(text: string, except: string): string | null {
  for (const [character] of text.matchAll(ANY_HIDDEN)) if (!except.includes(character)) return codePoint(character)
  return null
}

function range([first, last]: readonly [number, number]): string {
  return `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`
}
