import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { captured } from '../support/captured.ts'
import { draft } from '../support/drafts.ts'
import {
  type EvidenceStore,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../support/evidence-store.ts'
import { rewriteHistory } from '../support/rewrite.ts'
import { sqlite } from '../support/sqlite-shell.ts'

let folder: string
const store = () => join(folder, 'aegis.db')
const memory = () => readFileSync(join(folder, 'log.checkpoint'), 'utf8')

/** The server's log, as it runs in this installation. */
async function running<T>(use: (evidence: EvidenceStore) => Promise<T>): Promise<T> {
  const evidence = await openEvidence(folder, signingIn(folder))
  try {
    return await use(evidence)
  } finally {
    await evidence.close()
  }
}

const write = (count: number) =>
  running(async ({ ledger }) => {
    await Promise.all(Array.from({ length: count }, () => ledger.append(draft())))
  })

const aegisctl = (...words: string[]) => captured(() => main('aegisctl', ['evidence', ...words]))

const recover = (...words: string[]) => aegisctl('recover', ...words)
const ACCEPT = ['--accept-loss', '--reason', 'the standby was promoted'] as const

/** As a standby that lacks what was acknowledged last, or a backup. */
function setBack(): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${store()}${end}`, { force: true })
  copyFileSync(join(folder, 'backup.db'), store())
}

beforeEach(async () => {
  folder = temporaryFolder()
  for (const name of ['CONFIG', 'DATA']) vi.stubEnv(`AEGIS_${name}_DIR`, folder)
  vi.stubEnv('HOME', folder)
  await write(300)
  sqlite(store(), `VACUUM INTO '${join(folder, 'backup.db')}'`)
})
afterEach(() => {
  vi.unstubAllEnvs()
  removeFolder(folder)
})

describe('aegisctl evidence recover', () => {
  it('says that nothing is missing, and changes nothing', async () => {
    const before = memory()
    for (const words of [[], ACCEPT]) {
      expect(await recover(...words)).toMatchObject({ exit: 0, out: expect.stringContaining('nothing is missing') })
    }
    expect(memory()).toBe(before)
  })

  it('says what is lost, and loses nothing more: the server still does not start', async () => {
    await write(5)
    setBack()
    const told = await recover()
    expect(told.exit).toBe(1)
    expect(told.out).toMatch(/^signed: {7}307 entries, root [0-9a-f]{64}\nin the store: 301 entries/)
    expect(told.out).toContain('6 entries that were signed are gone')
    await expect(write(1)).rejects.toMatchObject({ code: 'evidence_unavailable' })
  })

  it('records both roots and lets the log go on; it verifies, and its anchors tell', async () => {
    await write(5)
    const lost = memory()
    setBack()
    const [, size = '', root = ''] = /signed: {7}(\d+) entries, root (\S+)/.exec((await recover()).out) ?? []
    expect(await recover(...ACCEPT)).toMatchObject({
      exit: 0,
      out: expect.stringContaining('recorded, with both roots'),
    })
    const rows = sqlite(store(), "SELECT n, CAST(body AS TEXT) FROM ledger_entry WHERE kind = 'checkpoint-recovery'")
    const leaf = JSON.parse(rows[0]?.[1] ?? '')
    expect(rows[0]?.[0]).toBe('301')
    expect(leaf).toMatchObject({ reason: 'the standby was promoted', remembered: { size: Number(size), root } })
    expect(leaf.found).toMatchObject({ size: 301 })
    await write(1)
    expect(memory()).not.toBe(lost)
    expect(await aegisctl('verify', '--all')).toMatchObject({ exit: 0, out: expect.stringContaining('valid: true') })
    expect((await recover()).out).toContain('nothing is missing')
  })

  it('takes a history that went on without what was signed for a loss too', async () => {
    await write(5)
    const lost = memory()
    setBack()
    await recover(...ACCEPT)
    await write(50)
    // Another gateway of the log still remembers what was lost.
    const own = memory()
    writeFileSync(join(folder, 'log.checkpoint'), lost)
    expect(await recover()).toMatchObject({ exit: 1, out: expect.stringContaining('another history') })
    expect((await recover(...ACCEPT)).exit).toBe(0)
    expect(memory()).not.toBe(own)
    await write(1)
  })

  it('goes on from nothing that is damaged itself', async () => {
    await write(5)
    setBack()
    rewriteHistory(store(), (body) => body.replace('get_file_contents', 'get_me_contents'))
    const answer = await recover(...ACCEPT)
    expect(answer.exit).not.toBe(0)
    expect(answer.err).toContain('REWRITTEN')
  })

  it('needs a reason, and a server that is stopped', async () => {
    await write(5)
    setBack()
    expect((await recover('--accept-loss')).err).toContain('reason')
    expect((await recover('--accept-loss', '--reason', ' ')).exit).not.toBe(0)
    rmSync(join(folder, 'log.checkpoint'))
    const elsewhere = await openEvidence(folder)
    expect((await recover(...ACCEPT)).err).toContain('another Aegis process writes')
    await elsewhere.close()
  })
})
