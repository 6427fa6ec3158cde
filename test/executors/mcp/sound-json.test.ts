import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalize } from '../../../src/core/canonical.ts'
import type { Json } from '../../../src/core/json.ts'
import { parseMessages } from '../../../src/executors/mcp/rpc-message.ts'
import { soundJson } from '../../../src/executors/mcp/sound-json.ts'

const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) })
const anyJson: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    anyText,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(anyText, tie('value'), { maxKeys: 3 }),
  ),
})).value

describe('what an upstream answers', () => {
  it('is either refused or has a canonical form, so that it can be recorded', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const sound = soundJson(value, null)
        if (sound.ok) canonicalize(sound.value)
      }),
    )
  })

  it('is not copied where nothing is wrong with it', () => {
    const value: Json = { a: ['grüße 🎈', 1.5, null, true] }
    expect(soundJson(value, 'secret')).toEqual({ ok: true, value })
  })

  it('never holds the credential that was lent for it', () => {
    const secret = 'ghs_secret'
    const leaky = fc.tuple(anyText, anyText).map(([a, b]) => a + secret + b)
    fc.assert(
      fc.property(anyJson, leaky, (value, text) => {
        const sound = soundJson({ value, text, [text]: [text] }, secret)
        expect(sound.ok ? JSON.stringify(sound.value) : '').not.toContain(secret)
      }),
    )
  })

  it('may be nested 64 levels deep, no deeper', () => {
    const nested = (depth: number): Json => (depth === 0 ? 1 : [nested(depth - 1)])
    expect(soundJson(nested(64), null).ok).toBe(true)
    expect(soundJson(nested(65), null).ok).toBe(false)
  })

  it('is understood or called garbage, whatever text it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          anyJson.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          for (const message of parseMessages(text, null)) {
            expect(['garbage', 'notification', 'request', 'response']).toContain(message.kind)
          }
        },
      ),
    )
  })

  it.each([
    ['{"jsonrpc":"2.0","method":"m","params":[1]}', 'params are not an object'],
    ['{"jsonrpc":"2.0","method":"m","id":{}}', 'neither text nor number'],
    ['{"jsonrpc":"2.0","id":1}', 'either a result or an error'],
    ['{"jsonrpc":"1.0","id":1,"result":{}}', 'not JSON-RPC 2.0'],
    ['"text"', 'not JSON-RPC 2.0'],
    ['', 'not JSON'],
  ])('%s is garbage', (text, problem) => {
    expect(parseMessages(text, null)).toEqual([{ kind: 'garbage', problem: expect.stringContaining(problem) }])
  })
})
