/** A gateway that appends without end over a shared database and reports each acknowledged entry, for the test to kill. It runs the built code. Arguments: URL, name. */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { openLedger } from '../../dist/src/ledger/ledger.js'
import { openPostgres } from '../../dist/src/store/postgres/index.js'

const [url, gateway] = process.argv.slice(2)
const clock = { now: () => Date.now(), elapsed: () => performance.now() }
const random = { bytes: (count) => randomBytes(count) }
const stores = await openPostgres(url)
const ledger = await openLedger({ store: stores.ledger, clock, random, gateway, minFreeBytes: 0 })
process.stdout.write('open\n')
// All are open before one begins.
await once(process.stdin, 'data')
process.stdin.destroy()

let running = true
process.on('SIGTERM', () => {
  running = false
})

const common = {
  actor: { agent: 'claude-code', subject: 'key_a1', tenant: 'default' },
  action: { protocol: 'git', tool: 'github.push_files', capability: 'write' },
  ...{ ref: null, decision: null, findings: [], blast: null, reviewer: null, changes: [] },
}

/** Every gateway writes to the same sessions: their chains must not fork. Null where the ledger refused. */
async function append(draft) {
  try {
    const { n, hash } = await ledger.append({ ...common, ...draft })
    process.stdout.write(`ack ${n} ${hash}\n`)
    return n
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return null
  }
}

async function callWhileRunning(session) {
  while (running) {
    const env = randomUUID()
    const commitments = [{ path: 'params', salt: randomBytes(32), value: { content: 'x'.repeat(200) } }]
    if ((await append({ kind: 'allow', session, env, effect: 'forward', outcome: null, commitments })) === null)
      continue
    const outcome = { label: null, status: 'ok', credential: null }
    const result = { kind: 'result', session, env, effect: null, outcome, commitments: [] }
    // What could not be written is written by the ledger itself once the store is well again.
    await append(result)
  }
}

await Promise.all(Array.from({ length: 8 }, (_, index) => callWhileRunning(`key_a1/shared-${index % 4}`)))
await ledger.close()
await stores.close()
process.stdout.write('closed\n')
