import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outwardName, recordedReviewer, reviewerName } from '../../src/core/reviewer-name.ts'

const LOGIN = 'oidc:0123456789ab:mallory-1'
const login = { principal: LOGIN, owner: 'mallory@example.com' }

it.each([
  ['mallory', 'alice', 'mallory (as alice)'],
  ['alice', 'alice', 'alice'],
  ['alice', null, 'alice'],
  ['alice', '', 'alice'],
])('a reviewer %s who calls themselves %s is told of as %s', (name, claimed, shown) => {
  expect(reviewerName({ principal: 'key_1', name, claimed })).toBe(shown)
})

describe('a person who logged in, and calls themselves by the name of a key', () => {
  it.each([
    ['as it is kept', { ...login, name: 'mallory@example.com', claimed: 'admin' }],
    ['as earlier versions kept it', { ...login, name: 'admin', claimed: null }],
  ])('is told of by the login (%s)', (_, speaker) => {
    expect(reviewerName(speaker)).toBe('login mallory@example.com (as admin)')
  })

  it('without a verified address is told of by the principal', () => {
    const speaker = { principal: LOGIN, owner: LOGIN, name: LOGIN, claimed: 'admin' }
    expect(reviewerName(speaker)).toBe(`login ${LOGIN} (as admin)`)
    expect(recordedReviewer(speaker)).toBe(`admin (login ${LOGIN})`)
  })

  it('has a login in the evidence where others have a key', () => {
    expect(recordedReviewer({ principal: 'key_1', name: 'admin', claimed: 'alice' })).toBe('alice (key admin)')
    const now = { principal: LOGIN, name: 'mallory@example.com', claimed: 'admin' }
    expect(recordedReviewer(now)).toBe(`admin (login mallory@example.com, ${LOGIN})`)
    const before = { principal: LOGIN, name: 'admin', claimed: null }
    expect(recordedReviewer(before)).toBe(`admin (login admin, ${LOGIN})`)
  })

  it('is a login for agents and the public too, who learn no address', () => {
    expect(outwardName({ ...login, name: 'mallory@example.com', claimed: 'admin' })).toBe('login admin')
    expect(outwardName({ ...login, name: 'mallory@example.com', claimed: null })).toBe(`login ${LOGIN}`)
    expect(outwardName({ principal: 'key_1', name: 'admin', claimed: null })).toBe('admin')
  })
})

it('whatever a person calls themselves, no login reads like a key', () => {
  const words = fc.string({ unit: 'grapheme', maxLength: 40 })
  fc.assert(
    fc.property(words, fc.option(words), (name, claimed) => {
      const speaker = { ...login, name, claimed }
      for (const shown of [reviewerName(speaker), outwardName(speaker)]) expect(shown.startsWith('login ')).toBe(true)
      expect(reviewerName(speaker)).toContain('login mallory@example.com')
      expect(recordedReviewer(speaker).endsWith(`, ${LOGIN})`)).toBe(true)
    }),
  )
})
