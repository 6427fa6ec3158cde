import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changeOf } from '../../src/core/changes.ts'

const change = (old: string | null | 'unknown', now: string | null) => {
  const { status, additions, deletions, added } = changeOf('a', old, now)
  return { status, additions, deletions, added }
}
const lines = (count: number, prefix = 'line ') => Array.from({ length: count }, (_, at) => `${prefix}${at}\n`).join('')

describe('changeOf', () => {
  it.each<[string, string | null | 'unknown', string | null, ReturnType<typeof change>]>([
    ['a new file', null, 'a\nb\n', { status: 'added', additions: 2, deletions: 0, added: 'a\nb' }],
    ['a file taken away', 'a\nb\n', null, { status: 'removed', additions: 0, deletions: 2, added: '' }],
    ['a line changed', 'a\nb\nc\n', 'a\nx\nc\n', { status: 'modified', additions: 1, deletions: 1, added: 'x' }],
    ['a line put in', 'a\nc\n', 'a\nb\nc\n', { status: 'modified', additions: 1, deletions: 0, added: 'b' }],
    ['a line taken out', 'a\nb\nc\n', 'a\nc\n', { status: 'modified', additions: 0, deletions: 1, added: '' }],
    ['nothing', 'a\nb\n', 'a\nb\n', { status: 'modified', additions: 0, deletions: 0, added: '' }],
    ['a last line without its end', 'a\nb\n', 'a\nb', { status: 'modified', additions: 0, deletions: 0, added: '' }],
    ['other line ends', 'a\r\nb\r\n', 'a\nb\n', { status: 'modified', additions: 0, deletions: 0, added: '' }],
    [
      'one line among other line ends',
      'a\nb\n',
      'a\r\nx\r\n',
      { status: 'modified', additions: 1, deletions: 1, added: 'x' },
    ],
    ['an empty file', null, '', { status: 'added', additions: 0, deletions: 0, added: '' }],
    ['an emptied file', 'a\n', '', { status: 'modified', additions: 0, deletions: 1, added: '' }],
    ['a blank line', 'a\n', 'a\n\n', { status: 'modified', additions: 1, deletions: 0, added: '' }],
    ['a line that moves', 'a\nb\nc\n', 'b\nc\na\n', { status: 'modified', additions: 1, deletions: 1, added: 'a' }],
    ['a binary file', null, 'a\0b', { status: 'added', additions: null, deletions: null, added: null }],
    [
      'text in place of a binary file',
      'a\0b',
      'a',
      { status: 'modified', additions: null, deletions: null, added: null },
    ],
    [
      'what could not be read',
      'unknown',
      'a\nb\n',
      { status: 'modified', additions: 2, deletions: null, added: 'a\nb' },
    ],
    [
      'what could not be read, taken away',
      'unknown',
      null,
      { status: 'removed', additions: 0, deletions: null, added: '' },
    ],
    ['what was not there', null, null, { status: 'removed', additions: 0, deletions: 0, added: '' }],
  ])('counts %s', (_, old, now, expected) => {
    expect(change(old, now)).toEqual(expected)
  })

  it('counts everything between the ends, where the differences are too many to look for', () => {
    const { additions, deletions, added } = change(`top\n${lines(3000, 'a')}end\n`, `top\n${lines(3000, 'b')}end\n`)
    expect([additions, deletions]).toEqual([3000, 3000])
    expect(added?.split('\n')).toHaveLength(3000)
  })

  it('is never too few: what is added and what stays make the new text', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', '', 'd'), { maxLength: 30 })
      .map((all) => all.map((one) => `${one}\n`).join(''))
    fc.assert(
      fc.property(text, text, (old, now) => {
        const { additions, deletions, added } = change(old, now)
        const [before, after] = [old.split('\n').length, now.split('\n').length]
        expect((additions ?? 0) - (deletions ?? 0)).toBe(after - before)
        const kept = new Set(old.split('\n'))
        const news = now.split('\n').filter((line) => !kept.has(line))
        const told = (added ?? '').split('\n')
        for (const line of news) expect(told).toContain(line)
      }),
    )
  })

  it('looks less closely the more files there are, so that no push holds everybody up', () => {
    const old = lines(400)
    const now = old.replace(/line (\d*[05])\n/g, 'new $1\n')
    expect(changeOf('a', old, now)).toMatchObject({ additions: 80, deletions: 80 })
    expect(changeOf('a', old, now, 300)).toMatchObject({ additions: 396, deletions: 396 })
    expect(changeOf('a', old, old.replace('line 7\n', 'x\n'), 300)).toMatchObject({ additions: 1, deletions: 1 })
  })
})
