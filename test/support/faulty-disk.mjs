/**
 * A gateway's evidence with a short life: opens the signed store in a folder, appends, signs, appends, signs, closes, and says each
 * thing that is durable. For a test to run where system calls fail. It runs the built code. Argument: the folder.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { openLedger } from '../../dist/src/ledger/ledger.js'
import { checkpointMemory, openLogKey } from '../../dist/src/store/files/log-key.js'
import { openSqlite } from '../../dist/src/store/sqlite/index.js'

const [folder] = process.argv.slice(2)
const clock = { now: () => Date.now(), elapsed: () => performance.now() }
const random = { bytes: (count) => randomBytes(count) }
const files = {
  logKey: join(folder, 'log.key'),
  logTrust: join(folder, 'log.vkey'),
  lastCheckpoint: join(folder, 'log.checkpoint'),
}
const say = (line) => process.stdout.write(`${line}\n`)

const stores = await openSqlite(join(folder, 'aegis.db'))
const ledger = await openLedger({
  ...{ store: stores.ledger, clock, random, gateway: 'gw-faulty', origin: 'aegis.example/log/test', minFreeBytes: 0 },
  signing: (origin, everSigned) => ({
    ...openLogKey(files, origin, everSigned, random),
    memory: checkpointMemory(files.lastCheckpoint),
  }),
})
say('open')

const common = {
  session: 'key_a1/sess-2026-04-06-1422',
  actor: { agent: 'claude-code', subject: 'key_a1', tenant: 'default' },
  action: { protocol: 'git', tool: 'github.push_files', capability: 'write' },
  ...{ ref: null, decision: null, findings: [], blast: null, reviewer: null, changes: [] },
}

/** An intent and its result; what is refused is refused, and the next one is tried. */
async function act() {
  const env = randomUUID()
  const commitments = [{ path: 'params', salt: randomBytes(32), value: { content: 'x'.repeat(3000) } }]
  const outcome = { label: null, status: 'ok', credential: null }
  for (const draft of [
    { kind: 'allow', env, effect: 'forward', outcome: null, commitments },
    { kind: 'result', env, effect: null, outcome, commitments: [] },
  ]) {
    try {
      const { n, hash } = await ledger.append({ ...common, ...draft })
      say(`ack ${n} ${hash}`)
    } catch (error) {
      say(`refused ${error.code}`)
      if (draft.kind === 'allow') return
    }
  }
}

async function sign() {
  await ledger.sign().then(
    ({ size }) => say(`signed ${size}`),
    (error) => say(`unsigned ${error.code ?? error.name}`),
  )
}

for (let round = 0; round < 2; round += 1) {
  for (let index = 0; index < 5; index += 1) await act()
  await sign()
}
await ledger.close()
await stores.close()
say('closed')
