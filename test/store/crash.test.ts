import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyStored } from '../../src/ledger/audit/verify-stored.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { openSqlite, openSqliteReader } from '../../src/store/sqlite/index.ts'
import { committed, draft, frozenClock, random, SESSION } from '../support/drafts.ts'
import { removeFolder, temporaryFolder } from '../support/evidence-store.ts'

let folder: string

beforeAll(() => {
  folder = temporaryFolder()
})

afterAll(() => removeFolder(folder))

const WRITER = join(import.meta.dirname, '../support/ledger-writer.mjs')
const KILLS = 5

/** Runs the writer until it has acknowledged `acks` entries, then kills it as a power cut would. */
function writeAndKill(file: string, acks: number): Promise<{ acknowledged: Map<number, string>; orphans: number }> {
  return new Promise((resolve, reject) => {
    const acknowledged = new Map<number, string>()
    let orphans = -1
    let text = ''
    const child = spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    child.stdout.on('data', (chunk) => {
      text += chunk
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        const [what, first = '', second = ''] = line.split(' ')
        if (what === 'open') orphans = Number(first)
        else acknowledged.set(Number(first), second)
      }
      if (acknowledged.size >= acks) child.kill('SIGKILL')
    })
    child.on('exit', (_, signal) => {
      if (signal === 'SIGKILL') resolve({ acknowledged, orphans })
      else reject(new Error(`the writer ended by itself: ${errors}`))
    })
  })
}

describe('a ledger whose process is killed', () => {
  it(`holds every acknowledged entry after each of ${KILLS} kills, verifies, and closes what was under way as orphan`, async () => {
    const file = join(folder, 'crash', 'aegis.db')
    const acknowledged = new Map<number, string>()
    for (let kill = 0; kill < KILLS; kill += 1) {
      const run = await writeAndKill(file, 1 + Math.floor(Math.random() * 150))
      for (const [n, hash] of run.acknowledged) acknowledged.set(n, hash)
      if (kill > 0) expect(run.orphans).toBeGreaterThanOrEqual(0)
      const reader = await openSqliteReader(file)
      const report = await verifyStored(reader.ledger, SESSION)
      expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
      for (const [n, hash] of acknowledged) expect((await reader.ledger.entry(n))?.hash).toBe(hash)
      // Four callers: at most four effects can be under way.
      expect(report.findings.filter((finding) => finding.class === 'UNRESOLVED').length).toBeLessThanOrEqual(4)
      await reader.close()
    }
    const stores = await openSqlite(file)
    const ledger = await openLedger({
      store: stores.ledger,
      clock: frozenClock(),
      random,
      gateway: 'gw-1',
      minFreeBytes: 0,
    })
    const report = await ledger.verify(SESSION)
    expect(report.findings.filter((finding) => finding.class === 'UNRESOLVED')).toEqual([])
    expect(report.valid).toBe(true)
    await ledger.close()
    await stores.close()
  }, 120_000)
})

/** A file system of its own that can be filled, or the reason why there is none. */
function smallDisk(path: string): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux to mount a small tmpfs'
  mkdirSync(path, { recursive: true })
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path])
  return mounted.status === 0 ? null : `mount refused: ${String(mounted.stderr).trim()}`
}

describe('a full disk', () => {
  let disk: string
  let missing: string | null

  beforeAll(() => {
    disk = join(folder, 'disk')
    missing = smallDisk(disk)
    if (missing !== null) process.stdout.write(`full disk: skipped, ${missing}\n`)
  })

  afterAll(() => {
    // Lazily: the driver keeps files of closed handles open until the garbage collector comes by.
    if (missing === null) spawnSync('umount', ['-l', disk])
  })

  it('refuses what cannot be written, loses nothing, and writes again when there is room', async (context) => {
    if (missing !== null) context.skip()
    const stores = await openSqlite(join(disk, 'aegis.db'))
    const ledger = await openLedger({
      store: stores.ledger,
      clock: frozenClock(),
      random,
      gateway: 'gw-1',
      minFreeBytes: 0,
    })
    const env = (await ledger.append(draft({ effect: 'forward' }))).env
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(512 * 1024))
    const kept = []
    const full = { code: 'evidence_unavailable', advice: expect.stringContaining('disk space') }
    const big = () => draft({ commitments: committed('x'.repeat(60_000)) })
    for (;;) {
      const entry = await ledger.append(big()).catch((error) => {
        expect(error).toMatchObject(full)
        return null
      })
      if (entry === null) break
      kept.push(entry)
    }
    await expect(ledger.append(big())).rejects.toMatchObject(full)
    expect(ledger.stats().closed).toContain('full')
    expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: kept.length + 1 })

    removeFolder(join(disk, 'ballast'))
    const outcome = { label: null, status: 'ok', credential: null } as const
    await ledger.append(draft({ kind: 'result', env, effect: null, outcome }))
    expect(ledger.stats().closed).toBeNull()
    expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: kept.length + 2 })
    await ledger.close()
    await stores.close()
  })

  it('is not run into: below the floor only results are written', async (context) => {
    if (missing !== null) context.skip()
    const stores = await openSqlite(join(disk, 'floor', 'aegis.db'))
    const ledger = await openLedger({ store: stores.ledger, clock: frozenClock(), random, gateway: 'gw-1' })
    const low = { code: 'evidence_unavailable', message: expect.stringMatching(/only \d+ MiB are free/) }
    await expect(ledger.append(draft())).rejects.toMatchObject(low)
    await ledger.append(draft({ kind: 'result', effect: null }))
    await ledger.close()
    await stores.close()
  })
})
