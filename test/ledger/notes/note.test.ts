import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { appendLeaves, EMPTY, EMPTY_ROOT, rootOf } from '../../../src/ledger/merkle/tree.ts'
import { verifyInclusion } from '../../../src/ledger/merkle/verify-proof.ts'
import { checkpointText, readCheckpoint } from '../../../src/ledger/notes/checkpoint.ts'
import { openNote, parseNote, parseSignatureLine } from '../../../src/ledger/notes/note.ts'
import {
  addSignatureLines,
  createCosigner,
  createSigner,
  privateKeyPem,
  signatureLine,
  signNote,
} from '../../../src/ledger/notes/sign.ts'
import { formatTlogProof, parseTlogProof } from '../../../src/ledger/notes/tlog-proof.ts'
import { parseVkey, type VerifierKey } from '../../../src/ledger/notes/vkey.ts'

interface Foreign {
  readonly why: string
  readonly vkeys: readonly string[]
  readonly text: string
  readonly lines: readonly string[]
  readonly unknown: number
  readonly times: readonly (number | null)[]
}

const vectors = JSON.parse(readFileSync(new URL('../../vectors/notes.json', import.meta.url), 'utf8'))
const foreign: readonly Foreign[] = vectors.foreign
const { ours } = vectors

function keyOf(vkey: string): VerifierKey {
  const key = parseVkey(vkey)
  if (key === null) throw new Error(`not a vkey: ${vkey}`)
  return key
}

const pemOf = (byte: number) => privateKeyPem(Buffer.alloc(32, byte))
const log = createSigner('example.org/log', pemOf(1))
const next = createSigner('example.org/log', pemOf(2))
const witness = createCosigner('witness.example/w1', pemOf(3), () => 1_775_485_320.9)
const logKey = keyOf(log.vkey)
const nextKey = keyOf(next.vkey)
const witnessKey = keyOf(witness.vkey)
const TEXT = checkpointText({ origin: 'example.org/log', size: 7, root: Buffer.alloc(32, 5) })

function faultOf(note: string, keys: readonly VerifierKey[]): string {
  const opened = openNote(note, keys)
  return opened.ok ? 'ok' : opened.fault
}

describe('notes signed by other implementations', () => {
  it.each(foreign)('$why: opens', ({ vkeys, text, lines, unknown, times }) => {
    const opened = openNote(`${text}\n${lines.join('\n')}\n`, vkeys.map(keyOf))
    expect(opened).toMatchObject({ ok: true, text })
    expect(opened.ok && opened.signatures.map(({ time }) => time)).toEqual(times)
    expect(opened.ok && opened.unknown.length).toBe(unknown)
  })

  it.each(foreign)('$why: is refused with a letter changed', ({ vkeys, text, lines }) => {
    const changed = text.replace(/[a-z]/, 'q')
    expect(faultOf(`${changed}\n${lines.join('\n')}\n`, vkeys.map(keyOf))).toBe('bad_signature')
  })
})

describe('our golden vector', () => {
  const signer = createSigner(ours.origin, privateKeyPem(Buffer.from(ours.seed, 'hex')))
  const text = checkpointText({ origin: ours.origin, size: ours.size, root: Buffer.from(ours.root, 'base64') })

  it('has the key, the text and the signature that were frozen', async () => {
    expect(signer.vkey).toBe(ours.vkey)
    expect(await signNote(text, [signer])).toBe(`${text}\n— ${ours.origin} ${ours.signature}\n`)
  })

  it('has the witness key and cosignature that were frozen', async () => {
    const { seed, name, time, vkey, line } = ours.witness
    const cosigner = createCosigner(name, privateKeyPem(Buffer.from(seed, 'hex')), () => time)
    expect(cosigner.vkey).toBe(vkey)
    expect(await signatureLine(text, cosigner)).toBe(line)
    const opened = openNote(addSignatureLines(await signNote(text, [signer]), [line]), [keyOf(ours.vkey), keyOf(vkey)])
    expect(opened.ok && opened.signatures.map((signature) => signature.time)).toEqual([null, time])
  })

  it('travels in a tlog-proof', () => {
    const leaves = ours.leaves.map((leaf: string) => Buffer.from(leaf, 'hex'))
    const proof = parseTlogProof(ours.tlogProof.text)
    const opened = openNote(proof?.checkpoint ?? '', [keyOf(ours.vkey)])
    const checkpoint = opened.ok ? readCheckpoint(opened.text) : null
    expect(checkpoint).toEqual({ origin: ours.origin, size: 3, root: rootOf(appendLeaves(EMPTY, leaves)) })
    expect(proof).toMatchObject({ index: 2, hashes: [{}] })
    const { hashes = [] } = proof ?? {}
    expect(verifyInclusion(leaves[2], 2, 3, hashes, checkpoint?.root ?? EMPTY_ROOT)).toBe(true)
    expect(proof === null ? null : formatTlogProof(proof)).toBe(ours.tlogProof.text)
  })
})

