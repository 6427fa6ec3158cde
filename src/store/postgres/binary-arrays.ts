/** Type oids of PostgreSQL's catalog (pg_type). */
const OID = { int8: 20, text: 25, bytea: 17 } as const

type Element = keyof typeof OID

/**
 * An array parameter in PostgreSQL's binary form (`array_send`): the driver sends a Buffer as it is, while it would write an
 * array as text, with bytes as hex and every quote of a JSON body escaped. Written in one piece: this is the hot path.
 */
export function int8Array(values: readonly (number | null)[]): Buffer {
  return arrayOf('int8', values, EIGHT, (array, value, at) => array.writeBigInt64BE(BigInt(value), at))
}

export function textArray(values: readonly (string | null)[]): Buffer {
  return arrayOf('text', values, Buffer.byteLength, (array, value, at) => array.write(value, at))
}

export function byteaArray(values: readonly Uint8Array[]): Buffer {
  return arrayOf('bytea', values, LENGTH, (array, value, at) => array.set(value, at))
}

const EIGHT = () => 8
const LENGTH = ({ length }: Uint8Array) => length
const HEADER = 20

function arrayOf<T>(
  element: Element,
  items: readonly (T | null)[],
  lengthOf: (item: T) => number,
  write: (array: Buffer, item: T, at: number) => unknown,
): Buffer {
  const bytes = items.reduce((sum, item) => sum + 4 + (item === null ? 0 : lengthOf(item)), HEADER)
  const array = Buffer.allocUnsafe(bytes)
  // Dimensions, "may hold nulls", element type; then of the one dimension its length and lower bound.
  let at = [1, 1, OID[element], items.length, 1].reduce((place, word) => array.writeInt32BE(word, place), 0)
  for (const item of items) {
    if (item === null) {
      at = array.writeInt32BE(-1, at)
      continue
    }
    const length = lengthOf(item)
    at = array.writeInt32BE(length, at)
    write(array, item, at)
    at += length
  }
  return array
}
