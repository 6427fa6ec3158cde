import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatTrustPolicy,
  keysInForce,
  parseTrustPolicy,
  type TrustPolicy,
  witnessesInForce,
} from '../../../src/ledger/notes/trust-policy.ts'
import { makeVerifierKey } from '../../../src/ledger/notes/vkey.ts'

const key = (byte: number) => makeVerifierKey('example.org/log', 'ed25519', Buffer.alloc(32, byte))
const [first, second] = [key(1), key(2)]
const witness = makeVerifierKey('witness.example/w1', 'cosignature', Buffer.alloc(32, 3))

function policyOf(text: string): TrustPolicy {
  const parsed = parseTrustPolicy(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.policy
}

function problemsOf(text: string): readonly { readonly line: number; readonly message: string }[] {
  const parsed = parseTrustPolicy(text)
  return parsed.ok ? [] : parsed.problems
}

describe('the trust policy of a verifier', () => {
  it('says which key may sign which size, both ends included', () => {
    const policy = policyOf(`# the keys of example.org/log
${first.vkey} 0 1000   # until the rotation
${second.vkey} 1000

${witness.vkey}
`)
    const names = (size: number) => keysInForce(policy, size).map(({ vkey }) => vkey)
    expect(names(0)).toEqual([first.vkey])
    expect(names(999)).toEqual([first.vkey])
    expect(names(1000)).toEqual([first.vkey, second.vkey])
    expect(names(1001)).toEqual([second.vkey])
    expect(witnessesInForce(policy, 1001).map(({ vkey }) => vkey)).toEqual([witness.vkey])
  })

  it('may leave sizes for which nobody may sign', () => {
    const policy = policyOf(`${first.vkey} 10 20\n`)
    expect([9, 10, 20, 21].map((size) => keysInForce(policy, size).length)).toEqual([0, 1, 1, 0])
  })

  it('reads back as it was written', () => {
    const range = fc.tuple(fc.nat(100), fc.option(fc.nat(100))).map(([from, more]) => ({
      ...{ from, to: more === null ? null : from + more },
    }))
    fc.assert(
      fc.property(range, range, (a, b) => {
        const policy = {
          keys: [
            { key: first, ...a },
            { key: witness, ...b },
          ],
        }
        const text = formatTrustPolicy(policy)
        expect(formatTrustPolicy(policyOf(text))).toBe(text)
        expect(policyOf(text).keys.map(({ from, to }) => ({ from, to }))).toEqual([a, b])
      }),
    )
  })

  it('tells all that is wrong with it, line by line', () => {
    const text = [
      ...['# comment', 'nonsense', `${first.vkey} 5 4`, `${second.vkey} 01`, `${second.vkey} 1 x`],
      ...[`${second.vkey} 1 2 3`, first.vkey, first.vkey, `PRIVATE+KEY+${first.vkey}`],
    ].join('\n')
    expect(problemsOf(text).map(({ line, message }) => `${line}: ${message.split(':')[0]}`)).toEqual([
      ...['2: not a key', '3: the sizes run backwards', '4: not a size', '5: not a size', '6: too many words'],
      ...[`8: the key ${first.name}+${first.id} is named twice`, '9: not a key'],
    ])
  })

  it('without a key is a mistake, not a policy that trusts nobody', () => {
    for (const text of ['', '\n', '# only words\n']) expect(problemsOf(text)[0]?.message).toBe('no key is named')
  })

  it('takes line ends of any system and refuses a file that is far too long', () => {
    expect(policyOf(`${first.vkey} 1 2\r\n# x\r\n`).keys).toHaveLength(1)
    expect(problemsOf(`${'#'.repeat(70_000)}\n${first.vkey}`)[0]?.message).toContain('longer than')
  })

  it('answers whatever it is given', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void expect(parseTrustPolicy(text).ok).toBe(false)))
  })
})
