import { canonicalBody } from '../../src/core/canonical.ts'
import { buildBundle, type EvidenceBundle } from '../../src/ledger/bundle/bundle.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { copyOf, leafHashOf, memoryReader } from './log.ts'
import { entryAt, indexOf, PINS, sample, storeOf } from './sample.ts'

const REFUSED: Expected = { outcome: 'refused' }
const NOT_CANONICAL: Expected = { outcome: 'tampered', class: ['NON_CANONICAL', 'ALTERED_BODY'] }
const MEGABYTES_100 = 100 * 1024 * 1024

/** Edits of a bundle's text. None of them is a bundle any more. */
const TEXTS: readonly { readonly name: string; readonly edit: (text: string) => string }[] = [
  { name: 'nothing at all', edit: () => '' },
  { name: 'null', edit: () => 'null' },
  { name: 'a list', edit: (text) => `[${text}]` },
  { name: 'a byte order mark', edit: (text) => `\ufeff${text}` },
  { name: 'bytes after its end', edit: (text) => `${text}{}` },
  { name: 'a NUL after its end', edit: (text) => `${text}\0` },
  { name: 'its first half', edit: (text) => text.slice(0, text.length / 2) },
  { name: 'a member twice', edit: (text) => text.replace('{', '{"origin":"aegis.example/x",') },
  { name: 'a member of an entry twice', edit: (text) => text.replace('{"n":', '{"n":1,"n":') },
  { name: 'a member twice, once escaped', edit: (text) => text.replace('{', '{"\\u006frigin":"aegis.example/x",') },
  { name: '__proto__', edit: (text) => text.replace('{', '{"__proto__":{},') },
  { name: 'an unknown member', edit: (text) => text.replace('{', '{"view":{},') },
  { name: 'a number beyond a double', edit: (text) => text.replace('"n":1,', '"n":1e999,') },
  { name: 'minus zero', edit: (text) => text.replace('"n":1,', '"n":-0,') },
  { name: 'a negative place', edit: (text) => text.replace('"n":1,', '"n":-1,') },
  { name: 'half a place', edit: (text) => text.replace('"n":1,', '"n":1.5,') },
  { name: 'a place as text', edit: (text) => text.replace('"n":1,', '"n":"1",') },
  { name: 'a place beyond 2^53', edit: (text) => text.replace('"n":1,', '"n":9007199254740993,') },
  { name: 'a missing place', edit: (text) => text.replace('"n":1,', '') },
  { name: 'half a character in a body', edit: (text) => text.replace('forge.', '\\ud800') },
  { name: 'half a character in an origin', edit: (text) => text.replace('aegis.example', '\\udfff') },
  { name: 'a body that is an object', edit: (text) => text.replace(/"body":"(?:[^"\\]|\\.)*"/, '"body":{}') },
  { name: 'a body that is missing', edit: (text) => text.replace(/"body":"(?:[^"\\]|\\.)*",/, '') },
  {
    name: 'a hundred thousand lists in one another',
    edit: (text) => text.replace('"entries":[', `"entries":[${'['.repeat(100_000)}`),
  },
  { name: 'an object where a list must be', edit: (text) => text.replace('"receipts":[]', '"receipts":{}') },
  { name: 'a session with a line feed', edit: (text) => text.replace(`"session":"${SESSION}"`, '"session":"a\\nb"') },
  { name: 'an origin of nothing', edit: (text) => text.replace('"origin":"aegis.example/log/test"', '"origin":""') },
  { name: 'a salt that is no hex', edit: (text) => text.replace(/"salt":"\w/, '"salt":"g') },
  { name: 'a salt that is too short', edit: (text) => text.replace(/"salt":"\w\w/, '"salt":"') },
  {
    name: 'a salt in capitals',
    edit: (text) => text.replace(/"salt":"\w{64}/, (salt) => `"salt":"${'AB'.repeat(32)}${salt.slice(72)}`),
  },
  { name: 'a part that says false', edit: (text) => text.replace('{', '{"partial":false,') },
  { name: 'keys that are no text', edit: (text) => text.replace('"keys":[]', '"keys":[7]') },
  { name: 'a proof that is a number', edit: (text) => text.replace(/"proof":"(?:[^"\\]|\\.)*"/, '"proof":7') },
  { name: 'an entry that is null', edit: (text) => text.replace('"entries":[', '"entries":[null,') },
  { name: 'a line of 100 MB', edit: (text) => text.replace('{', `{"${'a'.repeat(MEGABYTES_100)}":1,`) },
]

/** Bodies no gateway writes, with the hash that goes with them. */
const BODIES: readonly { readonly name: string; readonly edit: (body: string) => string }[] = [
  { name: 'a line feed at its end', edit: (body) => `${body}\n` },
  { name: 'CRLF between members', edit: (body) => body.replace(',', ',\r\n') },
  { name: 'a byte order mark', edit: (body) => `\ufeff${body}` },
  { name: 'a member twice', edit: (body) => body.replace('{', '{"action":1,') },
  { name: 'minus zero', edit: (body) => body.replace(/"seq":\d+/, '"seq":-0') },
  { name: 'a float', edit: (body) => body.replace(/"seq":(\d+)/, '"seq":$1.0') },
  { name: 'an exponent', edit: (body) => body.replace(/"seq":(\d+)/, '"seq":$1e0') },
  { name: 'a number beyond a double', edit: (body) => body.replace(/"seq":\d+/, '"seq":1e999') },
  { name: 'an escaped letter', edit: (body) => body.replace('"forge', '"\\u0066orge') },
  { name: 'half a character, escaped', edit: (body) => body.replace('forge', '\\ud800') },
  {
    name: 'members in another order',
    edit: (body) => body.replace(/^\{("action":\{.*?\}),("actor":\{.*?\})/, '{$2,$1'),
  },
  { name: 'depth', edit: (body) => body.replace('"forge', `${'['.repeat(5000)}"forge`) },
  { name: 'a fraction', edit: (body) => body.replace('"score":5', '"score":5.5') },
  { name: 'a number beyond 2^53', edit: (body) => body.replace('"score":5', '"score":9007199254740992') },
  { name: 'nine lists in one another', edit: (body) => body.replace('"gw":', '"findings":[[[[[[[[1]]]]]]]],"gw":') },
  { name: 'half a character in a name', edit: (body) => body.replace('"status":', '"\\ud800":') },
  { name: 'half a character in a value', edit: (body) => body.replace('"level":"low"', '"level":"\\ud800"') },
  {
    name: 'members of another order, below',
    edit: (body) => body.replace('"level":"low","score":5', '"score":5,"level":"low"'),
  },
  { name: 'more than 32 KiB in fewer letters', edit: (body) => body.replace('forge', 'ü'.repeat(20_000)) },
  { name: 'an unknown member', edit: (body) => body.replace(',"v":', ',"u":1,"v":') },
  { name: 'nothing', edit: () => '' },
  { name: 'null', edit: () => 'null' },
  { name: 'more than 32 KiB', edit: (body) => body.replace('forge', 'x'.repeat(40_000)) },
  { name: 'a kind that is none', edit: (body) => body.replace(/"kind":"\w+"/, '"kind":"permit"') },
  { name: 'a negative position', edit: (body) => body.replace(/"seq":\d+/, '"seq":-1') },
  { name: 'a position that is text', edit: (body) => body.replace(/"seq":(\d+)/, '"seq":"$1"') },
  { name: 'a commitment that is no hash', edit: (body) => body.replace(/"params":"\w+"/, '"params":"x"') },
  { name: 'commitments that are a list', edit: (body) => body.replace(/"commit":\{[^}]*\}/, '"commit":[]') },
  ...['action', 'actor', 'eid', 'env', 'gw', 'kind', 'log', 'prev', 'seq', 'session', 'ts'].map((name) => ({
    name: `${name} is missing`,
    edit: (body: string) => {
      const { [name]: _, ...rest } = JSON.parse(body)
      return canonicalBody(rest)
    },
  })),
  ...['action', 'actor', 'eid', 'env', 'gw', 'log', 'prev', 'session', 'ts'].map((name) => ({
    name: `${name} is a number`,
    edit: (body: string) => canonicalBody({ ...JSON.parse(body), [name]: 7 }),
  })),
  { name: 'no tool', edit: (body) => body.replace(/,"tool":"[^"]*"/, '') },
]

export async function hostileInput(): Promise<Group> {
  const state = await sample()
  const bundle = await buildBundle(memoryReader(state), SESSION, [])
  const text = JSON.stringify(bundle)
  const texts = TEXTS.map(
    ({ name, edit }): Case => ({
      name: `a bundle: ${name}`,
      evidence: () => {
        const hostile = edit(text)
        if (hostile === text) throw new Error(`nothing is hostile: ${name}`)
        return { as: 'bundle', text: hostile, pins: PINS }
      },
      expect: REFUSED,
    }),
  )
  const bodies = BODIES.flatMap(({ name, edit }): Case[] => [
    {
      name: `a stored body: ${name}`,
      evidence: () => {
        const copy = copyOf(state)
        const index = indexOf(copy, 3)
        const entry = entryAt(copy, index)
        const body = Buffer.from(edit(Buffer.from(entry.body).toString()))
        copy.entries[index] = { ...entry, body, hash: leafHashOf(body) }
        return storeOf(copy)
      },
      expect: { outcome: 'tampered', class: 'NON_CANONICAL', seq: 3 },
    },
    { name: `a body in a bundle: ${name}`, evidence: () => withBody(bundle, edit, true), expect: NOT_CANONICAL },
    {
      name: `a body in a bundle, its hash not made to fit: ${name}`,
      evidence: () => withBody(bundle, edit, false),
      expect: { outcome: 'tampered', class: 'ALTERED_BODY' },
    },
  ])
  const bytes = [0xff, 0xc0, 0x80].map(
    (byte): Case => ({
      name: `a stored body: the byte ${byte.toString(16)}, which no UTF-8 holds`,
      evidence: () => {
        const copy = copyOf(state)
        const index = indexOf(copy, 3)
        const entry = entryAt(copy, index)
        const body = Buffer.concat([entry.body, Uint8Array.of(byte)])
        copy.entries[index] = { ...entry, body, hash: leafHashOf(body) }
        return storeOf(copy)
      },
      expect: { outcome: 'tampered', class: 'NON_CANONICAL', seq: 3 },
    }),
  )
  return { name: 'T7 hostile input', cases: [...texts, ...bodies, ...bytes] }
}

function withBody(bundle: EvidenceBundle, edit: (body: string) => string, rehash: boolean): Evidence {
  const entries = bundle.entries.map((entry, index) => {
    const body = index === 3 ? edit(entry.body) : entry.body
    return { ...entry, body, hash: rehash ? leafHashOf(body) : entry.hash }
  })
  return { as: 'bundle', text: JSON.stringify({ ...bundle, entries }), pins: PINS }
}
