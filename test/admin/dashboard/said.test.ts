import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Said } from '../../../src/admin/dashboard/parts/said.tsx'
import { showHidden } from '../../../src/core/visible-text.ts'

const shown = (text: string, more: object = {}) => String(Said({ text, ...more }))

describe('text that others supplied', () => {
  it('never becomes markup, and never holds what cannot be seen', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '<script>',
      '</bdi>',
      '\u202E',
      '\u200B',
      '\u0000',
      '\u001b',
      '\u{E0041}',
      'a',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'binary' }))), fc.boolean(), (pieces, lines) => {
        const html = shown(pieces.join(''), { lines, name: 'strict' })
        const tags = html.match(/<[^>]*>/g) ?? []
        const ours = /^<\/?(bdi|span|details|summary|p)( class="[a-z ]+")?( title="[^"<>]*")?>$/
        expect(tags.filter((tag) => !ours.test(tag))).toEqual([])
        expect(
          showHidden(html, () => '!')
            .replaceAll(lines ? /[\n\t]/g : /$^/g, '')
            .includes('!'),
        ).toBe(pieces.join('').includes('!') || (lines && /[\n\t]/.test(html)))
      }),
    )
  })

  it.each([
    ['a\u202Eb', 'U+202E'],
    ['a\u0000b', 'U+0000'],
    ['\u{E0041}', 'U+E0041'],
    ['a\nb', 'U+000A'],
  ])('shows %j as a code point', (text, point) => {
    expect(shown(text)).toContain(`title="a character that cannot be seen">${point}</span>`)
  })

  it('keeps line breaks where they are layout', () => {
    expect(shown('a\n\tb', { lines: true })).toBe('<bdi class="lines">a\n\tb</bdi>')
  })

  it.each([
    ['gіthub', 'words', true],
    ['github.сom', 'strict', true],
    ['Привет, GitHub', 'words', false],
    ['Привет, GitHub', 'strict', true],
    ['größer', 'strict', false],
    ['日本語 GitHub', 'strict', false],
  ] as const)('marks letters of several scripts: %s, %s', (text, name, marked) => {
    expect(shown(text, { name }).includes('mixed scripts')).toBe(marked)
  })

  it('cuts between characters, and says how much is left', () => {
    expect(shown('a😀b', { brief: 2 })).toBe('<bdi>a</bdi><span class="dim">…[+3]</span>')
    expect(shown('x'.repeat(30), { first: 10 })).toContain('20 more characters')
  })
})
