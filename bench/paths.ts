/** The ways from a client to the same upstream, measured side by side. */
import { type Connection, type Measured, measure } from './load.ts'
import type { Other } from './others.ts'

/** The busiest first: a server that has just started runs unoptimised code, which lone calls would be too few to change. */
const CONCURRENCY = [64, 8, 1] as const

/** From the client to the last hop: `http-stdio` is a client over HTTP before an upstream over stdio. */
export type Transport = 'http' | 'http-stdio' | 'stdio'

export interface Path {
  readonly path: 'direct' | 'sdk-proxy' | 'pass-through' | 'aegis' | Other
  readonly transport: Transport
  connect(c: number, tool: string): Promise<Connection>
}

export interface Row extends Measured {
  readonly path: Path['path']
  readonly transport: Transport
  readonly c: number
}

/** A tool that policy `pr-writer` allows by its first rule. */
const TOOL = 'get_file_contents'

/**
 * Rounds are interleaved (path after path, again and again) and the best round of each counts: on a shared machine the
 * worse rounds tell of the neighbours, and a ratio of two quiet rounds is the ratio of the paths.
 */
export async function measurePaths(
  paths: readonly Path[],
  rounds: number,
  seconds: number,
  say: (line: string) => void,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const c of CONCURRENCY) {
    const best = new Map<Path, Measured>()
    for (let round = 1; round <= rounds; round++) {
      for (const path of paths) {
        const connection = await path.connect(c, TOOL)
        const measured = await measure(connection, c, seconds)
        await connection.close()
        best.set(path, better(best.get(path), measured))
        const name = `${path.path} (${path.transport})`
        say(`c=${c} round ${round}/${rounds} ${name}: ${measured.calls_per_s} calls/s, p50 ${measured.p50_ms} ms`)
      }
    }
    for (const [{ path, transport }, measured] of best) rows.push({ path, transport, c, ...measured })
  }
  return rows.sort((one, other) => one.c - other.c)
}

function better(known: Measured | undefined, measured: Measured): Measured {
  return known === undefined || measured.calls_per_s > known.calls_per_s ? measured : known
}

/** The row of a path, which must be there. */
export function rowOf(rows: readonly Row[], path: Path['path'], c: number, transport: Transport = 'http'): Row {
  const row = rows.find((one) => one.path === path && one.c === c && one.transport === transport)
  if (row === undefined) throw new Error(`no row for ${path} over ${transport} at c = ${c}`)
  return row
}
