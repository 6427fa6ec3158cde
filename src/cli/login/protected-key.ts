import { createCipheriv, createDecipheriv, randomBytes, type ScryptOptions, scrypt } from 'node:crypto'
import { canonicalize } from '../../core/canonical.ts'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'

/** A key as a client file holds it behind a passphrase. All of it but the secret can be read, none of it changed unseen. */
export interface ProtectedKey {
  /** Where the key is good, and the only place it is ever sent to. */
  readonly url: string
  readonly socket: string | null
  readonly principal: string
  readonly name: string
  readonly role: string
}

/** Shortest passphrase, in characters: whoever reads the file can try as many as they like, at a second and 128 MiB each. */
export const SHORTEST_PASSPHRASE = 12

const VERSION = 1
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const SALT_BYTES = 32
/** What new keys are protected by (RFC 7914): 128 MiB. */
const COST = { n: 2 ** 17, r: 8, p: 1 } as const
/** What a file may ask of us: not less than protects, not more than a machine has. */
const BOUNDS = { n: [2 ** 15, 2 ** 20], r: [8, 16], p: [1, 4] } as const
const MEMORY_MAX = 2 ** 30
const SEALED_MAX = 1024

interface Kdf {
  readonly n: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
}

/** The member `protected_key` of a client file. @throws AegisError `invalid_params` where the passphrase is too short */
export async function protect(secret: string, passphrase: string, about: ProtectedKey): Promise<JsonObject> {
  if ([...passphrase.normalize('NFC')].length < SHORTEST_PASSPHRASE) {
    throw new AegisError('invalid_params', `a passphrase has at least ${SHORTEST_PASSPHRASE} characters`, {
      advice: 'Four words that do not belong together are easy to keep in mind.',
    })
  }
  const kdf: Kdf = { ...COST, salt: randomBytes(SALT_BYTES) }
  const nonce = randomBytes(NONCE_BYTES)
  const open = { ...opened(about), ...parameters(kdf, nonce) }
  const cipher = createCipheriv(CIPHER, await derive(passphrase, kdf), nonce)
  cipher.setAAD(Buffer.from(canonicalize(open)))
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return { ...open, sealed: sealed.toString('base64') }
}

/**
 * The secret. A wrong passphrase and a file that was changed are one and the same answer.
 * @throws AegisError `unauthenticated`; `config` where the file holds no key that we can read
 */
export async function unprotect(value: Json, passphrase: string): Promise<string> {
  const about = describe(value)
  const { kdf, nonce, sealed } = parse(value)
  const key = await derive(passphrase, kdf)
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce)
    decipher.setAAD(Buffer.from(canonicalize({ ...opened(about), ...parameters(kdf, nonce) })))
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
  } catch {
    throw new AegisError('unauthenticated', 'the passphrase is wrong, or the file was changed; nothing was sent', {
      advice: 'Try again. A key whose passphrase is lost is replaced: `aegisctl login --protect --key -`.',
    })
  }
}

/** What can be read without the passphrase; true only once the secret was unlocked. @throws AegisError `config` */
export function describe(value: Json): ProtectedKey {
  if (!isObject(value)) throw unreadable('it is not an object')
  const { v, url, socket, principal, name, role } = value
  if (v !== VERSION) throw unreadable(`its version is ${JSON.stringify(v ?? null).slice(0, 20)}, ours ${VERSION}`)
  if (typeof url !== 'string' || (typeof socket !== 'string' && socket !== null)) throw unreadable('it has no address')
  if (typeof principal !== 'string' || typeof name !== 'string' || typeof role !== 'string') {
    throw unreadable('it does not say whose it is')
  }
  return { url, socket, principal, name, role }
}

function opened({ url, socket, principal, name, role }: ProtectedKey): JsonObject {
  return { v: VERSION, use: 'aegis client key', url, socket, principal, name, role }
}

function parameters({ n, r, p, salt }: Kdf, nonce: Buffer): JsonObject {
  return {
    kdf: { name: 'scrypt', n, r, p, salt: salt.toString('base64') },
    cipher: CIPHER,
    nonce: nonce.toString('base64'),
  }
}

function parse(value: Json): { kdf: Kdf; nonce: Buffer; sealed: Buffer } {
  const { kdf, cipher, nonce, sealed } = isObject(value) ? value : {}
  if (cipher !== CIPHER || !isObject(kdf) || kdf['name'] !== 'scrypt') throw unreadable('its cipher is none of ours')
  const [n, r, p] = (['n', 'r', 'p'] as const).map((name) => bounded(kdf[name], name))
  if (n === undefined || r === undefined || p === undefined || (n & (n - 1)) !== 0 || 128 * n * r > MEMORY_MAX) {
    throw unreadable('its parameters are out of bounds')
  }
  return {
    kdf: { n, r, p, salt: bytes(kdf['salt'], SALT_BYTES, SALT_BYTES) },
    nonce: bytes(nonce, NONCE_BYTES, NONCE_BYTES),
    sealed: bytes(sealed, TAG_BYTES + 1, SEALED_MAX),
  }
}

function bounded(value: Json | undefined, name: keyof typeof BOUNDS): number | undefined {
  const [least, most] = BOUNDS[name]
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : undefined
}

function bytes(value: Json | undefined, least: number, most: number): Buffer {
  const found = Buffer.from(typeof value === 'string' ? value.slice(0, 2 * SEALED_MAX) : '', 'base64')
  if (found.length >= least && found.length <= most) return found
  throw unreadable('a part of it is missing')
}

function derive(passphrase: string, { n, r, p, salt }: Kdf): Promise<Buffer> {
  const options: ScryptOptions = { N: n, r, p, maxmem: 2 * 128 * n * r }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, KEY_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

function unreadable(why: string): AegisError {
  return new AegisError('config', `the protected key in the client file cannot be read: ${why}`, {
    advice: 'Keep the key anew: `aegisctl login --protect --key -`.',
  })
}
