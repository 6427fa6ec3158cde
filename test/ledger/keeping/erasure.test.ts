import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import type { Approval, Vote } from '../../../src/core/approval.ts'
import type { EnvelopeId, SessionId } from '../../../src/core/ids.ts'
import type { EntryDraft } from '../../../src/ledger/draft.ts'
import { coveringErasure, erasures, readErasure } from '../../../src/ledger/erasures.ts'
import type { ErasureRequest } from '../../../src/ledger/keeping/erasure.ts'
import { ALICE, committed, draft, newId, pendingApproval, SESSION } from '../../support/drafts.ts'
import { type EvidenceStore, ORIGIN, openEvidence, removeFolder } from '../../support/evidence-store.ts'

let open: EvidenceStore | null = null

async function evidence(): Promise<EvidenceStore> {
  open = await openEvidence()
  return open
}

afterEach(async () => {
  await open?.close()
  if (open !== null) removeFolder(open.folder)
  open = null
})

function request(entry: number, changes: Partial<ErasureRequest> = {}): ErasureRequest {
  const why = { reason: 'personal data', authority: 'request 4711', by: 'key_admin' }
  return { entry, paths: ['params'], everywhere: false, ...why, ...changes }
}

/** Whether any file of the database still holds the bytes. */
function remains({ file }: EvidenceStore, bytes: string | Buffer): boolean {
  return [file, `${file}-wal`, `${file}-shm`].some((path) => existsSync(path) && readFileSync(path).includes(bytes))
}

/** An approval as it passes through the ledger: asked, approved with a comment, redeemed in another session. */
async function approvedCall({ ledger }: EvidenceStore, secret: string, redeem = true) {
  const salt = randomBytes(32)
  const params: EntryDraft['commitments'] = [{ path: 'params', salt, value: { title: secret } }]
  const approval: Approval = pendingApproval({
    parameters: { title: secret },
    target: `pr of ${secret}`,
    justification: `because of ${secret}`,
    salts: { params: salt.toString('hex') },
    expiresAt: 9e15,
  })
  const vote: Vote = { reviewer: ALICE, comment: `${secret} is fine`, at: 2000 }
  const call = { env: approval.id, commitments: params }
  const asked = await ledger.append(draft({ ...call, kind: 'review', changes: [{ kind: 'park', approval }] }))
  const comment = { path: 'comment' as const, salt: randomBytes(32), value: vote.comment }
  const approve = { kind: 'approve' as const, id: approval.id, vote, settles: true, expiresAt: 9e15 }
  const settled = await ledger.append(
    draft({ env: approval.id, kind: 'approve', commitments: [...params, comment], changes: [approve] }),
  )
  const session = 'key_a1/another-session' as SessionId
  const spend = { kind: 'redeem' as const, id: approval.id, digest: approval.digest, at: 3000 }
  const redeemed = redeem
    ? await ledger.append(draft({ session, env: newId(), ref: approval.id, commitments: params, changes: [spend] }))
    : null
  return { approval, salt, asked, settled, redeemed }
}

