/**
 * One gateway's ledger on a shared database, appended to by so many callers, each with a session of its own. Arguments: URL,
 * folder of the log's key, name, callers. Says `open`, waits for a line, appends for the seconds it names, then says what it did.
 */

import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock, systemRandom } from '../../src/compose/system.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { checkpointMemory, openLogKey } from '../../src/store/files/log-key.ts'
import { openStores } from '../../src/store/open.ts'
import { draft } from '../micro.ts'

export interface Appended {
  readonly entries: number
  readonly seconds: number
  /** Processor time of this process, in seconds. */
  readonly cpu_seconds: number
  /** Milliseconds, sorted. */
  readonly waits: readonly number[]
}

const [url = '', folder = '', name = '', callers = '1'] = process.argv.slice(2)
const stores = await openStores(url)
const clock = systemClock()
const random = systemRandom()
const files = { logKey: join(folder, 'key'), logTrust: join(folder, 'vkey') }
const ledger = await openLedger({
  ...{ store: stores.ledger, clock, random, gateway: name },
  signing: (origin, everSigned) => {
    const lastCheckpoint = join(folder, `${name}.last`)
    return {
      ...openLogKey({ ...files, lastCheckpoint }, origin, everSigned, random),
      memory: checkpointMemory(lastCheckpoint),
    }
  },
})
console.log('open')

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await appendFor(Number(line) * 1000)))
}
await ledger.close()
await stores.close()

async function appendFor(milliseconds: number): Promise<Appended> {
  const waits: number[] = []
  const cpu = process.cpuUsage()
  const start = performance.now()
  const end = start + milliseconds
  await Promise.all(
    Array.from({ length: Number(callers) }, async (_, caller) => {
      while (performance.now() < end) {
        const before = performance.now()
        await ledger.append(draft(`key_bench/${name}-${caller}`))
        waits.push(performance.now() - before)
      }
    }),
  )
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { entries: waits.length, seconds, cpu_seconds: (user + system) / 1e6, waits: waits.sort((a, b) => a - b) }
}
