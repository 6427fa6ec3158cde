/** The ledger by itself, over its size: what an append, an opening and a verification cost when the log is long. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '../src/compose/system.ts'
import { openLedger } from '../src/ledger/ledger.ts'
import { checkpointMemory, openLogKey } from '../src/store/files/log-key.ts'
import { openStores } from '../src/store/open.ts'
import { round } from './load.ts'
import { draft } from './micro.ts'
import { type VerifyFigures, verifyFigures } from './verify.ts'

export interface GrowthFigures {
  /** By the entries in the log at the time: entries appended per second, and microseconds of processor time each took. */
  readonly append_per_s_at: Readonly<Record<string, { readonly append_per_s: number; readonly cpu_us: number }>>
  /** Milliseconds to open the whole log, its checkpoints proven. */
  readonly open_ms: number
  readonly entries: number
  /** Of the first fifth, and of all. */
  readonly verify: readonly VerifyFigures[]
}

/** Fills a signed store to this many entries, in tenths, and opens it again. */
export async function growthFigures(entries: number, say: (line: string) => void): Promise<GrowthFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-bench-'))
  const file = join(folder, 'ledger.db')
  const files = { logKey: join(folder, 'key'), logTrust: join(folder, 'vkey'), lastCheckpoint: join(folder, 'last') }
  const verify = (size: number) => verifyFigures(file, files.logTrust, size)
  const open = async () => {
    const stores = await openStores(file)
    const clock = systemClock()
    const random = systemRandom()
    const ledger = await openLedger({
      ...{ store: stores.ledger, clock, random, gateway: 'bench' },
      signing: (origin, everSigned) => ({
        ...openLogKey(files, origin, everSigned, random),
        memory: checkpointMemory(files.lastCheckpoint),
      }),
    })
    return { ledger, stores }
  }
  try {
    const { ledger, stores } = await open()
    const rates: Record<string, { append_per_s: number; cpu_us: number }> = {}
    const tenth = Math.ceil(entries / 10)
    const checked: VerifyFigures[] = []
    for (let part = 0; part < 10; part++) {
      let left = tenth
      const cpu = process.cpuUsage()
      const start = performance.now()
      await Promise.all(
        Array.from({ length: 64 }, async (_, caller) => {
          while (left-- > 0) await ledger.append(draft(`key_bench/s${part}-${caller}`))
        }),
      )
      const rate = Math.round(tenth / ((performance.now() - start) / 1000))
      const { user, system } = process.cpuUsage(cpu)
      const cpuUs = round((user + system) / tenth, 1)
      rates[String(part * tenth)] = { append_per_s: rate, cpu_us: cpuUs }
      say(`${part * tenth} to ${(part + 1) * tenth} entries: ${rate} appends/s, ${cpuUs} us of processor each`)
      if (part === 1) {
        await ledger.sign()
        checked.push(...(await verify(2 * tenth)))
      }
    }
    await ledger.close()
    await stores.close()
    const start = performance.now()
    const again = await open()
    const opened = round(performance.now() - start, 0)
    await again.ledger.close()
    await again.stores.close()
    checked.push(...(await verify(10 * tenth)))
    return { append_per_s_at: rates, open_ms: opened, entries: tenth * 10, verify: checked }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
