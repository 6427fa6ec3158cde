import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import { bearerFrom } from '../../src/identity/index.ts'

describe('the key of a request', () => {
  it.each([
    ['Authorization', { authorization: 'Bearer key-12345' }],
    ['Authorization in any case', { authorization: 'bEARER  key-12345' }],
    ['X-API-Key', { 'x-api-key': 'key-12345' }],
    ['X-Agent-Key', { 'X-Agent-Key': 'key-12345' }],
    [
      'all three, where they agree',
      { authorization: 'Bearer key-12345', 'x-api-key': 'key-12345', 'x-agent-key': 'key-12345' },
    ],
    ['both, where they agree', { authorization: 'Bearer key-12345', 'x-api-key': 'key-12345' }],
  ])('comes from %s', (_, headers) => expect(bearerFrom(new Headers(headers))).toBe('key-12345'))

  it('is none where neither is sent', () => expect(bearerFrom(new Headers({ cookie: 'key=1' }))).toBeNull())

  it.each([
    [
      'two different keys',
      [
        ['authorization', 'Bearer key-12345'],
        ['x-api-key', 'key-54321'],
      ],
    ],
    [
      'another key for the agent',
      [
        ['x-api-key', 'key-12345'],
        ['x-agent-key', 'key-54321'],
      ],
    ],
    ['a malformed X-Agent-Key', [['x-agent-key', 'key 12345']]],
    ['another scheme', [['authorization', 'Basic a2V5OmtleQ==']]],
    [
      'another scheme beside a key',
      [
        ['authorization', 'Basic a2V5OmtleQ=='],
        ['x-api-key', 'key-12345'],
      ],
    ],
    ['a bare key', [['authorization', 'key-12345']]],
    ['an empty bearer', [['authorization', 'Bearer ']]],
    ['an empty X-API-Key', [['x-api-key', '']]],
    [
      'two Authorization headers',
      [
        ['authorization', 'Bearer key-12345'],
        ['authorization', 'Bearer key-54321'],
      ],
    ],
    [
      'two X-API-Key headers',
      [
        ['x-api-key', 'key-12345'],
        ['x-api-key', 'key-12345'],
      ],
    ],
    ['a key too long', [['x-api-key', 'x'.repeat(5000)]]],
  ] as [string, [string, string][]][])('is refused: %s', (_, headers) => {
    expect(() => bearerFrom(new Headers(headers))).toThrow(AegisError)
  })

  it('is never echoed by a refusal', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{12,40}$/), (secret) => {
        for (const headers of [
          { authorization: secret },
          { authorization: `Bearer ${secret}`, 'x-api-key': `${secret}x` },
        ]) {
          try {
            bearerFrom(new Headers(headers))
            expect.unreachable()
          } catch (error) {
            expect(error).toMatchObject({ code: 'unauthenticated' })
            expect(String(error)).not.toContain(secret)
          }
        }
      }),
    )
  })
})
