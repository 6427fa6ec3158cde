import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import { headerText, headerValue } from '../../../src/core/mcp-headers.ts'
import { createParamHeaderCheck } from '../../../src/entrances/mcp/modern/param-headers.ts'

const text = (header: string): JsonObject => ({ type: 'string', 'x-mcp-header': header })
const tool = (name: string, properties: JsonObject): JsonObject => ({
  name,
  inputSchema: { type: 'object', properties },
})
const LIST = {
  tools: [
    tool('query', {
      region: text('Region'),
      limit: { type: 'integer', 'x-mcp-header': 'Limit' },
      dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
      place: { type: 'object', properties: { city: text('City') } },
    }),
    tool('plain', { region: { type: 'string' } }),
  ],
}

function checked(
  args: object,
  sent: Record<string, string>,
  name = 'query',
  upstream: string | null = 'files',
): boolean {
  const check = createParamHeaderCheck()
  check.learn('files', LIST)
  try {
    check.demand(upstream, JSON.parse(JSON.stringify({ name, arguments: args })), new Headers(sent))
    return true
  } catch {
    return false
  }
}

describe('the header of an argument', () => {
  it.each<[string, object, Record<string, string>, boolean]>([
    ['says the same', { region: 'us-west1' }, { 'mcp-param-region': 'us-west1' }, true],
    ['says something else', { region: 'us-west1' }, { 'mcp-param-region': 'eu-west1' }, false],
    ['is missing', { region: 'us-west1' }, {}, false],
    ['has no argument', {}, { 'mcp-param-region': 'us-west1' }, false],
    ['is rightly left out', {}, {}, true],
    ['is rightly left out of an argument that is null', { region: null }, {}, true],
    ['says the same in Base64', { region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVsbG8=?=' }, true],
    ['is Base64 without its padding', { region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVsbG8?=' }, false],
    ['is no Base64', { region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVs!!!bG8=?=' }, false],
    ['differs in case', { region: 'US' }, { 'mcp-param-region': 'us' }, false],
    ['is an equal number', { limit: 42 }, { 'mcp-param-limit': '42.0' }, true],
    ['is another number', { limit: 42 }, { 'mcp-param-limit': '43' }, false],
    ['is a text that only looks like the number', { region: '42' }, { 'mcp-param-region': '42.5' }, false],
    ['is a truth', { dry: true }, { 'mcp-param-dry': 'true' }, true],
    ['is a truth in other words', { dry: true }, { 'mcp-param-dry': '1' }, false],
    ['is of an argument further down', { place: { city: 'Rome' } }, { 'mcp-param-city': 'Rome' }, true],
    ['is missing for an argument further down', { place: { city: 'Rome' } }, {}, false],
    ['is one that nobody declared', {}, { 'mcp-param-other': 'x' }, true],
  ])('%s', (_, args, sent, fine) => {
    expect(checked(args, sent)).toBe(fine)
  })

  it("is nobody's business where the tool declares none, or belongs to another endpoint", () => {
    expect(checked({ region: 'a' }, { 'mcp-param-region': 'b' }, 'plain')).toBe(true)
    expect(checked({ region: 'a' }, { 'mcp-param-region': 'b' }, 'query', null)).toBe(true)
  })

  it('is forgotten once the tool declares it no more', () => {
    const check = createParamHeaderCheck()
    check.learn('files', LIST)
    check.learn('files', { tools: [tool('query', { region: { type: 'string' } })] })
    check.demand('files', { name: 'query', arguments: { region: 'a' } }, new Headers())
  })

  it('carries every text there and back', () => {
    const same = (value: string): boolean => headerText(headerValue(value)) === value
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), same))
  })
})
