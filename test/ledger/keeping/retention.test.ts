import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { SessionId } from '../../../src/core/ids.ts'
import { verifyStored } from '../../../src/ledger/audit/verify-stored.ts'
import type { EvidenceBundle } from '../../../src/ledger/format/bundle-format.ts'
import { archiveLines, planArchive } from '../../../src/ledger/keeping/archive.ts'
import { type ArchiveReport, readArchive } from '../../../src/ledger/keeping/read-archive.ts'
import { consistencyProof, inclusionProof } from '../../../src/ledger/merkle/proofs.ts'
import { createTileReader } from '../../../src/ledger/merkle/tiles.ts'
import { verifyConsistency, verifyInclusion } from '../../../src/ledger/merkle/verify-proof.ts'
import { parseTrustPolicy } from '../../../src/ledger/notes/trust-policy.ts'
import type { Pins } from '../../../src/ledger/verify/trust.ts'
import { verifyBundle } from '../../../src/ledger/verify/verify-bundle.ts'
import { committed, draft } from '../../support/drafts.ts'
import {
  type EvidenceStore,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../../support/evidence-store.ts'

const folders: string[] = []
let open: EvidenceStore | null = null

async function evidence(folder = temporaryFolder()): Promise<EvidenceStore> {
  folders.push(folder)
  open = await openEvidence(folder, signingIn(folder))
  return open
}

async function restarted({ folder, close }: EvidenceStore): Promise<EvidenceStore> {
  await close()
  return evidence(folder)
}

afterEach(async () => {
  await open?.close()
  open = null
  for (const folder of folders.splice(0)) removeFolder(folder)
})

const name = (i: number) => `key_a1/session-${i}` as SessionId

/** Sessions one after another; those whose number is in `stay` are left open. */
async function written(sessions: number, entries: number, stay: readonly number[] = []): Promise<EvidenceStore> {
  const store = await evidence()
  for (let i = 0; i < sessions; i += 1) {
    const of = { session: name(i) }
    await Promise.all(
      Array.from({ length: entries }, (_, at) =>
        store.ledger.append(draft({ ...of, commitments: committed(`${at}`) })),
      ),
    )
    if (!stay.includes(i)) await store.ledger.closeSession(name(i))
  }
  await store.ledger.sign()
  return store
}

/** Later than every entry: the clock of these tests stands still. */
const LATER = '2027-01-01T00:00:00.000Z'

async function archived(store: EvidenceStore, before = LATER): Promise<string[]> {
  const reader = await store.stores.ledger.snapshot()
  try {
    const lines: string[] = []
    for await (const line of archiveLines(reader, await planArchive(reader, before))) lines.push(line)
    return lines
  } finally {
    reader.close()
  }
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines
}

function pinsIn({ folder }: EvidenceStore): Pins {
  const parsed = parseTrustPolicy(readFileSync(join(folder, 'log.vkey'), 'utf8'))
  if (!parsed.ok) throw new Error('no trust policy')
  return { policy: parsed.policy, named: false }
}

async function read(store: EvidenceStore, lines: readonly string[]) {
  const bundles: EvidenceBundle[] = []
  const report = await readArchive(each(lines), { pins: pinsIn(store), onBundle: (bundle) => bundles.push(bundle) })
  return { report, bundles }
}

function pruning({ to, root }: ArchiveReport, lines: readonly string[]) {
  return { minIndex: to, root, archiveSha256: hash('sha256', `${lines.join('\n')}\n`), by: 'key_admin' }
}

describe('an archive', () => {
  it('holds each closed session as a bundle that verifies, and proves that no row of its stretch is missing', async () => {
    const store = await written(4, 100)
    const { report, bundles } = await read(store, await archived(store))
    expect(report).toMatchObject({ from: 0, to: 256, bundles: 4, faults: [], undecided: null })
    expect(bundles.map((bundle) => verifyBundle(bundle, { pins: pinsIn(store) }).trust.level)).toEqual(
      Array(4).fill('self-signed'),
    )
  })

  it('ends before the first session that is open, held, or too young', async () => {
    const store = await written(6, 100, [5])
    const toOf = async () => (await read(store, await archived(store))).report.to
    expect(await toOf()).toBe(256)
    await store.ledger.hold(name(2), 'case 12')
    expect(await toOf()).toBe(0)
    await expect(archived(store, '2026-01-01T00:00:00.000Z')).resolves.toHaveLength(2)
  })

  it('does not say a thing about itself that can be changed unnoticed', async () => {
    const store = await written(3, 100)
    const lines = await archived(store)
    const bundle = lines.findIndex((line) => line.startsWith('{"bundle"'))
    const row = lines.findIndex((line) => line.startsWith('{"row"'))
    const changed = (at: number, edit: (line: string) => string) =>
      lines.map((line, i) => (i === at ? edit(line) : line))
    const TAMPERED: [string, string[]][] = [
      ['a row altered', changed(row, (line) => line.replace('boot', 'bout'))],
      ['a row renumbered', changed(row, (line) => line.replace('"n":0', '"n":300'))],
      ['an entry altered', changed(bundle, (line) => line.replace('claude-code', 'claude-kode'))],
      ['another stretch', changed(0, (line) => line.replace('"to":256', '"to":128'))],
      ['another time signed', changed(0, (line) => line.replace(/\\n\d+\\n/, '\\n999\\n'))],
    ]
    for (const [what, tampered] of TAMPERED) {
      expect(tampered, what).not.toEqual(lines)
      expect((await read(store, tampered)).report.faults, what).not.toEqual([])
    }
    const BROKEN: [string, string[], string][] = [
      ['cut off', lines.slice(0, -1), 'end is missing'],
      ['a row taken out', lines.filter((_, i) => i !== row), 'end is missing'],
      ['a bundle taken out', lines.filter((_, i) => i !== bundle), 'end is missing'],
      ['gone on', [...lines, lines[row] ?? ''], 'goes on after its end'],
      ['nothing', [], 'is empty'],
      ['another format', changed(0, (line) => line.replace('archive/1', 'archive/2')), 'not an archive'],
      ['another log', changed(bundle, (line) => line.replace('"origin":"aegis', '"origin":"egis')), 'another log'],
      ['a bundle cut', changed(bundle, (line) => line.slice(0, -20)), 'cannot be read'],
      ['no JSON', changed(row, () => '{'), 'not JSON'],
      ['a list', changed(row, () => '[]'), 'not a JSON object'],
    ]
    for (const [what, broken, message] of BROKEN) await expect(read(store, broken), what).rejects.toThrow(message)
  })
})

describe('pruning', () => {
  it('deletes what was archived, keeps every proof, and lets the log go on, also over a restart', async () => {
    let store = await written(6, 100, [5])
    const old = await store.ledger.sign()
    const lines = await archived(store)
    const { report } = await read(store, lines)
    const leaves = await store.stores.ledger.leafHashes(0, 3)
    const receipt = await store.ledger.prune(pruning(report, lines))
    expect(receipt).toMatchObject({ minIndex: 256, deleted: 256 })
    expect(await store.stores.ledger.entry(255)).toBeNull()
    expect(await store.stores.ledger.payloads(255)).toEqual([])
    expect(JSON.parse(Buffer.from((await store.stores.ledger.entry(receipt.n))?.body ?? '').toString())).toMatchObject({
      ...{ kind: 'prune', min_index: 256, root: report.root, archive_sha256: pruning(report, lines).archiveSha256 },
      by: 'key_admin',
    })

    store = await restarted(store)
    await store.ledger.append(draft({ session: name(9) }))
    const now = await store.ledger.sign()
    const { subtree } = createTileReader(store.stores.ledger, now.size)
    const grown = await consistencyProof(old.size, now.size, subtree)
    expect(verifyConsistency(old.size, now.size, old.root, now.root, grown)).toBe(true)
    for (const [n, leaf] of leaves.entries()) {
      expect(verifyInclusion(leaf, n, now.size, await inclusionProof(n, now.size, subtree), now.root)).toBe(true)
    }
    expect((await store.ledger.verify(name(4))).valid).toBe(true)
    expect((await store.ledger.verify(name(9))).valid).toBe(true)
  })

  it('is told of sessions that are gone, as no damage', async () => {
    const store = await written(6, 100)
    const lines = await archived(store)
    await store.ledger.prune(pruning((await read(store, lines)).report, lines))
    for (const gone of [0, 2, 4]) {
      const report = await verifyStored(store.stores.ledger, name(gone), { pins: pinsIn(store), remembered: null })
      expect(report.findings.map((finding) => `${finding.severity} ${finding.class}`)).toEqual(['info PRUNED'])
      expect(report.valid).toBe(true)
    }
  })

  it('goes on from where an earlier archive ended, also through a session that begins in it', async () => {
    const store = await written(10, 100)
    for (let round = 0; round < 2; round += 1) {
      await store.ledger.append(draft({ session: name(9 + round) }))
      await store.ledger.closeSession(name(9 + round))
      await store.ledger.sign()
      const lines = await archived(store, LATER)
      const { report } = await read(store, lines)
      expect(report).toMatchObject({ faults: [], from: round === 0 ? 0 : 768 })
      if (report.to === report.from) break
      await store.ledger.prune(pruning(report, lines))
      const more = Array.from({ length: 300 }, () => store.ledger.append(draft({ session: name(20 + round) })))
      await Promise.all(more)
      await store.ledger.closeSession(name(20 + round))
    }
    expect((await store.stores.ledger.head())?.minIndex).toBe(1280)
    await (await restarted(store)).ledger.append(draft())
  })

  it('lets a session that was pruned go on, refuses to add it up, and is not kept by it', async () => {
    const store = await written(6, 100)
    const first = await archived(store)
    await store.ledger.prune(pruning((await read(store, first)).report, first))
    await expect(store.ledger.export(name(0))).rejects.toThrow('archived and pruned')
    await expect(store.ledger.closeSession(name(5))).rejects.toThrow('archived and pruned')
    // Written to again after its beginning is gone, partly (5) or wholly (0).
    for (const session of [name(5), name(0)]) await store.ledger.append(draft({ session }))
    await expect(store.ledger.export(name(0))).rejects.toThrow('archived and pruned')
    expect((await store.ledger.verify(name(0))).valid).toBe(true)
    await Promise.all(Array.from({ length: 300 }, () => store.ledger.append(draft({ session: name(9) }))))
    await store.ledger.closeSession(name(9))
    await store.ledger.sign()
    const second = await archived(store)
    const { report } = await read(store, second)
    expect(report).toMatchObject({ faults: [], from: 512, to: 768, bundles: 1 })
    await store.ledger.prune(pruning(report, second))
    expect((await store.ledger.verify(name(5))).valid).toBe(true)
  })

  it('refuses what the archive does not hold, and what must stay', async () => {
    const store = await written(6, 100)
    const lines = await archived(store)
    const honest = pruning((await read(store, lines)).report, lines)
    const refused = async (changes: Partial<typeof honest>, message: string) => {
      await expect(store.ledger.prune({ ...honest, ...changes })).rejects.toThrow(message)
      expect(await store.stores.ledger.extent()).toMatchObject({ count: (await store.stores.ledger.head())?.size })
    }
    await refused({ root: 'ab'.repeat(32) }, 'are not the first 512')
    await refused({ minIndex: 256 }, 'are not the first 256')
    await refused({ minIndex: 300 }, 'pruned by 256')
    await refused({ minIndex: 0 }, 'pruned already')
    await refused({ minIndex: 2560 }, 'are signed')
    await store.ledger.hold(name(1), 'case 12')
    await refused({}, 'session key_a1/session-1 is under a legal hold')
    await store.ledger.unhold(name(1))
    await store.ledger.append(draft({ session: name(3) }))
    await refused({}, 'session key_a1/session-3 is open')
  })

  it('says what to do where the store does not let rows go, and deletes them when asked again', async () => {
    const store = await written(3, 100)
    const lines = await archived(store)
    const request = pruning((await read(store, lines)).report, lines)
    const { default: Database } = await import('libsql')
    const behind = new Database(store.file)
    behind.exec(`CREATE TRIGGER keep BEFORE DELETE ON ledger_payload BEGIN SELECT RAISE(ABORT, 'kept'); END`)
    await expect(store.ledger.prune(request)).rejects.toMatchObject({
      message: expect.stringContaining('the store did not delete'),
      advice: expect.stringContaining('aegis.prune(256)'),
    })
    expect((await store.ledger.verify(name(0))).valid).toBe(true)
    behind.exec('DROP TRIGGER keep')
    behind.close()
    expect(await store.ledger.prune(request)).toMatchObject({ deleted: 256 })
  })

  it('waits for the result of an action under way', async () => {
    const store = await evidence()
    const { env, n } = await store.ledger.append(draft({ effect: 'forward' }))
    await Promise.all(Array.from({ length: 300 }, () => store.ledger.append(draft({ session: name(1) }))))
    await store.ledger.closeSession(name(1))
    const of = store.ledger.prune({ minIndex: 256, root: '', archiveSha256: '', by: 'k' })
    await expect(of).rejects.toThrow(`entry ${n} has no result yet`)
    await store.ledger.append(draft({ env, kind: 'result', effect: null }))
  })
})

describe('a legal hold', () => {
  it('names the session and its reason, and is lifted by name', async () => {
    const store = await written(1, 1)
    await store.ledger.hold(name(0), 'case 12')
    await store.ledger.hold(name(0), 'case 12 and 13')
    expect(await store.stores.ledger.holds()).toMatchObject([{ session: name(0), reason: 'case 12 and 13' }])
    await store.ledger.unhold(name(0))
    expect(await store.stores.ledger.holds()).toEqual([])
    await expect(store.ledger.unhold(name(0))).rejects.toThrow('not under a legal hold')
    await expect(store.ledger.hold(name(7), 'x')).rejects.toThrow('no session')
    await expect(store.ledger.hold(name(0), ' ')).rejects.toThrow('needs a reason')
  })
})
