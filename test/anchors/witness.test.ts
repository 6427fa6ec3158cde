import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { formatAddCheckpoint } from '../../src/anchors/add-checkpoint.ts'
import {
  anchorStatusJson,
  checkAnchors,
  cosignedNotes,
  createDispatcher,
  createProver,
  witnessKey,
} from '../../src/anchors/index.ts'
import { witnessAnchor } from '../../src/anchors/witness-anchor.ts'
import { draft, frozenClock, random } from '../support/drafts.ts'
import { openEvidence, signingIn } from '../support/evidence-store.ts'
import { folder, logKey, memoryLog, ORIGIN, otherKey, patient, policyOf, type TinyLog, tinyLog } from './support.ts'

const PROGRAM = resolve(import.meta.dirname, '../../dist/src/cli/aegisctl.js')
const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

interface Place {
  readonly key: string
  readonly log: string
  readonly state: string
  readonly vkey: string
}

function run(...words: string[]) {
  return spawnSync(process.execPath, [PROGRAM, ...words], { encoding: 'utf8' })
}

function makePlace(): Place {
  const home = folder()
  const key = join(home, 'w.key')
  const made = run('witness', '--new-key', key, '--name', 'witness.example/w1')
  expect(made.stderr).toBe('')
  const log = join(home, 'log.vkey')
  writeFileSync(log, `# the log\n${logKey.vkey}\n`)
  return { key, log, state: join(home, 'state'), vkey: made.stdout.trim() }
}

