import { expect, it } from 'vitest'
import { hiddenCharacter, hiddenInLines, showHidden } from '../../src/core/visible-text.ts'

it.each([
  ['plain/path-1.ts', null],
  ['grüße 漢字 👩‍💻'.replace('\u200d', ''), null],
  ['a heart ❤️', null],
  ['zero\u200bwidth', 'U+200B'],
  ['\u202egnp.exe', 'U+202E'],
  ['no-break\u00a0blank', 'U+00A0'],
  ['\u{e0041}', 'U+E0041'],
  ['\ud800', 'U+D800'],
  ['two\nlines', 'U+000A'],
])('finds what %j hides', (text, found) => {
  expect(hiddenCharacter(text)).toBe(found)
})

it('lets newline and tab pass in text of several lines, but no carriage return', () => {
  expect(hiddenInLines('a\n\tb')).toBeNull()
  expect(hiddenInLines('a\r\nb')).toBe('U+000D')
})

it('knows every control, format character, surrogate, separator and blank of Unicode', () => {
  const points = Array.from({ length: 0x110000 }, (_, point) => String.fromCodePoint(point))
  const missed = points.filter(
    (character) => /[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/u.test(character) && character !== ' ' && !hiddenCharacter(character),
  )
  expect(missed).toEqual([])
})

it('shows each hidden character as asked, and nothing else otherwise', () => {
  expect(showHidden('a\u200bb\u{e0041} ❤️', (character) => `<${character.length}>`)).toBe('a<1>b<2> ❤️')
})
