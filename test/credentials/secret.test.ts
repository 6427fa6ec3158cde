import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import { errorWithoutToken, lentSecret, withoutToken } from '../../src/credentials/secret.ts'

const TOKEN = 'ghs_16C7e42F292c6912E7710c838347Ae178B4a'

describe('a lent secret', () => {
  it.each([
    ['JSON', (value: object) => JSON.stringify({ value })],
    ['text', (value: object) => `${value}`],
    ['inspection', (value: object) => inspect({ value }, { depth: 9, showHidden: true })],
    ['its members', (value: object) => inspect(Object.entries(value), { depth: 9, showHidden: true })],
  ])('does not show in %s', (_, print) => {
    expect(print(lentSecret(TOKEN).credential)).not.toContain(TOKEN)
  })

  it('cannot be cloned or replaced', () => {
    const { credential } = lentSecret(TOKEN)
    expect(() => structuredClone(credential)).toThrow()
    expect(Object.isFrozen(credential)).toBe(true)
  })

  it('reveals nothing after its end', () => {
    const { credential, end } = lentSecret(TOKEN)
    expect(credential.reveal()).toBe(TOKEN)
    end()
    expect(() => credential.reveal()).toThrow(AegisError)
  })
})

describe('what comes out of a call', () => {
  it('holds no token, wherever in a value it stood, and is untouched where it held none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, text) => {
        expect(withoutToken(value, TOKEN)).toBe(value)
        const echoed = { deep: [value, { [`key ${TOKEN}`]: `${text}${TOKEN}${text}` }] }
        expect(JSON.stringify(withoutToken(echoed, TOKEN))).not.toContain(TOKEN)
      }),
    )
  })

  it('may be nothing', () => expect(withoutToken(undefined, TOKEN)).toBeUndefined())

  it.each([
    ['in the message', new Error(`no ${TOKEN}`)],
    ['in the cause of the cause', new Error('no', { cause: new Error('x', { cause: { headers: { a: TOKEN } } }) })],
    ['in a member', Object.assign(new Error('no'), { request: { headers: { authorization: `Bearer ${TOKEN}` } } })],
    ['in data', new AegisError('upstream_unreachable', 'no', { data: { body: TOKEN } })],
    ['in advice and path', new AegisError('config', 'no', { advice: TOKEN, path: TOKEN })],
    ['alone', TOKEN],
  ])('is no error that holds the token %s', (_, error) => {
    expect(inspect(errorWithoutToken(error, TOKEN), { depth: 9, showHidden: true })).not.toContain(TOKEN)
  })

  it('is the error itself where it holds no token', () => {
    const error = new AegisError('blocked', 'no', { cause: new Error('inner') })
    expect(errorWithoutToken(error, TOKEN)).toBe(error)
  })
})
