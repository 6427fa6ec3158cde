import { copyFileSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { appendLeaves, EMPTY, rootOf } from '../../../src/ledger/merkle/tree.ts'
import { readCheckpoint } from '../../../src/ledger/notes/checkpoint.ts'
import { openNote } from '../../../src/ledger/notes/note.ts'
import { keysInForce } from '../../../src/ledger/notes/trust-policy.ts'
import { createScrubber } from '../../../src/ledger/signing/scrubber.ts'
import { nextLogKey, readTrust } from '../../../src/store/files/log-key.ts'
import { draft, random } from '../../support/drafts.ts'
import {
  type EvidenceStore,
  ORIGIN,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../../support/evidence-store.ts'
import { rewriteEntry, rewriteHistory } from '../../support/rewrite.ts'
import { DISARM, sqlite } from '../../support/sqlite-shell.ts'

let folder: string
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => removeFolder(folder))

const open = () => openEvidence(folder, signingIn(folder))

async function opened<T>(use: (evidence: EvidenceStore) => Promise<T>): Promise<T> {
  const evidence = await open()
  try {
    return await use(evidence)
  } finally {
    await evidence.close()
  }
}

async function write(evidence: EvidenceStore, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => evidence.ledger.append(draft())))
}

const rows = (sql: string) => sqlite(join(folder, 'aegis.db'), sql)
const refusal = (why: string) => ({ code: 'evidence_unavailable', message: expect.stringContaining(why) })

describe('a signed log', () => {
  it('has a checkpoint of everything it holds, signed with the key beside it', async () => {
    await opened(async ({ ledger, stores }) => {
      await Promise.all(Array.from({ length: 700 }, () => ledger.append(draft())))
      const { size, root, note } = await ledger.sign()
      const trust = readTrust(join(folder, 'log.vkey'))
      const note2 = openNote(note, trust === null ? [] : keysInForce(trust, size))
      expect(note2).toMatchObject({ ok: true })
      expect(readCheckpoint(note2.ok ? note2.text : '')).toEqual({ origin: ORIGIN, size, root })
      const leaves = await stores.ledger.leafHashes(0, size)
      expect(Buffer.from(rootOf(appendLeaves(EMPTY, leaves))).equals(root)).toBe(true)
      expect(size).toBe(701)
      expect(await stores.ledger.latestCheckpoint()).toEqual({ size, root, note })
    })
    expect(rows('SELECT level, idx, length(hashes) FROM ledger_tile ORDER BY level, idx')).toEqual([
      ['0', '0', '8192'],
      ['0', '1', '8192'],
    ])
  })

  it('is signed by itself soon after an append, and when it is closed', async () => {
    await opened(async (evidence) => {
      await write(evidence, 3)
      await expect.poll(() => evidence.ledger.checkpoint()?.size, { timeout: 5000 }).toBe(4)
      await write(evidence, 1)
    })
    expect(rows('SELECT max(size) FROM ledger_checkpoint')).toEqual([['5']])
  })

  it('goes on where it was signed, over any number of starts', async () => {
    for (let start = 1; start <= 4; start += 1) {
      await opened(async (evidence) => {
        await write(evidence, 100)
        const { size } = await evidence.ledger.sign()
        expect(size).toBe(start * 101)
        expect(await evidence.ledger.sign()).toMatchObject({ size })
      })
    }
    expect(rows('SELECT count(*) FROM ledger_tile')).toEqual([['1']])
  })

  it('keeps its private key to its owner', async () => {
    await opened((evidence) => write(evidence, 1))
    expect(statSync(join(folder, 'log.key')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'log.vkey'), 'utf8')).toMatch(/^aegis\.example\/log\/test\+[0-9a-f]{8}\+\S+\n$/)
  })
})

