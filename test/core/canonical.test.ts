import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalBody, canonicalize, MAX_BODY_BYTES } from '../../src/core/canonical.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'

interface Vectors {
  readonly pairs: readonly { readonly why: string; readonly input: string; readonly output: string }[]
  readonly refused: readonly { readonly why: string; readonly input: string; readonly only?: 'body' }[]
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('../vectors/jcs.json', import.meta.url), 'utf8'))

const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)])

describe('canonical JSON (RFC 8785)', () => {
  it.each(vectors.pairs)('writes $why as the standard does', ({ input, output }) => {
    expect(canonicalize(JSON.parse(input))).toBe(output)
  })

  it.each(vectors.refused.filter(({ only }) => only === undefined))('refuses $why', ({ input }) => {
    expect(() => canonicalize(JSON.parse(input))).toThrow(/canonical JSON cannot hold/)
  })

  it.each(vectors.refused)('refuses $why in an entry', ({ input }) => {
    expect(() => canonicalBody({ value: JSON.parse(input) })).toThrow(/canonical JSON cannot hold/)
  })

  it('refuses what JSON has no form for, instead of dropping or nulling it', () => {
    const hostile: unknown[] = [undefined, Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1, Symbol('x')]
    for (const value of hostile) {
      expect(() => canonicalize({ value } as JsonObject), String(value)).toThrow()
      expect(() => canonicalize([value] as Json), String(value)).toThrow()
    }
  })

  it('bounds depth: 80 levels for values, 8 for an entry', () => {
    expect(() => canonicalize(deep(80))).not.toThrow()
    expect(() => canonicalize(deep(81))).toThrow(/nested too deeply/)
    expect(() => canonicalBody({ a: deep(7) })).not.toThrow()
    expect(() => canonicalBody({ a: deep(8) })).toThrow(/nested too deeply/)
  })

  it('bounds an entry to 32 KiB of UTF-8, not of characters', () => {
    const overhead = '{"a":""}'.length
    expect(() => canonicalBody({ a: 'x'.repeat(MAX_BODY_BYTES - overhead) })).not.toThrow()
    expect(() => canonicalBody({ a: 'x'.repeat(MAX_BODY_BYTES - overhead + 1) })).toThrow(/32768 bytes/)
    expect(() => canonicalBody({ a: 'é'.repeat(MAX_BODY_BYTES / 2) })).toThrow(/32768 bytes/)
  })

  it('is stable: reading and writing again changes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = canonicalize(value as Json)
        expect(canonicalize(JSON.parse(text))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('does not depend on the order in which members were added', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalize(reversed)).toBe(canonicalize(value))
      }),
    )
  })
})
