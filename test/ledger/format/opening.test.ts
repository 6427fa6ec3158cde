import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commitmentMac, opens } from '../../../src/ledger/format/opening.ts'

describe('a commitment', () => {
  it('is the HMAC of RFC 2104 that the library computes', () => {
    const salts = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(salts, fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 300 }), (salt, path, value) => {
        const library = createHmac('sha256', salt).update(`aegis-commit/1\0${path}\0`).update(value).digest('hex')
        expect(commitmentMac(salt, path, value)).toBe(library)
      }),
    )
  })

  it('opens with its salt and value only, and with no salt of another length', () => {
    const salt = Buffer.alloc(32, 1)
    const mac = commitmentMac(salt, 'params', '"ä"')
    expect(opens(mac, salt, 'params', Buffer.from('"ä"'))).toBe(true)
    expect(opens(mac, Buffer.alloc(32, 2), 'params', '"ä"')).toBe(false)
    expect(opens(mac, salt, 'target', '"ä"')).toBe(false)
    expect(opens(mac, salt.subarray(1), 'params', '"ä"')).toBe(false)
    expect(opens(mac, Buffer.concat([salt, Buffer.alloc(64)]), 'params', '"ä"')).toBe(false)
  })
})
