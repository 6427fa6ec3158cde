import { describe, expect, it } from 'vitest'
import { definitionOf } from '../../src/tool-pins/definition.ts'
import { definitionDiff } from '../../src/tool-pins/index.ts'

const text = (tool: object) => definitionOf(JSON.parse(JSON.stringify(tool))).text

describe('the difference of two definitions', () => {
  it('names each member that was added, removed or changed by its path', () => {
    const before = text({ name: 'add', description: 'Adds.', inputSchema: { properties: { a: { type: 'number' } } } })
    const after = text({ name: 'add', description: 'Adds!', inputSchema: { properties: { b: { type: 'number' } } } })
    expect(definitionDiff(before, after)).toEqual([
      { path: 'description', before: 'Adds.', after: 'Adds!' },
      { path: 'inputSchema.properties.a.type', before: 'number', after: null },
      { path: 'inputSchema.properties.b.type', before: null, after: 'number' },
    ])
  })

  it('is the whole definition where there was none before', () => {
    expect(definitionDiff(null, text({ name: 'add', tags: ['x'], empty: {} }))).toEqual([
      { path: 'empty', before: null, after: '{}' },
      { path: 'name', before: null, after: 'add' },
      { path: 'tags.0', before: null, after: 'x' },
    ])
  })

  it('shows a name with a dot as one name', () => {
    const [change] = definitionDiff(text({ a: { b: 1 } }), text({ a: { b: 1 }, 'a.b': 1 }))
    expect(change).toEqual({ path: '"a.b"', before: null, after: '1' })
  })

  it('says that a definition was too long to be kept', () => {
    expect(definitionDiff(text({ name: 'add' }), null)).toContainEqual(
      expect.objectContaining({ after: '(too long to be kept)' }),
    )
  })
})

describe('the digest of a definition', () => {
  const digest = (tool: object) => definitionOf(JSON.parse(JSON.stringify(tool))).digest

  it('does not depend on the order of members, nor on _meta and icons', () => {
    const one = { name: 'a', description: 'b', _meta: { at: 1 }, icons: [] }
    expect(digest(one)).toBe(digest({ description: 'b', _meta: { at: 2 }, name: 'a' }))
  })

  it.each([
    { name: 'b' },
    { description: 'c' },
    { title: 'x' },
    { inputSchema: { type: 'object', required: ['x'] } },
    { outputSchema: {} },
    { annotations: { readOnlyHint: true } },
    { execution: { taskSupport: 'required' } },
    { somethingNew: true },
  ])('changes with %j', (change) => {
    const tool = { name: 'a', description: 'b', inputSchema: { type: 'object' } }
    expect(digest({ ...tool, ...change })).not.toBe(digest(tool))
  })
})