describe('erasing a value', () => {
  it('deletes value and salt, and records who had it erased, why, and on whose word', async () => {
    const store = await evidence()
    const { n } = await store.ledger.append(draft({ commitments: committed('a-name-of-a-person') }))
    const receipt = await store.ledger.erase(request(n))
    expect(receipt).toMatchObject({ erased: [n], remaining: [], overwritten: true })
    expect(await store.stores.ledger.payloads(n)).toEqual([])
    const [erasure] = await erasures(store.stores.ledger, SESSION)
    expect(erasure).toMatchObject({
      ...{ log: ORIGIN, session: SESSION, refs: [n], paths: ['params'] },
      ...{ reason: 'personal data', authority: 'request 4711', by: 'key_admin' },
    })
    expect(coveringErasure([erasure ?? expect.fail('no erasure')], n, 'params')).toBeDefined()
    expect(coveringErasure([erasure ?? expect.fail('no erasure')], n, 'result')).toBeUndefined()
  })

  it('leaves nothing of value or salt in the database or its write-ahead log, however the rows lie in their pages', async () => {
    const store = await evidence()
    const secret = (i: number) => `secret-${i}-${'x'.repeat((i * 397) % 6000)}-end-of-${i};`
    const salts = Array.from({ length: 400 }, () => randomBytes(32))
    const written = await Promise.all(
      salts.map((salt, i) =>
        store.ledger.append(draft({ commitments: [{ path: 'params', salt, value: { title: secret(i) } }] })),
      ),
    )
    const chosen = [0, 1, 7, 13, 77, 150, 151, 152, 153, 390, 399]
    for (const i of chosen) await store.ledger.erase(request(written[i]?.n ?? -1))
    const left = chosen.filter(
      (i) =>
        remains(store, secret(i).slice(0, 20)) ||
        remains(store, `end-of-${i};`) ||
        remains(store, salts[i] ?? Buffer.alloc(0)),
    )
    expect(left).toEqual([])
    expect(remains(store, 'end-of-2;')).toBe(true)
    expect((await store.ledger.verify(SESSION)).totalEntries).toBe(400)
  })

  it('tells where else the value is held under the same commitment, and erases it there when asked to', async () => {
    const store = await evidence()
    const { asked, settled, redeemed } = await approvedCall(store, 'jane-doe')
    const others = [settled.n, redeemed?.n]
    const first = await store.ledger.erase(request(asked.n))
    expect(first).toMatchObject({ erased: [asked.n], remaining: others })
    const rest = await store.ledger.erase(request(settled.n, { everywhere: true }))
    expect(rest).toMatchObject({ erased: others, remaining: [] })
    // A leaf speaks of one session.
    expect(rest.leaves).toHaveLength(2)
    expect(await erasures(store.stores.ledger, 'key_a1/another-session')).toMatchObject([{ refs: [redeemed?.n] }])
  })

  it('has the settled approval forget the value too, with what was read from it, and the salt', async () => {
    const store = await evidence()
    const { settled, approval, salt } = await approvedCall(store, 'jane-doe')
    await store.ledger.erase(request(settled.n, { paths: ['params', 'comment'], everywhere: true }))
    const kept = await store.stores.approvals.get(approval.id)
    expect(kept).toMatchObject({ target: '', salts: {}, parameters: null, status: 'redeemed' })
    expect(kept?.resolution?.comment).toBe('')
    expect(remains(store, 'jane-doe is fine')).toBe(false)
    expect(remains(store, salt)).toBe(false)
    expect(remains(store, salt.toString('hex'))).toBe(false)
    // The justification was not asked for.
    expect(kept?.justification).toBe('because of jane-doe')
  })

  it('erases only what was named: the comments of others stay', async () => {
    const store = await evidence()
    const { settled, asked } = await approvedCall(store, 'jane-doe')
    await store.ledger.erase(request(asked.n, { everywhere: true }))
    expect((await store.stores.ledger.payloads(settled.n)).map(({ path }) => path)).toEqual(['comment'])
  })

  it('leaves an approval that is not spent yet what it needs to run', async () => {
    const store = await evidence()
    const { asked, approval } = await approvedCall(store, 'jane-doe', false)
    const { envelopes } = await store.ledger.erase(request(asked.n, { everywhere: true }))
    expect(envelopes).toEqual([approval.id])
    expect((await store.stores.approvals.get(approval.id))?.parameters).toEqual({ title: 'jane-doe' })
  })

  it('waits for who still reads the database, and says so where that takes too long', async () => {
    const store = await evidence()
    const { n } = await store.ledger.append(draft({ commitments: committed('read-meanwhile') }))
    const reading = await store.stores.ledger.snapshot()
    const erasing = store.ledger.erase(request(n))
    setTimeout(() => reading.close(), 300)
    expect((await erasing).overwritten).toBe(true)
    expect(remains(store, 'read-meanwhile')).toBe(false)
  })

  const REFUSED: [string, Partial<ErasureRequest>, string][] = [
    ['an entry that is not there', { entry: 999 }, 'there is no entry 999'],
    ['a leaf of the log itself', { entry: 0 }, 'there is no entry 0'],
    ['a value the entry does not hold', { paths: ['result'] }, 'holds no result'],
    ['no value at all', { paths: [] }, 'name at least one value'],
    ['no reason', { reason: ' ' }, 'needs a reason'],
    ['an endless reason', { reason: 'x'.repeat(1001) }, 'longer than 1000'],
    ['an endless authority', { authority: 'x'.repeat(301) }, 'longer than 300'],
    ['half a character', { reason: '\ud800' }, 'surrogate'],
  ]
  it.each(REFUSED)('refuses %s, and nothing is lost', async (_what, changes, message) => {
    const store = await evidence()
    const { n } = await store.ledger.append(draft({ commitments: committed('kept') }))
    await expect(store.ledger.erase(request(n, changes))).rejects.toThrow(message)
    expect(await store.stores.ledger.payloads(n)).toHaveLength(1)
  })

  it('refuses what was erased before, and names the entry that did it', async () => {
    const store = await evidence()
    const { n } = await store.ledger.append(draft({ commitments: committed('once') }))
    const { leaves } = await store.ledger.erase(request(n))
    await expect(store.ledger.erase(request(n))).rejects.toThrow(`entry ${leaves[0]} has erased`)
  })

  it('refuses to record an erasure over a value that was deleted behind its back', async () => {
    const store = await evidence()
    const { n } = await store.ledger.append(draft({ commitments: committed('stolen') }))
    const { default: Database } = await import('libsql')
    const behind = new Database(store.file)
    behind.prepare('DELETE FROM ledger_payload WHERE n = ?').run([n])
    behind.close()
    await expect(store.ledger.erase(request(n))).rejects.toThrow('no erasure says so')
  })

  it('refuses a session under a legal hold until it is lifted', async () => {
    const store = await evidence()
    const { n } = await store.ledger.append(draft({ commitments: committed('evidence') }))
    await store.ledger.hold(SESSION, 'case 12/2026')
    await expect(store.ledger.erase(request(n))).rejects.toThrow('legal hold')
    await store.ledger.unhold(SESSION)
    await expect(store.ledger.erase(request(n))).resolves.toMatchObject({ erased: [n] })
  })
})

