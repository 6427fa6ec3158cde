import { type Handle, prepare, type Sql } from './handle.ts'

/** Rows written by one statement. A call of the driver costs more than a row, so the largest that fits is taken. */
const SIZES = [32, 8, 4, 3, 2, 1] as const

/** Inserts rows of these columns, many by one statement; the rows go in in their order. `otherwise`: an ON CONFLICT clause. */
export function createBulkInsert(
  handle: Handle,
  table: string,
  columns: readonly string[],
  otherwise = '',
): (rows: readonly (readonly Sql[])[]) => void {
  const row = `(${columns.map(() => '?').join(',')})`
  const statements = SIZES.map((size) => {
    const values = Array.from({ length: size }, () => row).join(',')
    const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${values} ${otherwise}`
    return { size, run: prepare(handle, sql) }
  })
  return (rows) => {
    let at = 0
    for (const { size, run } of statements) {
      for (; rows.length - at >= size; at += size) run.run(rows.slice(at, at + size).flat())
    }
  }
}