describe('a store that is not what was signed', () => {
  beforeEach(() => opened((evidence) => write(evidence, 300)))

  it('is refused at the start where it was set back to a backup', async () => {
    copyFileSync(join(folder, 'aegis.db'), join(folder, 'backup.db'))
    await opened((evidence) => write(evidence, 5))
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `aegis.db${end}`), { force: true })
    copyFileSync(join(folder, 'backup.db'), join(folder, 'aegis.db'))
    await expect(open()).rejects.toMatchObject(refusal('ROLLBACK'))
  })

  it('is refused at the start where its history was rewritten, links, hashes, heads and tree and all', async () => {
    rewriteHistory(join(folder, 'aegis.db'), (body) => body.replace('get_file_contents', 'get_me_contents'))
    await expect(open()).rejects.toMatchObject(refusal('REWRITTEN'))
  })

  it.each([
    ['with the checkpoints gone', 'DROP TRIGGER ledger_checkpoint_no_delete; DELETE FROM ledger_checkpoint'],
    ['with the tiles changed', 'DROP TRIGGER ledger_tile_no_update; UPDATE ledger_tile SET hashes = zeroblob(8192)'],
  ])('is refused also %s', async (_, sql) => {
    rewriteHistory(join(folder, 'aegis.db'), (body) => body.replace('get_file_contents', 'get_me_contents'))
    rows(sql)
    await expect(open()).rejects.toMatchObject({ code: 'evidence_unavailable' })
  })

  it('takes nothing more while the server runs, once it was rewritten under it', async () => {
    const evidence = await open()
    try {
      await write(evidence, 2)
      rows(`${DISARM} UPDATE ledger_entry SET body = replace(body, 'get_file', 'set_file') WHERE n = 302`)
      await expect(evidence.ledger.sign()).rejects.toMatchObject(refusal('ALTERED_BODY: entry 302'))
      await expect(evidence.ledger.append(draft())).rejects.toMatchObject(refusal('ALTERED_BODY: entry 302'))
      expect(evidence.ledger.stats().closed).toContain('ALTERED_BODY: entry 302')
    } finally {
      await evidence.close()
    }
  })

  it('takes nothing more once its end was cut off with the head row following', async () => {
    const evidence = await open()
    try {
      rows(`${DISARM} DELETE FROM ledger_entry WHERE n > 200;
        UPDATE ledger_log SET size = 201, replay_from = 201, frontier = zeroblob(${32 * 4})`)
      await expect(evidence.ledger.sign()).rejects.toMatchObject(refusal('ROLLBACK'))
      await expect(evidence.ledger.append(draft())).rejects.toMatchObject(refusal('ROLLBACK'))
    } finally {
      await evidence.close()
    }
  })

  it('is refused where a checkpoint in it was signed by another key', async () => {
    rows(`DROP TRIGGER ledger_checkpoint_no_update;
      UPDATE ledger_checkpoint SET note = replace(note, '— ', '— x') WHERE size = (SELECT max(size) FROM ledger_checkpoint)`)
    await expect(open()).rejects.toMatchObject(refusal('not signed with its key'))
  })
})

describe('what a store may lose', () => {
  it('is the row of its last checkpoint: it is put back from the memory beside the store', async () => {
    await opened((evidence) => write(evidence, 3))
    rows('DROP TRIGGER ledger_checkpoint_no_delete; DELETE FROM ledger_checkpoint')
    await opened(async ({ stores }) => {
      expect(await stores.ledger.checkpoints(0, 10)).toMatchObject([{ size: 4 }])
    })
  })

  it('is the memory beside the store: the stored checkpoint speaks for itself', async () => {
    await opened((evidence) => write(evidence, 3))
    rmSync(join(folder, 'log.checkpoint'))
    await opened((evidence) => write(evidence, 1))
    expect(existsSync(join(folder, 'log.checkpoint'))).toBe(true)
  })

  it('is not the key: a new one would sign what nobody trusts', async () => {
    await opened((evidence) => write(evidence, 3))
    rmSync(join(folder, 'log.key'))
    await expect(open()).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('log.key is missing'),
    })
    rmSync(join(folder, 'log.vkey'))
    await expect(open()).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('log.key is missing'),
    })
  })
})

