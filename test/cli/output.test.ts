import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonText, list, visible } from '../../src/cli/output.ts'
import type { JsonObject } from '../../src/core/json.ts'

const COLUMNS = [
  { title: 'TOOL', value: (row: JsonObject) => String(row['tool']) },
  { title: 'TARGET', value: (row: JsonObject) => String(row['target']) },
]

describe('text from agents on a terminal', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', '<U+001B>[31mred<U+001B>[0m'],
    ['a\r\nb', 'a<U+000D><U+000A>b'],
    ['\u202egnp.exe', '<U+202E>gnp.exe'],
    ['zero\u200bwidth', 'zero<U+200B>width'],
    ['\u{e0041}tag', '<U+E0041>tag'],
    ['\u009b31m', '<U+009B>31m'],
    ['\ud800', '<U+D800>'],
    ['\u3164', '<U+3164>'],
    ['grüße, 漢字', 'grüße, 漢字'],
  ])('shows %j as %j', (text, shown) => {
    expect(visible(text)).toBe(shown)
  })

  it('never lets a control or format character through, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      }),
    )
  })

  it('prints JSON that parses to exactly what it was and holds no such character either', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), (value) => {
        const text = jsonText(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      }),
    )
  })
})

describe('lists', () => {
  const rows = [
    { tool: 'shell.rm', target: '/workspace' },
    { tool: '=cmd()', target: 'a,"b"' },
  ]

  it('come as a table whose columns line up', () => {
    expect(list(rows, COLUMNS, 'table')).toBe('TOOL      TARGET\nshell.rm  /workspace\n=cmd()    a,"b"\n')
  })

  it('come as CSV in which no cell is a formula', () => {
    expect(list(rows, COLUMNS, 'csv')).toBe('TOOL,TARGET\r\nshell.rm,/workspace\r\n\'=cmd(),"a,""b"""\r\n')
  })

  it('come as JSON with every member the server gave', () => {
    expect(JSON.parse(list(rows, COLUMNS, 'json'))).toEqual(rows)
    expect(list([], COLUMNS, 'json')).toBe('[]\n')
  })
})
