import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/core/ids.ts'
import { areTwoPeople, isSameVoice, type Voice } from '../../src/core/voice.ts'

const voice = (principal: string, owner: string): Voice => ({ principal: principal as Principal, owner })
const ALICE = voice('key_1', 'alice@example.com')

describe('two voices', () => {
  // Columns: the one, the other, one person for all that is known, two people for certain.
  it.each<[string, Voice, Voice, boolean, boolean]>([
    ['of one key', ALICE, ALICE, true, false],
    ['of two keys of one owner', ALICE, voice('key_2', 'alice@example.com'), true, false],
    [
      'of a key and a login whose provider writes it otherwise',
      ALICE,
      voice('oidc:a:1', 'Alice@Example.COM'),
      true,
      false,
    ],
    ['of an owner in letters of full width', ALICE, voice('key_2', 'ａlice@example.com'), true, false],
    ['of two owners', ALICE, voice('key_2', 'bob'), false, true],
    ['of which one is nobody’s', ALICE, voice('key_2', ''), false, false],
    ['that are both nobody’s', voice('key_1', ''), voice('key_2', ''), false, false],
    ['of a key and a login without a verified address', ALICE, voice('oidc:a:1', 'oidc:a:1'), false, false],
    ['of two such logins at one provider', voice('oidc:a:1', 'oidc:a:1'), voice('oidc:a:2', 'oidc:a:2'), false, true],
    ['of two such logins at two providers', voice('oidc:a:1', 'oidc:a:1'), voice('oidc:b:1', 'oidc:b:1'), false, false],
    [
      'of two logins at one provider with one address',
      voice('oidc:a:1', 'alice'),
      voice('oidc:a:2', 'alice'),
      true,
      false,
    ],
  ])('%s', (_, one, other, same, two) => {
    expect([isSameVoice(one, other), areTwoPeople(one, other)]).toEqual([same, two])
  })

  it('are looked at in either order alike, and are never one person and two', () => {
    const any = fc.record({
      principal: fc.constantFrom('key_1', 'key_2', 'oidc:a:1', 'oidc:a:2', 'oidc:b:1').map((one) => one as Principal),
      owner: fc.constantFrom('', 'alice', 'Alice', 'bob', 'oidc:a:1'),
    })
    fc.assert(
      fc.property(any, any, (one, other) => {
        expect(areTwoPeople(one, other)).toBe(areTwoPeople(other, one))
        expect(isSameVoice(one, other)).toBe(isSameVoice(other, one))
        expect(isSameVoice(one, other) && areTwoPeople(one, other)).toBe(false)
      }),
    )
  })
})