describe('a change of key', () => {
  const keys = () => ({
    logKey: join(folder, 'log.key'),
    logTrust: join(folder, 'log.vkey'),
    lastCheckpoint: join(folder, 'log.checkpoint'),
  })
  const trusted = (size: number) => {
    const trust = readTrust(keys().logTrust)
    return trust === null ? [] : keysInForce(trust, size)
  }

  it('is recorded, and the checkpoint over the record is signed by both', async () => {
    const overlap = await opened(async (evidence) => {
      await write(evidence, 3)
      const next = nextLogKey(keys(), ORIGIN, random)
      const { size, note } = await evidence.ledger.rotate(next.signer)
      next.takeOver(size)
      expect(openNote(note, trusted(size))).toMatchObject({ ok: true, signatures: [{}, {}], unknown: [] })
      await write(evidence, 1)
      const later = await evidence.ledger.sign()
      expect(trusted(later.size)).toHaveLength(1)
      expect(openNote(later.note, trusted(later.size))).toMatchObject({ ok: true, signatures: [{}], unknown: [] })
      return size
    })
    expect(rows('SELECT kind FROM ledger_entry ORDER BY n')).toContainEqual(['key'])
    expect(readFileSync(keys().logTrust, 'utf8').trim().split('\n')).toEqual([
      expect.stringMatching(new RegExp(` 0 ${overlap}$`)),
      expect.stringMatching(new RegExp(` ${overlap}$`)),
    ])
    await opened((evidence) => write(evidence, 1))
  })

  it.each([
    ['before it takes over, changes nothing', false],
    ['between its two files, is finished at the next start', true],
  ])('that a stop interrupts %s', async (_, named) => {
    await opened(async (evidence) => {
      const next = nextLogKey(keys(), ORIGIN, random)
      const { size } = await evidence.ledger.rotate(next.signer)
      if (!named) return
      copyFileSync(keys().logKey, join(folder, 'old'))
      copyFileSync(`${keys().logKey}.next`, join(folder, 'next'))
      next.takeOver(size)
      copyFileSync(join(folder, 'old'), keys().logKey)
      copyFileSync(join(folder, 'next'), `${keys().logKey}.next`)
    })
    await opened(async (evidence) => {
      await write(evidence, 1)
      const { size, note } = await evidence.ledger.sign()
      expect(openNote(note, trusted(size))).toMatchObject({ ok: true })
    })
    expect(existsSync(`${keys().logKey}.next`)).toBe(!named)
  })
})

describe('the scrubber', () => {
  it.each([
    [
      'a body',
      "UPDATE ledger_entry SET body = replace(body, 'get_file', 'set_file') WHERE n = 40",
      'ALTERED_BODY: entry 40',
    ],
    ['a row that is gone', 'DELETE FROM ledger_entry WHERE n = 40', 'DELETED: entry 40'],
    ['a body with its hash', '', 'REWRITTEN: entry 1 '],
  ])('finds %s far behind the head, and nothing is written any more', async (_, sql, why) => {
    const evidence = await open()
    try {
      await write(evidence, 600)
      await evidence.ledger.sign()
      const scrubber = createScrubber({
        store: evidence.stores.ledger,
        signed: () => evidence.ledger.checkpoint()?.size ?? 0,
        elapsed: () => 0,
        halt: () => {},
      })
      for (let look = 0; look < 5; look += 1) await scrubber.look()
      expect(scrubber.state).toMatchObject({ rounds: 1, damage: null })
      const { size } = (await evidence.stores.ledger.head()) ?? { size: 0 }
      if (sql === '') rewriteEntry(join(folder, 'aegis.db'), 1)
      else rows(`${DISARM} ${sql}`)
      const halted: string[] = []
      const next = createScrubber({
        store: evidence.stores.ledger,
        signed: () => size,
        elapsed: () => 0,
        halt: (reason) => halted.push(reason),
      })
      for (let look = 0; look < 5; look += 1) await next.look()
      expect(halted).toEqual([expect.stringContaining(why)])
      expect(next.state.damage).toContain(why)
    } finally {
      await evidence.close()
    }
  })
})
