import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineChanges } from '../../src/core/changes.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { type ShownArgument, shownArguments } from '../../src/oversight/arguments.ts'

const lines = (shown: ShownArgument | undefined) =>
  shown?.kind === 'file' ? shown.lines.map(({ mark, text }) => mark + text) : []

describe('arguments as people read them', () => {
  it('shows files with their content as additions, where nobody knows what is there now', () => {
    const shown = shownArguments({ branch: 'b', files: [{ path: 'a.ts', content: 'one\ntwo\n' }] })
    expect(shown.map(({ kind }) => kind)).toEqual(['value', 'file'])
    expect(shown[1]).toMatchObject({ path: 'a.ts', known: false })
    expect(lines(shown[1])).toEqual(['+one', '+two'])
  })

  it('shows replacements as a difference', () => {
    const [path, file] = shownArguments({ path: 'a.ts', old_string: 'a\nb\nc', new_string: 'a\nx\nc' })
    expect(path).toEqual({ kind: 'value', name: 'path', value: 'a.ts' })
    expect(file).toMatchObject({ kind: 'file', path: 'a.ts', known: true })
    expect(lines(file)).toEqual([' a', '-b', '+x', ' c'])
    const [, many] = shownArguments({ path: 'a.ts', edits: [{ oldText: 'a', newText: 'b' }] })
    expect(lines(many)).toEqual(['-a', '+b'])
  })

  it('shows as it is whatever is not of the shape it knows: nothing hides behind a file', () => {
    const odd: JsonObject[] = [
      { files: [{ path: 'a', content: 'b', mode: '100755' }] },
      { files: [{ path: 'a' }] },
      { files: 'a' },
      { edits: [{ oldText: 'a', newText: 'b', also: 'c' }], path: 'a' },
    ]
    for (const parameters of odd) expect(shownArguments(parameters).every(({ kind }) => kind === 'value')).toBe(true)
  })

  it('gives long texts and those of several lines a place of their own, behind the short ones', () => {
    const shown = shownArguments({ body: 'one\ntwo', title: 'short', note: 'x'.repeat(200) })
    expect(shown.map((one) => [one.kind, 'name' in one ? one.name : ''])).toEqual([
      ['value', 'title'],
      ['text', 'body'],
      ['text', 'note'],
    ])
  })

  it('shows both of two replacements: nobody knows which one the upstream heeds', () => {
    const harmless = { oldText: 'a', newText: 'b' }
    const shown = shownArguments({ path: 'x.sh', ...harmless, old_string: 'a', new_string: 'rm -rf /' })
    expect(shown).toContainEqual({ kind: 'value', name: 'new_string', value: 'rm -rf /' })
    expect(shown).toContainEqual({ kind: 'value', name: 'old_string', value: 'a' })
  })

  it('leaves out no argument, whatever they are', () => {
    const names = fc.constantFrom(
      'path',
      'content',
      'files',
      'edits',
      'old_string',
      'new_string',
      'newText',
      'oldText',
      'a',
    )
    const value = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>
    fc.assert(
      fc.property(fc.dictionary(names, fc.oneof(value, fc.string()), { maxKeys: 6 }), (parameters) => {
        const shown = JSON.stringify(shownArguments(parameters))
        for (const [name, value] of Object.entries(parameters)) {
          if (typeof value !== 'string' || value === '') continue
          for (const line of value.split(/\r?\n/)) {
            expect(shown.includes(JSON.stringify(line).slice(1, -1)), `${name} is shown`).toBe(true)
          }
        }
      }),
    )
  })
})

describe('a difference line by line', () => {
  it('holds all lines of both texts in order', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 8 }).map((all) => all.join('\n'))
    fc.assert(
      fc.property(text, text, (old, now) => {
        const changes = lineChanges(old, now)
        const side = (gone: string) => changes.filter(({ mark }) => mark !== gone).map(({ text }) => text)
        const whole = (from: string) => {
          const all = from === '' ? [] : from.split('\n')
          return all.at(-1) === '' ? all.slice(0, -1) : all
        }
        expect(side('-')).toEqual(whole(now))
        expect(side('+')).toEqual(whole(old))
      }),
    )
  })
})
