/** A process that appends without end and reports each acknowledged entry, for the crash test to kill. It runs the built code. Argument: the file. */
import { randomBytes, randomUUID } from 'node:crypto'
import { openLedger } from '../../dist/src/ledger/ledger.js'
import { openSqlite } from '../../dist/src/store/sqlite/index.js'

const [file] = process.argv.slice(2)
const clock = { now: () => Date.now(), elapsed: () => performance.now() }
const random = { bytes: (count) => randomBytes(count) }
const stores = await openSqlite(file)
const ledger = await openLedger({ store: stores.ledger, clock, random, gateway: 'gw-crash', minFreeBytes: 0 })
process.stdout.write(`open ${ledger.recovered.orphans}\n`)

const common = {
  session: 'key_a1/sess-2026-04-06-1422',
  actor: { agent: 'claude-code', subject: 'key_a1', tenant: 'default' },
  action: { protocol: 'git', tool: 'github.push_files', capability: 'write' },
  ...{ ref: null, decision: null, findings: [], blast: null, reviewer: null, changes: [] },
}

async function append(draft) {
  const { n, hash } = await ledger.append({ ...common, ...draft })
  process.stdout.write(`ack ${n} ${hash}\n`)
}

async function callForever() {
  for (;;) {
    const env = randomUUID()
    const commitments = [{ path: 'params', salt: randomBytes(32), value: { content: 'x'.repeat(200) } }]
    await append({ kind: 'allow', env, effect: 'forward', outcome: null, commitments })
    const outcome = { label: null, status: 'ok', credential: null }
    await append({ kind: 'result', env, effect: null, outcome, commitments: [] })
  }
}

await Promise.all([callForever(), callForever(), callForever(), callForever()])
