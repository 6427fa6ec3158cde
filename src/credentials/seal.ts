import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import type { Random } from '../core/runtime.ts'
import type { PendingRevocation } from './ports.ts'

/** version (1) | key id (4) | nonce (12) | ciphertext | tag (16) */
const VERSION = 1
const KEY_ID = 4
const NONCE = 12
const TAG = 16
const HEADER = 1 + KEY_ID
const KEY_BYTES = 32

/** What a sealed token is bound to: a row whose `apiUrl` was changed in the database must not send the token there. */
export type SealedFor = Pick<
  PendingRevocation,
  'id' | 'apiUrl' | 'tokenSha256' | 'scope' | 'envelope' | 'issuedAt' | 'deadline'
>

/** AES-256-GCM over one token, bound to its row. */
export interface Seal {
  close(token: string, row: SealedFor): Uint8Array
  /** The token, or the reason why it cannot be had: another key, or an altered row. */
  open(sealed: Uint8Array, row: SealedFor): { readonly token: string } | { readonly fault: string }
}

/** @param key 32 bytes. @throws RangeError for any other length. */
export function createSeal(key: Uint8Array, random: Random): Seal {
  if (key.byteLength !== KEY_BYTES) throw new RangeError(`a seal key has ${KEY_BYTES} bytes`)
  const keyId = createHash('sha256').update('aegis/seal-key-id').update(key).digest().subarray(0, KEY_ID)
  const header = Buffer.concat([Buffer.of(VERSION), keyId])

  return {
    close(token, row) {
      const nonce = Buffer.from(random.bytes(NONCE))
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(boundTo(row))
      return Buffer.concat([header, nonce, cipher.update(token, 'utf8'), cipher.final(), cipher.getAuthTag()])
    },

    open(sealed, row) {
      const bytes = Buffer.from(sealed)
      if (bytes.byteLength < HEADER + NONCE + TAG || bytes[0] !== VERSION) return { fault: 'not a sealed token' }
      if (!bytes.subarray(0, HEADER).equals(header)) return { fault: 'sealed with another installation key' }
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(HEADER, HEADER + NONCE), {
        authTagLength: TAG,
      })
      decipher.setAAD(boundTo(row))
      decipher.setAuthTag(bytes.subarray(-TAG))
      try {
        const token = Buffer.concat([decipher.update(bytes.subarray(HEADER + NONCE, -TAG)), decipher.final()])
        return { token: token.toString('utf8') }
      } catch {
        return { fault: 'the row was altered' }
      }
    },
  }
}

function boundTo(row: SealedFor): Buffer {
  const { id, apiUrl, tokenSha256, scope, envelope, issuedAt, deadline } = row
  return Buffer.from(JSON.stringify([id, apiUrl, tokenSha256, scope, envelope, issuedAt, deadline]))
}