describe('opening a note', () => {
  it('tells apart why it may not be believed', async () => {
    const note = await signNote(TEXT, [log])
    const forged = note.replace('\n7\n', '\n8\n')
    expect(faultOf(note, [logKey])).toBe('ok')
    expect(faultOf(forged, [logKey])).toBe('bad_signature')
    expect(faultOf(note, [witnessKey])).toBe('unknown_key')
    expect(faultOf(forged, [])).toBe('unknown_key')
    expect(faultOf(TEXT, [logKey])).toBe('unsigned')
    expect(faultOf(`${TEXT}\n`, [logKey])).toBe('unsigned')
    expect(faultOf(note.slice(0, -1), [logKey])).toBe('malformed')
  })

  it('ignores the lines of unknown keys, also under a known name or a known id', async () => {
    const note = await signNote(TEXT, [log, next])
    expect(openNote(note, [logKey])).toMatchObject({ ok: true, signatures: [{ key: logKey }], unknown: [{}] })
    expect(openNote(note, [nextKey])).toMatchObject({ ok: true, signatures: [{ key: nextKey }], unknown: [{}] })
    const sameId = `— other.example ${note.split(' ').at(-1)}`
    expect(faultOf(`${TEXT}\n${sameId}`, [logKey, nextKey])).toBe('unknown_key')
  })

  it('refuses a known key with a bad signature, whoever else signed well', async () => {
    const bad = (await signNote(TEXT.replace('7', '8'), [log])).split('\n').at(-2) ?? ''
    const note = await signNote(TEXT, [next, witness])
    expect(faultOf(`${note}${bad}\n`, [nextKey, witnessKey])).toBe('ok')
    expect(faultOf(`${note}${bad}\n`, [nextKey, witnessKey, logKey])).toBe('bad_signature')
    const good = await signNote(TEXT, [log])
    expect(faultOf(`${good}${bad}\n`, [logKey])).toBe('bad_signature')
  })

  it('counts a key once, however often it signed', async () => {
    const note = await signNote(TEXT, [log])
    const line = note.split('\n').at(-2)
    const opened = openNote(`${note}${line}\n${line}\n`, [logKey])
    expect(opened.ok && opened.signatures.length).toBe(1)
  })

  it('does not take a log key for a witness, nor a witness for a log', async () => {
    const asWitness = createCosigner('example.org/log', pemOf(1), () => 5)
    expect(keyOf(asWitness.vkey).id).not.toBe(logKey.id)
    const stamped = Buffer.concat([Buffer.from(logKey.id, 'hex'), await asWitness.sign(Buffer.from(TEXT))])
    const line = `— example.org/log ${stamped.toString('base64')}`
    expect(faultOf(`${TEXT}\n${line}\n`, [logKey])).toBe('bad_signature')
  })

  it('refuses a cosignature whose time was changed or cannot be a time', async () => {
    const line = parseSignatureLine(await signatureLine(TEXT, witness))
    const at = (time: bigint) => {
      const bytes = Buffer.concat([Buffer.from(line?.id ?? '', 'hex'), line?.signature ?? Buffer.alloc(0)])
      bytes.writeBigUInt64BE(time, 4)
      return faultOf(`${TEXT}\n— ${witnessKey.name} ${bytes.toString('base64')}\n`, [witnessKey])
    }
    expect(at(1_775_485_320n)).toBe('ok')
    expect([at(1_775_485_321n), at(0n), at(2n ** 53n), at(2n ** 64n - 1n)]).toEqual(Array(4).fill('bad_signature'))
  })

  it.each([
    ['a carriage return', (note: string) => note.replaceAll('\n', '\r\n')],
    ['a tab', (note: string) => note.replace('7', '\t7')],
    ['a NUL', (note: string) => `${note}\0`],
    ['half a surrogate pair', (note: string) => note.replace('7', '\ud800')],
    ['a line that is no signature among them', (note: string) => `${note}hello\n`],
    ['a hyphen for the dash', (note: string) => note.replace('—', '-')],
    ['two spaces', (note: string) => note.replace('— ', '—  ')],
    ['base64 without its padding', (note: string) => note.replace(/=+\n$/, '\n')],
    ['base64 with stray bits', (note: string) => note.replace(/A=\n$|Q=\n$|g=\n$|w=\n$|.=\n$/, 'B=\n')],
    ['base64 of the other alphabet', (note: string) => note.replace(/\S{4}\n$/, '_-_-\n')],
    ['no signature but an id', () => `${TEXT}\n— example.org/log AAAAAA==\n`],
    ['a name with a plus', (note: string) => note.replace('— example', '— exa+mple')],
    ['101 signatures', (note: string) => note + (note.split('\n').at(-2) ?? '').concat('\n').repeat(100)],
    ['more text than anyone signs', (note: string) => `${'x'.repeat(200_000)}\n${note}`],
  ])('refuses %s as malformed', async (_what, change) => {
    const note = change(await signNote(TEXT, [log]))
    expect(faultOf(note, [logKey])).toBe('malformed')
  })

  it('takes a text with blank lines and letters of any script', async () => {
    const text = 'Ognuno sta solo\n\ned è subito sera. 日本 🌒\n'
    expect(openNote(await signNote(text, [log]), [logKey])).toMatchObject({ ok: true, text })
  })

  it('answers whatever it is given, and never with a belief', () => {
    const part = fc.constantFrom('\n', '\n\n', '— ', 'example.org/log', ' ', 'AAAA', '=', '\0', 'é', TEXT)
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 30 }).map((parts) => parts.join('')),
    )
    fc.assert(fc.property(text, (note) => void expect(openNote(note, [logKey, witnessKey]).ok).toBe(false)))
  })

  it('finds every change of a byte', async () => {
    const bytes = Buffer.from(await signNote(TEXT, [log]))
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ flip
        expect(openNote(changed.toString(), [logKey]).ok).toBe(false)
      }),
    )
  })
})

