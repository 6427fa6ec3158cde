import { createHash } from 'node:crypto'
import type { CopiedRow } from './tables.ts'

/** The rows of a table, in order, as one hash: equal on both sides means that every value of every row is. */
export interface TableDigest {
  readonly rows: number
  readonly sha256: string
}

export interface Digester {
  add(row: CopiedRow): void
  end(): TableDigest
}

const TAG = { null: 0, number: 1, string: 2, bytes: 3 } as const

export function createDigester(): Digester {
  const hash = createHash('sha256')
  let rows = 0

  function field(tag: number, bytes: Uint8Array): void {
    // Tag and length first: no two rows have the same bytes.
    const head = Buffer.allocUnsafe(5)
    head.writeUInt8(tag)
    head.writeUInt32BE(bytes.length, 1)
    hash.update(head).update(bytes)
  }

  return {
    add(row) {
      rows += 1
      for (const value of row) {
        if (value === null) field(TAG.null, Buffer.alloc(0))
        else if (typeof value === 'number') field(TAG.number, Buffer.from(String(value)))
        else if (typeof value === 'string') field(TAG.string, Buffer.from(value))
        else field(TAG.bytes, value)
      }
    },
    end: () => ({ rows, sha256: hash.digest('hex') }),
  }
}
