/** Standard base64 (RFC 4648 section 4); null for every other spelling of the bytes: no padding, stray bits, line feeds. */
export function decodeBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/

/** An ASCII decimal without leading zeros, at most 2^53-1; null for every other text. */
export function parseDecimal(text: string): number | null {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : null
}
