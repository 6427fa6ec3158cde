/** The bytes of a column as a driver gives it: Buffers, or ArrayBuffers of their own. */
export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  return value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array()
}
