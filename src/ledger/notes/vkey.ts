import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { decodeBase64, encodeBase64 } from './base64.ts'

/** What a key signs: the note's text, or as a witness the text with the time it was seen (c2sp.org/tlog-cosignature, Ed25519). */
export type KeyKind = 'ed25519' | 'cosignature'

/** Signature types of c2sp.org/signed-note. */
const TYPE_BYTE = { ed25519: 0x01, cosignature: 0x04 } as const satisfies Record<KeyKind, number>

const PUBLIC_KEY_BYTES = 32

/** A public key as notes name it. Name and id together say which key a signature line claims. */
export interface VerifierKey {
  readonly name: string
  /** 8 lower-case hex digits, the first 4 bytes of SHA-256(name || "\n" || type || public key). An identifier, not a fingerprint. */
  readonly id: string
  readonly kind: KeyKind
  readonly key: KeyObject
  /** `<name>+<id>+<base64 of type and public key>`. */
  readonly vkey: string
}

const KEY_NAME = /^[^\p{White_Space}\p{Cc}+]{1,300}$/u

/** Key names: no white space, no control character, no `+` (c2sp.org/signed-note); at most 300 characters. */
export function isKeyName(text: string): boolean {
  return KEY_NAME.test(text) && text.isWellFormed()
}

/** Null where the text is no vkey, its type is not one of ours, or its id is not that of its key. */
export function parseVkey(text: string): VerifierKey | null {
  // A name and an id hold no `+`, base64 may.
  const [name = '', id = '', ...encoded] = text.split('+')
  const material = decodeBase64(encoded.join('+'))
  const kind = kindOf(material?.[0])
  if (!isKeyName(name) || material === null || kind === null || material.length !== 1 + PUBLIC_KEY_BYTES) return null
  const key = makeVerifierKey(name, kind, material.subarray(1))
  return key.id === id ? key : null
}

/** `publicKey`: the 32 bytes of RFC 8032. @throws RangeError on a name that notes cannot carry or a key of another length */
export function makeVerifierKey(name: string, kind: KeyKind, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw new RangeError('a key name is 1 to 300 characters without white space or plus')
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw new RangeError('an Ed25519 public key has 32 bytes')
  const material = Buffer.concat([Uint8Array.of(TYPE_BYTE[kind]), publicKey])
  const id = createHash('sha256').update(`${name}\n`).update(material).digest('hex').slice(0, 8)
  const x = Buffer.from(publicKey).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return { name, id, kind, key, vkey: `${name}+${id}+${encodeBase64(material)}` }
}

function kindOf(type: number | undefined): KeyKind | null {
  if (type === TYPE_BYTE.ed25519) return 'ed25519'
  return type === TYPE_BYTE.cosignature ? 'cosignature' : null
}
