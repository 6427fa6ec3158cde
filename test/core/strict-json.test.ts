import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import { isObject, type Json } from '../../src/core/json.ts'
import { decodeUtf8Strict, type JsonLimits, parseStrict, refuseTwins } from '../../src/core/strict-json.ts'

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof AegisError) return error.code
    throw error
  }
  return 'accepted'
}
const verdict = (text: string, limits?: Partial<JsonLimits>) => refusal(() => parseStrict(text, limits))

describe('parseStrict', () => {
  it.each([
    ['null', null],
    [' \t\r\n1 ', 1],
    ['-0', 0],
    ['-0.0e5', 0],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['1.5e300', 1.5e300],
    ['0.1', 0.1],
    ['"a\\u0062\\n\\"\\\\"', 'ab\n"\\'],
    ['"\u{1f600}"', '\u{1f600}'],
    ['"\\ud83d\\ude00"', '\u{1f600}'],
    ['[]', []],
    ['[1,[2]]', [1, [2]]],
  ])('reads %s', (text, value) => {
    expect(parseStrict(text)).toEqual(value)
    expect(Object.is(parseStrict(text), -0)).toBe(false)
  })

  it.each([
    ['{"a":1,"a":1}', 'invalid_request'],
    ['{"a":1,"\\u0061":2}', 'invalid_request'],
    ['[{"b":{"__proto__":1,"__proto__":2}}]', 'invalid_request'],
    ['"\\ud800"', 'invalid_request'],
    ['"\ud800"', 'invalid_request'],
    ['"\\ude00\\ud83d"', 'invalid_request'],
    ['{"\\udfff":1}', 'invalid_request'],
    ['9007199254740992', 'invalid_request'],
    ['12345678901234567890', 'invalid_request'],
    ['1e999', 'invalid_request'],
    ['-1e999', 'invalid_request'],
    ['\ufeff{}', 'parse_error'],
    ['{} {}', 'parse_error'],
    ['{}x', 'parse_error'],
    ['', 'parse_error'],
    ['01', 'parse_error'],
    ['+1', 'parse_error'],
    ['1.', 'parse_error'],
    ['.5', 'parse_error'],
    ['1e', 'parse_error'],
    ['-', 'parse_error'],
    ['NaN', 'parse_error'],
    ['Infinity', 'parse_error'],
    ['tru', 'parse_error'],
    ["'a'", 'parse_error'],
    ['"a', 'parse_error'],
    ['"a\\', 'parse_error'],
    ['"\\x41"', 'parse_error'],
    ['"\\u12"', 'parse_error'],
    ['"a\nb"', 'parse_error'],
    ['"a\u0000b"', 'parse_error'],
    ['[1,]', 'parse_error'],
    ['[,1]', 'parse_error'],
    ['{"a":1,}', 'parse_error'],
    ['{a:1}', 'parse_error'],
    ['{"a" 1}', 'parse_error'],
    ['{"a":}', 'parse_error'],
    ['[1 2]', 'parse_error'],
    ['[', 'parse_error'],
    ['{"a":1', 'parse_error'],
    ['/* */ 1', 'parse_error'],
    ['1\u00a0', 'parse_error'],
  ])('refuses %j as %s', (text, code) => {
    expect(verdict(text)).toBe(code)
  })

  it('keeps `__proto__` and `constructor` as ordinary keys', () => {
    const value = parseStrict('{"__proto__":{"polluted":true},"constructor":1}')
    expect(Object.getPrototypeOf(value)).toBeNull()
    expect(Object.keys(value ?? {})).toEqual(['__proto__', 'constructor'])
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it('takes 64 levels and refuses 65, without exhausting the stack on a million', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(verdict(nested(64))).toBe('accepted')
    expect(verdict(nested(65))).toBe('invalid_request')
    expect(verdict('['.repeat(1_000_000))).toBe('invalid_request')
    expect(verdict(nested(100), { maxDepth: 100 })).toBe('accepted')
  })

  it('takes 1 MiB of UTF-8 and refuses a byte more', () => {
    const text = (bytes: number) => `"${'a'.repeat(bytes - 2)}"`
    expect(verdict(text(1024 * 1024))).toBe('accepted')
    expect(verdict(text(1024 * 1024 + 1))).toBe('too_large')
    expect(verdict('"\u20ac\u20ac"', { maxBytes: 8 })).toBe('accepted')
    expect(verdict('"\u20ac\u20ac"', { maxBytes: 7 })).toBe('too_large')
  })

  it('takes a push of many files within 1 MiB and bounds the number of values', () => {
    const files = Array.from({ length: 10_000 }, (_, index) => ({
      path: `src/file-${index}.ts`,
      content: 'x'.repeat(40),
    }))
    expect(verdict(JSON.stringify({ owner: 'a', repo: 'b', files }))).toBe('accepted')
    expect(verdict(`[${'0,'.repeat(200_000)}0]`)).toBe('too_large')
  })

  it('names the place and never quotes the text it refuses', () => {
    expect(() => parseStrict('{"token":"ghp_secret\\q"}')).toThrow(/wrong escape in the string at character 9$/)
    expect(() => parseStrict('{"a":1,"a":2}')).toThrow(/the key "a" appears twice, at character 7$/)
  })

  it('agrees with JSON.parse on every value it takes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.nat(3), (text, indent) => {
        const expected: Json = JSON.parse(text)
        const again = JSON.stringify(expected, null, indent)
        if (refusal(() => parseStrict(again)) === 'accepted') {
          expect(JSON.stringify(parseStrict(again))).toBe(JSON.stringify(JSON.parse(again)))
        } else {
          expect(again).toMatch(/\d{16,}|\d+e|\\ud[89a-f]/i)
        }
      }),
    )
  })

  it('refuses whatever JSON.parse refuses', () => {
    const mutated = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([text, at, piece]) => {
      const cut = at % (text.length + 1)
      return text.slice(0, cut) + piece + text.slice(cut + 1)
    })
    fc.assert(
      fc.property(mutated, (text) => {
        const engine = refusal(() => {
          try {
            JSON.parse(text)
          } catch (cause) {
            throw new AegisError('parse_error', 'engine', { cause })
          }
        })
        if (engine !== 'accepted') expect(verdict(text)).not.toBe('accepted')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('refuseTwins', () => {
  it.each([
    ['{"name":1,"Name":2}', 'invalid_request'],
    ['{"arguments":1,"ARGUMENTS":2}', 'invalid_request'],
    // KELVIN SIGN and LONG S fold to k and s in Go's encoding/json.
    ['{"k":1,"\u212a":2}', 'invalid_request'],
    ['{"is":1,"i\u017f":2}', 'invalid_request'],
    ['{"name":1,"names":2}', 'accepted'],
    ['{}', 'accepted'],
  ])('%s is %s', (text, code) => {
    const value = parseStrict(text)
    if (!isObject(value)) throw new Error('not an object')
    expect(refusal(() => refuseTwins(value, 'params'))).toBe(code)
  })
})

describe('decodeUtf8Strict', () => {
  it('refuses what is not UTF-8 and keeps a byte order mark for the parser to refuse', () => {
    expect(decodeUtf8Strict(new TextEncoder().encode('\u20ac'))).toBe('\u20ac')
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      expect(refusal(() => decodeUtf8Strict(Uint8Array.from(bytes)))).toBe('parse_error')
    }
    expect(verdict(decodeUtf8Strict(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31])))).toBe('parse_error')
  })
})
