import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AnchoredNote,
  anchoredSizes,
  checkAnchors,
  cosignedNotes,
  type FoundLog,
} from '../../src/anchors/index.ts'
import { createCosigner, privateKeyPem, type Signer, signatureLine } from '../../src/ledger/notes/sign.ts'
import type { StoredCheckpoint } from '../../src/ledger/store.ts'
import { logKey, ORIGIN, otherKey, policyOf, type TinyLog, tinyLog } from './support.ts'

const policy = policyOf(logKey.vkey)
const honest = tinyLog(40)

const found = (log: TinyLog, size: number): FoundLog => ({ origin: ORIGIN, size, rootAt: (at) => log.rootAt(at) })
const from = (sink: string, { note }: StoredCheckpoint): AnchoredNote => ({ by: 'place', sink, note })
const anchored = async (log: TinyLog, ...sizes: readonly number[]) =>
  Promise.all(sizes.map(async (size) => from('file', await log.checkpoint(size))))

describe('what anchors say of a log', () => {
  it('calls no honest log tampered, and says how far each anchor covers it', async () => {
    const sizes = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(sizes, async (some) => {
        const report = checkAnchors(found(honest, 40), await anchored(honest, ...some), policy)
        expect(report.findings).toEqual([])
        expect(report.covered.get('file')).toBe(Math.max(...some))
      }),
      { numRuns: 50 },
    )
  })

  it('finds every rewrite below an anchored size, between the last anchored size that holds and the first that does not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 29 }), async (changed) => {
        const report = checkAnchors(found(tinyLog(40, changed), 40), await anchored(honest, 10, 20, 30), policy)
        const start = changed - (changed % 10)
        expect(report.findings).toMatchObject([{ class: 'REWRITTEN', from: start, to: start + 10, sink: 'file' }])
        expect(report.covered.get('file')).toBe(start === 0 ? undefined : start)
      }),
      { numRuns: 30 },
    )
  })

  it('finds a log cut shorter than an anchor knew it', async () => {
    const report = checkAnchors(found(honest, 25), await anchored(honest, 10, 20, 30), policy)
    expect(report.findings).toMatchObject([{ class: 'ROLLBACK', size: 30 }])
    expect(report.covered.get('file')).toBe(20)
  })

  it('finds another root for exactly the size of the log', async () => {
    const report = checkAnchors(found(tinyLog(40, 12), 30), await anchored(honest, 10, 30), policy)
    expect(report.findings).toMatchObject([{ class: 'FORK', size: 30 }])
  })

  it('finds two signed roots for one size, though the log at hand agrees with one of them', async () => {
    const other = from('git', await tinyLog(40, 3).checkpoint(20))
    const report = checkAnchors(found(honest, 40), [...(await anchored(honest, 20)), other], policy)
    expect(report.findings[0]).toMatchObject({ class: 'FORK', sink: 'git', size: 20 })
  })

  it('names the worst first, whatever the order of the notes', async () => {
    const rewritten = checkAnchors(found(tinyLog(40, 5), 25), await anchored(honest, 30, 10), policy)
    expect(rewritten.findings.map((one) => one.class)).toEqual(['ROLLBACK', 'REWRITTEN'])
  })

  it('believes only notes with a good signature of a pinned key in its range', async () => {
    const good = await honest.checkpoint(20)
    const cases: [AnchoredNote, string][] = [
      [from('file', await honest.checkpoint(20, otherKey)), 'WRONG_KEY'],
      [{ by: 'place', sink: 'file', note: good.note.replace('\n20\n', '\n21\n') }, 'BAD_SIGNATURE'],
      [{ by: 'place', sink: 'file', note: `${good.note.split('\n\n')[0]}\n` }, 'UNSIGNED'],
      [from('file', await honest.checkpoint(20, logKey, 'aegis.example/log/other')), 'WRONG_LOG'],
      [{ by: 'place', sink: 'file', note: 'hello\n' }, 'UNREADABLE'],
      [{ by: 'place', sink: 'file', note: '' }, 'UNREADABLE'],
    ]
    for (const [note, expected] of cases) {
      const report = checkAnchors(found(honest, 40), [note], policy)
      expect(report.findings.map((one) => one.class)).toEqual([expected])
      expect(report.covered.size).toBe(0)
    }
    const retired = checkAnchors(found(honest, 40), [from('file', good)], policyOf(`${logKey.vkey} 0 10`))
    expect(retired.findings).toMatchObject([{ class: 'WRONG_KEY', size: 20 }])
  })

  it('counts a cosignature only for a pinned witness, though the key of the log signed as well', async () => {
    const pinned = createCosigner('witness.example/w1', privateKeyPem(Buffer.alloc(32, 1)), () => 1)
    const stranger = createCosigner('witness.example/w2', privateKeyPem(Buffer.alloc(32, 2)), () => 1)
    const checkpoints = [await honest.checkpoint(10), await honest.checkpoint(20)]
    const receipt = async (checkpoint: StoredCheckpoint, signer: Signer, sink: string) => {
      const [text = ''] = checkpoint.note.split('\n\n')
      return { size: checkpoint.size, sink, receipt: await signatureLine(`${text}\n`, signer), at: 1 }
    }
    const [ten, twenty] = checkpoints as [StoredCheckpoint, StoredCheckpoint]
    const receipts = [await receipt(ten, pinned, 'w1'), await receipt(twenty, stranger, 'w1')]
    const notes = cosignedNotes(checkpoints, [...receipts, { size: 20, sink: 'file', receipt: '0+300', at: 1 }])
    const both = policyOf(logKey.vkey, pinned.vkey)
    const report = checkAnchors(found(honest, 40), notes, both)
    expect(report).toMatchObject({ findings: [], covered: new Map([['witness.example/w1', 10]]) })
    const rewritten = checkAnchors(found(tinyLog(40, 4), 40), notes, both)
    expect(rewritten.findings).toMatchObject([{ class: 'REWRITTEN', sink: 'witness.example/w1', from: 0, to: 10 }])
    const forged = cosignedNotes([twenty], [{ ...(await receipt(ten, pinned, 'w1')), size: 20 }])
    expect(checkAnchors(found(honest, 40), forged, both).findings).toMatchObject([{ class: 'BAD_SIGNATURE', size: 20 }])
  })

  it('says which anchored sizes it could not look up', async () => {
    const log = { ...found(honest, 40), rootAt: (size: number) => (size === 20 ? null : honest.rootAt(size)) }
    const notes = await anchored(honest, 30, 20, 10)
    expect(anchoredSizes(notes)).toEqual([10, 20, 30])
    expect(checkAnchors(log, notes, policy)).toMatchObject({ findings: [], undecided: [20] })
  })

  it('never throws, whatever an anchor holds', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }), (texts) => {
        const notes = texts.map((note) => ({ by: 'place' as const, sink: 'git', note }))
        expect(checkAnchors(found(honest, 40), notes, policy).findings).toHaveLength(notes.length)
      }),
    )
  })
})