describe('signing a note', () => {
  it('puts one line a signer, in order, which read back as they were', async () => {
    const note = await signNote(TEXT, [log, witness])
    const parsed = parseNote(note)
    expect(typeof parsed !== 'string' && parsed.lines.map(({ name, id }) => `${name}+${id}`)).toEqual(
      [logKey, witnessKey].map(({ name, id }) => `${name}+${id}`),
    )
  })

  it('lets no signature out that its own key does not verify', async () => {
    const mixed = { vkey: log.vkey, sign: next.sign }
    await expect(signNote(TEXT, [mixed])).rejects.toThrow('does not verify')
    await expect(signNote(TEXT, [{ vkey: 'nonsense', sign: log.sign }])).rejects.toThrow('no valid vkey')
  })

  it('refuses a text that a note cannot carry', async () => {
    for (const text of ['no line feed', 'a\r\n', 'a\0\n']) await expect(signNote(text, [log])).rejects.toThrow()
  })

  it('adds lines once, and none that would change what is signed', async () => {
    const note = await signNote(TEXT, [log])
    const line = await signatureLine(TEXT, witness)
    const both = addSignatureLines(note, [line])
    expect(addSignatureLines(both, [line])).toBe(both)
    expect(faultOf(both, [logKey, witnessKey])).toBe('ok')
    for (const evil of ['', 'hello', `x\n\n${line}`, `${line}\n`]) {
      expect(() => addSignatureLines(note, [evil])).toThrow('not a signature line')
    }
  })

  it('refuses a key file that holds no Ed25519 private key, without quoting it', () => {
    for (const pem of ['', 'secret-words', '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n']) {
      expect(() => createSigner('example.org/log', pem)).toThrow('not an Ed25519 private key')
      expect(() => createSigner('example.org/log', pem)).not.toThrow(/secret/)
    }
  })
})
