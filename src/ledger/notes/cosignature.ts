const TIME_BYTES = 8
const SIGNATURE_BYTES = 64

/** What a witness signs (c2sp.org/tlog-cosignature, Ed25519): the whole text of the checkpoint, and when. `time` in seconds. */
export function cosignedMessage(text: string, time: number): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
}

/** The bytes of a signature line after the key id. */
export function joinCosignature(time: number, signature: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(TIME_BYTES + SIGNATURE_BYTES)
  bytes.writeBigUInt64BE(BigInt(time))
  bytes.set(signature, TIME_BYTES)
  return bytes
}

/** Null where the length is wrong or the time is beyond 2^53-1 seconds. */
export function splitCosignature(bytes: Uint8Array): { readonly time: number; readonly signature: Uint8Array } | null {
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return null
  const time = Number(Buffer.from(bytes.subarray(0, TIME_BYTES)).readBigUInt64BE())
  return Number.isSafeInteger(time) ? { time, signature: bytes.subarray(TIME_BYTES) } : null
}
