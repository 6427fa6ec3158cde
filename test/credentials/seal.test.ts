import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { uuidv7 } from '../../src/core/ids.ts'
import { createSeal, type SealedFor } from '../../src/credentials/seal.ts'
import { systemRandom } from '../support/world.ts'

const KEY = randomBytes(32)
const ROW: SealedFor = {
  id: 'row-1',
  apiUrl: 'https://api.github.com',
  tokenSha256: 'ab'.repeat(32),
  scope: 'contents:write',
  envelope: uuidv7(1, systemRandom),
  issuedAt: 1,
  deadline: 600_001,
}

describe('a sealed token', () => {
  it('opens with its key and its row', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (token) => {
        const sealed = createSeal(KEY, systemRandom).close(token, ROW)
        expect(createSeal(KEY, systemRandom).open(sealed, ROW)).toEqual({ token })
      }),
    )
  })

  it('never looks the same twice', () => {
    const seal = createSeal(KEY, systemRandom)
    expect(Buffer.from(seal.close('token', ROW)).equals(seal.close('token', ROW))).toBe(false)
  })

  it('opens after no change of any byte, and after no cut', () => {
    const seal = createSeal(KEY, systemRandom)
    const sealed = seal.close('ghs_token', ROW)
    fc.assert(
      fc.property(fc.nat(sealed.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(sealed)
        changed[at] = (changed[at] ?? 0) ^ flip
        expect(seal.open(changed, ROW)).toHaveProperty('fault')
        expect(seal.open(sealed.subarray(0, at), ROW)).toHaveProperty('fault')
      }),
    )
  })

  it.each([
    ['apiUrl', { apiUrl: 'https://mallory.example' }],
    ['id', { id: 'row-2' }],
    ['scope', { scope: 'contents:read' }],
    ['token hash', { tokenSha256: 'cd'.repeat(32) }],
    ['time of issue', { issuedAt: 2 }],
    ['deadline', { deadline: 2 }],
  ])('opens no more after its row got another %s: it must not be sent elsewhere', (_, change) => {
    const seal = createSeal(KEY, systemRandom)
    const sealed = seal.close('ghs_token', ROW)
    expect(seal.open(sealed, { ...ROW, ...change })).toEqual({ fault: 'the row was altered' })
  })

  it('tells another key from an altered row', () => {
    const sealed = createSeal(randomBytes(32), systemRandom).close('ghs_token', ROW)
    expect(createSeal(KEY, systemRandom).open(sealed, ROW)).toEqual({ fault: 'sealed with another installation key' })
  })

  it('takes a key of 32 bytes only', () => {
    expect(() => createSeal(new Uint8Array(16), systemRandom)).toThrow(RangeError)
  })
})