async function start({ key, log, state }: Place) {
  const words = ['witness', '--key', key, '--log', log, '--state', state, '--listen', '127.0.0.1:0']
  const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  let said = ''
  for await (const chunk of child.stdout) {
    said += chunk
    if (said.includes('listening')) break
  }
  return { child, url: /http:\S+/.exec(said)?.[0] ?? '' }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function anchorOf({ vkey }: Place, url: string) {
  const key = witnessKey(vkey)
  if (key === null) throw new Error('no witness key')
  return witnessAnchor('w1', url, key)
}

const log = tinyLog(60)
const proofs = (of: TinyLog, to: number) => (from: number) => of.prove(from, to)

async function ask(url: string, body: string) {
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

async function request(of: TinyLog, oldSize: number, size: number, signer = logKey, origin = ORIGIN): Promise<string> {
  const { note } = await of.checkpoint(size, signer, origin)
  return formatAddCheckpoint({ oldSize, proof: oldSize > size ? [] : await of.prove(oldSize, size), note })
}

describe('a witness', () => {
  it('cosigns a log as it grows; a cosigned note counts for whoever pins its key', async () => {
    const place = makePlace()
    const { url } = await start(place)
    const anchor = anchorOf(place, url)
    for (const size of [0, 1, 7, 8, 50]) {
      const checkpoint = await log.checkpoint(size)
      const line = await anchor.submit(checkpoint, proofs(log, size), patient())
      const receipts = [{ size, sink: 'w1', receipt: line, at: 1 }]
      const found = { origin: ORIGIN, size: 60, rootAt: log.rootAt }
      const report = checkAnchors(found, cosignedNotes([checkpoint], receipts), policyOf(logKey.vkey, place.vkey))
      expect(report).toMatchObject({ findings: [], covered: new Map([['witness.example/w1', size]]) })
    }
  })

  it('remembers through kill -9 what it has cosigned, and refuses a rollback and a fork of it', async () => {
    const place = makePlace()
    const first = await start(place)
    for (const size of [5, 20]) {
      await anchorOf(place, first.url).submit(await log.checkpoint(size), proofs(log, size), patient())
    }
    await kill(first.child)
    const { url } = await start(place)
    const submit = async (of: TinyLog, size: number) =>
      anchorOf(place, url).submit(await of.checkpoint(size), proofs(of, size), patient())
    await expect(submit(log, 19)).rejects.toMatchObject({ fault: 'rollback' })
    await expect(submit(tinyLog(60, 3), 20)).rejects.toMatchObject({ fault: 'fork' })
    await expect(submit(tinyLog(60, 3), 30)).rejects.toMatchObject({ fault: 'rewritten' })
    await submit(log, 20)
    await submit(log, 30)
  })

  it('loses nothing it answered, killed after each request', async () => {
    const place = makePlace()
    for (const size of [3, 9, 10]) {
      const { child, url } = await start(place)
      await anchorOf(place, url).submit(await log.checkpoint(size), proofs(log, size), patient())
      await kill(child)
    }
    const { url } = await start(place)
    const stale = await ask(url, await request(log, 9, 11))
    expect(stale).toEqual({ status: 409, type: 'text/x.tlog.size', text: '10\n' })
  })

  it('answers as C2SP tlog-witness says', async () => {
    const place = makePlace()
    const { url } = await start(place)
    const other = { ...log, checkpoint: log.checkpoint }
    expect((await ask(url, await request(log, 0, 10))).status).toBe(200)
    const cases: [string, Promise<string> | string, number][] = [
      ['an unknown origin', request(log, 10, 20, logKey, 'aegis.example/log/other'), 404],
      ['an unknown key', request(log, 10, 20, otherKey), 403],
      ['an old size above the new one', request(other, 11, 10), 400],
      ['an old size it does not have', request(log, 9, 20), 409],
      ['another root for the size it has', request(tinyLog(60, 3), 10, 10), 409],
      ['a proof of another history', request(tinyLog(60, 3), 10, 20), 422],
      [
        'a missing proof',
        request(log, 10, 20).then((body) => body.replace(/^old 10\n[\s\S]*?\n\n/, 'old 10\n\n')),
        422,
      ],
      ['nothing', '', 400],
      ['no checkpoint', 'old 10\n\nhello\n', 400],
      ['an old size with a zero in front', request(log, 10, 20).then((body) => body.replace('old 10', 'old 010')), 400],
      ['64 hashes', `old 10\n${`${'A'.repeat(43)}=\n`.repeat(64)}\nx`, 400],
      ['a flood', 'x'.repeat(300_000), 413],
    ]
    for (const [what, body, status] of cases) {
      expect([what, (await ask(url, await body)).status]).toEqual([what, status])
    }
    expect((await fetch(url)).status).toBe(404)
    expect((await fetch(`${url}/add-checkpoint`)).status).toBe(405)
    expect((await ask(url, await request(log, 10, 20))).status).toBe(200)
  })

  it('cosigns one of the branches that arrive at the same moment', async () => {
    const place = makePlace()
    const { url } = await start(place)
    expect((await ask(url, await request(log, 0, 10))).status).toBe(200)
    const branches = await Promise.all(
      [3, 4, 5, 6].map((n) => request(n === 3 ? log : tinyLog(60, 10 + n), 10, 17 + n)),
    )
    const answers = await Promise.all(branches.map((body) => ask(url, body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
  })

  it('keeps its key from others, never overwrites it, and starts only with the line that belongs to it', async () => {
    const place = makePlace()
    expect(statSync(place.key).mode & 0o777).toBe(0o600)
    const again = run('witness', '--new-key', place.key, '--name', 'witness.example/w2')
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('exists already')])
    const second = makePlace()
    writeFileSync(`${place.key}.vkey`, readFileSync(`${second.key}.vkey`))
    const wrong = run('witness', '--key', place.key, '--log', place.log, '--state', place.state)
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('is not the public line')])
    expect(existsSync(place.state)).toBe(false)
  })

  it('does not start beside another one, nor with a state it cannot read', async () => {
    const place = makePlace()
    const { child, url } = await start(place)
    await anchorOf(place, url).submit(await log.checkpoint(5), proofs(log, 5), patient())
    const words = ['witness', '--key', place.key, '--log', place.log, '--state', place.state, '--listen', '127.0.0.1:0']
    const beside = run(...words)
    expect([beside.status, beside.stderr]).toEqual([1, expect.stringContaining('another witness uses')])
    await kill(child)
    const [kept = ''] = readdirSync(place.state).filter((name) => name.endsWith('.checkpoint'))
    writeFileSync(join(place.state, kept), '')
    const broken = run(...words)
    expect([broken.status, broken.stderr]).toEqual([3, expect.stringContaining('is not what this witness wrote')])
  })
})

describe('the way to a witness', () => {
  it('carries the checkpoints of a real ledger, with proofs from its tiles', async () => {
    const place = makePlace()
    const home = folder()
    const evidence = await openEvidence(home, signingIn(home))
    writeFileSync(place.log, readFileSync(join(home, 'log.vkey')))
    const { url } = await start(place)
    const store = evidence.stores.ledger
    const dispatcher = createDispatcher({
      ...{ anchors: [{ anchor: anchorOf(place, url), every: 1 }], store, prove: createProver(store) },
      ...{ clock: frozenClock(), random, log: memoryLog() },
    })
    for (const count of [1, 2, 255, 300]) {
      await Promise.all(Array.from({ length: count }, () => evidence.ledger.append(draft())))
      const checkpoint = await evidence.ledger.sign()
      dispatcher.offer(checkpoint)
      await dispatcher.drain(30_000)
      const status = dispatcher.status().map(anchorStatusJson)
      const size = checkpoint.size
      expect(status).toMatchObject([
        { name: 'w1', anchored_size: size, lag_entries: 0, lag_seconds: 0, last_error: null },
      ])
    }
    expect(await store.receipts(0, 10)).toHaveLength(4)
    dispatcher.stop()
    await evidence.close()
  })

  it('takes no cosignature of another key, nor one for another checkpoint', async () => {
    const place = makePlace()
    const { url } = await start(place)
    const other = makePlace()
    const failed = anchorOf(other, url).submit(await log.checkpoint(5), proofs(log, 5), patient())
    await expect(failed).rejects.toThrow(/no good cosignature of the pinned key/)
  })
})
