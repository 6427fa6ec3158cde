import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { AegisError } from '../../core/errors.ts'
import { cosignedMessage, joinCosignature } from './cosignature.ts'
import { formatSignatureLine, openNote, parseNote, parseSignatureLine } from './note.ts'
import { type KeyKind, makeVerifierKey, parseVkey } from './vkey.ts'

/** Whoever holds the private key: a file, a KMS, an HSM. */
export interface Signer {
  readonly vkey: string
  /** The bytes of the signature line after the key id: Ed25519 over the text; a cosigner's with its time before it. */
  sign(text: Uint8Array): Promise<Uint8Array>
}

/**
 * The text with a signature line of each signer, in order. The text ends with a line feed.
 * @throws AegisError `internal` where a signer's signature does not verify with its own vkey: it is never let out
 */
export async function signNote(text: string, signers: readonly Signer[]): Promise<string> {
  const lines: string[] = []
  for (const signer of signers) lines.push(await signatureLine(text, signer))
  return addSignatureLines(`${text}\n`, lines)
}

/** One signer's line for this text, without its line feed: what a witness answers. @throws AegisError `internal`, as above */
export async function signatureLine(text: string, signer: Signer): Promise<string> {
  const key = parseVkey(signer.vkey)
  if (key === null) throw new AegisError('internal', 'the signer has no valid vkey')
  const signature = await signer.sign(Buffer.from(text))
  const line = formatSignatureLine({ name: key.name, id: key.id, signature })
  const opened = openNote(`${text}\n${line}\n`, [key])
  if (!opened.ok || opened.text !== text) {
    throw new AegisError('internal', `the signature made for ${key.name} does not verify`, {
      advice: 'Check that the private key belongs to the vkey and that the text is one a note can carry.',
    })
  }
  return line
}

/**
 * The note with these lines (no line feeds) at its end; those it has already are not repeated.
 * @throws AegisError `invalid_request` on a line that is no signature line (it could change what the text is) or too many
 */
export function addSignatureLines(note: string, lines: readonly string[]): string {
  if (lines.some((line) => parseSignatureLine(line) === null)) throw unwritable('not a signature line')
  const there = new Set(note.slice(note.lastIndexOf('\n\n') + 2).split('\n'))
  const more = lines.filter((line) => !there.has(line))
  const whole = note + more.map((line) => `${line}\n`).join('')
  const parsed = parseNote(whole)
  if (typeof parsed === 'string') throw unwritable(parsed)
  return whole
}

function unwritable(why: string): AegisError {
  return new AegisError('invalid_request', `the note cannot be written: ${why}`)
}

/** A log's signer from a PKCS#8 PEM text. @throws AegisError `config` where that holds no Ed25519 private key */
export function createSigner(name: string, pem: string): Signer {
  const { key, vkey } = readPrivateKey(name, 'ed25519', pem)
  return { vkey, sign: async (text) => sign(null, text, key) }
}

/** A witness's signer. `now`: seconds since the epoch. @throws AegisError `config` where the text holds no Ed25519 private key */
export function createCosigner(name: string, pem: string, now: () => number): Signer {
  const { key, vkey } = readPrivateKey(name, 'cosignature', pem)
  return {
    vkey,
    sign: async (text) => {
      const time = Math.floor(now())
      return joinCosignature(time, sign(null, cosignedMessage(Buffer.from(text).toString(), time), key))
    },
  }
}

/** PKCS#8 (RFC 8410 section 7) of an Ed25519 private key up to its 32 bytes. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The PEM text of a new key; `seed` is 32 secret random bytes. */
export function privateKeyPem(seed: Uint8Array): string {
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString()
}

function readPrivateKey(name: string, kind: KeyKind, pem: string): { readonly key: KeyObject; readonly vkey: string } {
  const key = parsePem(pem)
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw new AegisError('config', `the key of ${name} is not an Ed25519 private key in PEM form`)
  }
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return { key, vkey: makeVerifierKey(name, kind, Buffer.from(x, 'base64url')).vkey }
}

/** The parser's own error could quote the key: it is dropped. */
function parsePem(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem)
  } catch {
    return null
  }
}
