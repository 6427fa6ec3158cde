/** Type oids of PostgreSQL's catalog (pg_type). */
const OID = { int8: 20, text: 25, bytea: 17 } as const

type Element = keyof typeof OID

/**
 * An array parameter in PostgreSQL's binary form (`array_send`): the driver sends a Buffer as it is, while it would write an
 * array as text, with bytes as hex and every quote of a JSON body escaped.
 */
export function int8Array(values: readonly (number | null)[]): Buffer {
  return arrayOf('int8', values.map(int8))
}

export function textArray(values: readonly (string | null)[]): Buffer {
  return arrayOf(
    'text',
    values.map((value) => (value === null ? null : Buffer.from(value))),
  )
}

export function byteaArray(values: readonly Uint8Array[]): Buffer {
  return arrayOf('bytea', values)
}

function int8(value: number | null): Buffer | null {
  if (value === null) return null
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

const NULL_ELEMENT = word(-1)

function arrayOf(element: Element, items: readonly (Uint8Array | null)[]): Buffer {
  // Dimensions, "may hold nulls", element type; then for the one dimension its length and lower bound.
  const parts: Uint8Array[] = [word(items.length === 0 ? 0 : 1), word(1), word(OID[element])]
  if (items.length > 0) parts.push(word(items.length), word(1))
  for (const item of items) {
    if (item === null) parts.push(NULL_ELEMENT)
    else parts.push(word(item.length), item)
  }
  return Buffer.concat(parts)
}

function word(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}
