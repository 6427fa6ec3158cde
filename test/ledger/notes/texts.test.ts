import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkpointText, readCheckpoint } from '../../../src/ledger/notes/checkpoint.ts'
import { formatTlogProof, parseTlogProof } from '../../../src/ledger/notes/tlog-proof.ts'
import { makeVerifierKey, parseVkey } from '../../../src/ledger/notes/vkey.ts'

const ROOT = Buffer.alloc(32, 5).toString('base64')
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))

describe('the text of a checkpoint', () => {
  it('reads back as it was written', () => {
    const origin = fc.stringMatching(/^[a-z0-9./-]{1,40}$/)
    fc.assert(
      fc.property(origin, fc.maxSafeNat(), hash, (name, size, root) => {
        expect(readCheckpoint(checkpointText({ origin: name, size, root }))).toEqual({ origin: name, size, root })
      }),
    )
  })

  it.each([
    ['no text', ''],
    ['no last line feed', `o\n1\n${ROOT}`],
    ['a line too few', `o\n1\n`],
    ['an extension line', `o\n1\n${ROOT}\nmore\n`],
    ['a blank line after', `o\n1\n${ROOT}\n\n`],
    ['an empty origin', `\n1\n${ROOT}\n`],
    ['a control character in the origin', `o\u0007\n1\n${ROOT}\n`],
    ['half a surrogate pair in the origin', `o\ud800\n1\n${ROOT}\n`],
    ['an endless origin', `${'o'.repeat(301)}\n1\n${ROOT}\n`],
    ['a leading zero', `o\n01\n${ROOT}\n`],
    ['a sign', `o\n+1\n${ROOT}\n`],
    ['a minus', `o\n-1\n${ROOT}\n`],
    ['an exponent', `o\n1e3\n${ROOT}\n`],
    ['a fraction', `o\n1.0\n${ROOT}\n`],
    ['no size', `o\n\n${ROOT}\n`],
    ['a space around the size', `o\n 1\n${ROOT}\n`],
    ['digits of another script', `o\n١\n${ROOT}\n`],
    ['2^53', `o\n9007199254740992\n${ROOT}\n`],
    ['a size of 400 digits', `o\n${'9'.repeat(400)}\n${ROOT}\n`],
    ['a root without padding', `o\n1\n${ROOT.slice(0, -1)}\n`],
    ['a root with stray bits', `o\n1\n${ROOT.slice(0, -2)}V=\n`],
    ['a root of 31 bytes', `o\n1\n${Buffer.alloc(31).toString('base64')}\n`],
    ['a root in hex', `o\n1\n${'05'.repeat(32)}\n`],
    ['carriage returns', `o\r\n1\r\n${ROOT}\r\n`],
  ])('is not %s', (_what, text) => {
    expect(readCheckpoint(text)).toBeNull()
  })

  it('may say 0 and 2^53-1', () => {
    for (const size of [0, Number.MAX_SAFE_INTEGER]) expect(readCheckpoint(`o\n${size}\n${ROOT}\n`)?.size).toBe(size)
  })

  it('is never written so that it would not read back', () => {
    const root = Buffer.alloc(32)
    for (const origin of ['', 'a\nb', 'a\u0000'])
      expect(() => checkpointText({ origin, size: 1, root })).toThrow(RangeError)
    for (const size of [-1, 0.5, 1e21, Number.NaN]) {
      expect(() => checkpointText({ origin: 'o', size, root })).toThrow(RangeError)
    }
    expect(() => checkpointText({ origin: 'o', size: 1, root: root.subarray(1) })).toThrow(RangeError)
  })
})