describe('an erase leaf that is not honest', () => {
  const HONEST = {
    ...{ authority: '', by: 'k', gw: 'gw-1', kind: 'erase', log: ORIGIN, paths: ['params'], reason: 'r' },
    ...{ refs: [1], session: SESSION, ts: '2026-04-06T14:22:00.000Z', v: 'aegis-evidence/1' },
  }
  const text = (changes: object) => JSON.stringify(Object.fromEntries(Object.entries({ ...HONEST, ...changes }).sort()))

  it('is told from an honest one', () => {
    expect(readErasure(text({}))).toMatchObject({ refs: [1], paths: ['params'] })
  })

  it.each([
    { refs: [] },
    { refs: ['1'] },
    { refs: [-1] },
    { refs: 1 },
    { refs: Array.from({ length: 1025 }, (_, i) => i) },
    { paths: [] },
    { paths: ['eid'] },
    { paths: 'params' },
    { reason: 1 },
    { by: undefined },
    { kind: 'prune' },
    { v: 'aegis-evidence/2' },
  ])('covers nothing: %j', (changes) => {
    expect(readErasure(text(changes))).toBeNull()
  })

  it('covers nothing where it names another session than its column', async () => {
    const store = await evidence()
    const { n } = await store.ledger.append(draft({ env: newId() as EnvelopeId, commitments: committed('here') }))
    await store.ledger.erase(request(n))
    expect(await erasures(store.stores.ledger, 'key_a1/none')).toEqual([])
  })
})