describe('a vkey', () => {
  const key = makeVerifierKey('example.com/log', 'ed25519', Buffer.alloc(32, 9))
  const [name, id, encoded] = key.vkey.split('+')

  it('reads back as it was written, of every kind', () => {
    const kind = fc.constantFrom('ed25519' as const, 'cosignature' as const)
    fc.assert(
      fc.property(kind, hash, (of, publicKey) => {
        const made = makeVerifierKey('witness.example/w', of, publicKey)
        expect(parseVkey(made.vkey)).toMatchObject({ name: made.name, id: made.id, kind: of, vkey: made.vkey })
      }),
    )
  })

  it.each([
    ['empty', ''],
    ['without its parts', `${name}+${id}`],
    ['with a part more', `${key.vkey}+AA==`],
    ['with another name than its id is of', `x${key.vkey}`],
    ['with another id', `${name}+00000000+${encoded}`],
    ['with its id in capitals', `${name}+${id?.toUpperCase()}+${encoded}`],
    ['with another key than its id is of', `${name}+${id}+${Buffer.alloc(33, 1).toString('base64')}`],
    ['without a name', `+${id}+${encoded}`],
    ['with white space in its name', `example com+${id}+${encoded}`],
    ['with base64 in another spelling', `${name}+${id}+${encoded?.replace(/=*$/, '')} `],
    ['of a private key', `PRIVATE+KEY+${key.vkey}`],
    ['of a type we do not know', 'EnochRoot+af0cfe78+BjtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'],
  ])('is refused when %s', (_what, text) => {
    expect(parseVkey(text)).toBeNull()
  })

  it('answers whatever it is given', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void expect(parseVkey(text)).toBeNull()))
  })
})

describe('a tlog-proof', () => {
  const checkpoint = `o\n9\n${ROOT}\n\n— o AAAAAAA=\n`

  it('reads back as it was written', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.array(hash, { maxLength: 64 }), (index, hashes) => {
        const proof = { index, hashes, checkpoint }
        expect(parseTlogProof(formatTlogProof(proof))).toEqual(proof)
      }),
    )
  })

  it('may carry an extra line, which is read over', () => {
    expect(parseTlogProof(`c2sp.org/tlog-proof@v1\nextra aGVsbG8=\nindex 3\n\n${checkpoint}`)).toEqual({
      ...{ index: 3, hashes: [], checkpoint },
    })
  })

  const head = 'c2sp.org/tlog-proof@v1\nindex 3\n'
  it.each([
    ['nothing', ''],
    ['another version', `c2sp.org/tlog-proof@v2\nindex 3\n\n${checkpoint}`],
    ['no index', `c2sp.org/tlog-proof@v1\n${ROOT}\n\n${checkpoint}`],
    ['an index with a leading zero', `c2sp.org/tlog-proof@v1\nindex 03\n\n${checkpoint}`],
    ['an index beyond 2^53-1', `c2sp.org/tlog-proof@v1\nindex 9007199254740992\n\n${checkpoint}`],
    ['two extra lines', `c2sp.org/tlog-proof@v1\nextra AA==\nextra AA==\nindex 3\n\n${checkpoint}`],
    ['an extra line that is no base64', `c2sp.org/tlog-proof@v1\nextra !\nindex 3\n\n${checkpoint}`],
    ['a hash of 31 bytes', `${head}${Buffer.alloc(31).toString('base64')}\n\n${checkpoint}`],
    ['a hash without padding', `${head}${ROOT.slice(0, -1)}\n\n${checkpoint}`],
    ['65 hashes', `${head}${`${ROOT}\n`.repeat(65)}\n${checkpoint}`],
    ['a million hashes', `${head}${`${ROOT}\n`.repeat(1_000_000)}\n${checkpoint}`],
    ['carriage returns', `c2sp.org/tlog-proof@v1\r\nindex 3\r\n\r\n${checkpoint}`],
    ['no checkpoint part', 'c2sp.org/tlog-proof@v1\nindex 3\n'],
  ])('is not %s', (_what, text) => {
    expect(parseTlogProof(text)).toBeNull()
  })

  it('answers whatever it is given', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void expect(parseTlogProof(text)).toBeNull()))
  })
})
