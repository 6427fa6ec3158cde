import { createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApprovalChange } from '../../src/core/approval.ts'
import type { Role } from '../../src/core/envelope.ts'
import type { Principal, SessionId, Sha256 } from '../../src/core/ids.ts'
import type { TaintEntry } from '../../src/facts/taint.ts'
import { type OpenLedger, openLedger } from '../../src/ledger/ledger.ts'
import type { Room } from '../../src/rooms/index.ts'
import type { Stores } from '../../src/store/open.ts'
import { FIRST_SIGHT, type PinnedDefinition } from '../../src/tool-pins/ports.ts'
import { ALICE, committed, draft, frozenClock, newId, pendingApproval, random, SESSION } from '../support/drafts.ts'

/** A store under test: opened fresh, opened again over the same data, and cleaned up. */
export interface StoreUnderTest {
  open(): Promise<Stores>
  remove(): Promise<void>
}

const HOSTILE = ['__proto__', "x'; DROP TABLE room; --", '\\u0000', '"}]', 'constructor', '人'] as const

function room(id: string, repository: string): Room {
  const [owner = '', name = ''] = repository.split('/')
  return {
    ...{ id, repository: { owner, name }, members: [{ name: 'alice', role: 'OWNER' }], mode: 'observe' },
    tools: { DEVELOPER: { 'github.push_files': false }, ADMIN: {}, OWNER: {} },
    permission: { read: 'allow', write: 'hold' },
    ...{ version: 1, createdAt: 5, updatedAt: 5 },
  }
}

/** What every store promises, whichever database it is. */
export function storeContract(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store's promises`, () => {
    let place: StoreUnderTest
    let stores: Stores
    let ledger: OpenLedger

    beforeEach(async () => {
      place = await create()
      await open()
    })

    afterEach(async () => {
      await close()
      await place.remove()
    })

    async function open(): Promise<void> {
      stores = await place.open()
      // Each start is a gateway of its own, as a server's is.
      const gateway = `gw-${randomBytes(4).toString('hex')}`
      const options = { clock: frozenClock(), random, gateway, minFreeBytes: 0 }
      ledger = await openLedger({ store: stores.ledger, ...options })
    }

    async function close(): Promise<void> {
      await ledger.close()
      await stores.close()
    }

    const append = (...changes: ApprovalChange[]) => ledger.append(draft({ changes }))
    const spent = { code: 'approval_spent' }

    describe('the log', () => {
      it('gives every entry a place without gaps, and each session a chain of its own', async () => {
        const other = 'key_b2/sess' as SessionId
        const sessions = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? SESSION : other))
        const entries = await Promise.all(sessions.map((session) => ledger.append(draft({ session }))))
        const numbers = entries.map(({ n }) => n).sort((one, two) => one - two)
        expect(numbers).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
        for (const session of [SESSION, other]) {
          const seqs = entries.filter((entry) => entry.session === session).map(({ seq }) => seq)
          expect(seqs.sort((one, two) => one - two)).toEqual(Array.from({ length: 20 }, (_, index) => index))
          expect(await ledger.verify(session)).toMatchObject({ valid: true, totalEntries: 20 })
        }
      })

      it('keeps everything acknowledged over a restart, and its name', async () => {
        const { origin } = ledger
        const entry = await ledger.append(draft({ commitments: committed('kept') }))
        await close()
        await open()
        expect(ledger.origin).toBe(origin)
        expect(origin).toMatch(/^aegis\/[0-9a-f]{16}$/)
        const [stored] = await stores.ledger.byEnvelope(entry.env)
        expect(stored).toMatchObject({ n: entry.n, hash: entry.hash, seq: 0, kind: 'allow' })
        expect(await stores.ledger.payloads(entry.n)).toHaveLength(1)
        expect((await ledger.verify(SESSION)).valid).toBe(true)
      })

      it('closes what a stop left open as orphan, once', async () => {
        const intent = await ledger.append(draft({ effect: 'forward' }))
        await ledger.append(draft({ effect: 'none' }))
        await close()
        await open()
        expect(ledger.recovered.orphans).toBe(1)
        const kinds = (await stores.ledger.byEnvelope(intent.env)).map(({ kind }) => kind)
        expect(kinds).toEqual(['allow', 'orphan'])
        await close()
        await open()
        expect(ledger.recovered.orphans).toBe(0)
        expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 3, findings: [] })
      })

      it('lists sessions newest first and entries by what is asked', async () => {
        const other = 'key_b2/later' as SessionId
        const first = await ledger.append(draft())
        await ledger.append(draft({ kind: 'block' }))
        await ledger.append(draft({ session: other }))
        const sessions = await stores.ledger.sessions(10)
        expect(sessions.map(({ label }) => label)).toEqual(['later', 'sess-2026-04-06-1422'])
        expect(sessions[1]).toMatchObject({ principal: 'key_a1', entries: 2, counts: { allow: 1, block: 1 } })
        // The newest is another's: the limit counts one's own.
        expect((await stores.ledger.sessions(1, 'key_a1')).map(({ principal }) => principal)).toEqual(['key_a1'])
        expect(await stores.ledger.sessions(10, 'key_a')).toEqual([])
        const [newest, older] = sessions
        expect(await stores.ledger.sessions(10, undefined, { before: newest?.lastN ?? 0 })).toEqual([older])
        expect(await stores.ledger.sessions(10, undefined, { session: other })).toEqual([newest])
        expect(await stores.ledger.sessions(10, 'key_a1', { session: other })).toEqual([])
        const list = async (filter: object) =>
          (await stores.ledger.list({ limit: 10, ...filter })).map(({ n, kind }) => [n, kind])
        expect(await list({ session: SESSION })).toEqual([
          [2, 'block'],
          [1, 'allow'],
        ])
        expect(await list({ env: first.env })).toEqual([[1, 'allow']])
        expect(await list({ kind: 'boot' })).toEqual([[0, 'boot']])
        expect(await list({ before: 3, limit: 1 })).toEqual([[2, 'block']])
        expect(await stores.ledger.sessionsNamed('later')).toEqual([other])
        expect(await stores.ledger.sessionsNamed('nothing')).toEqual([])
      })

      it('shows a snapshot as it was, whatever is written meanwhile', async () => {
        await ledger.append(draft())
        const snapshot = await stores.ledger.snapshot()
        await ledger.append(draft())
        expect((await snapshot.head())?.size).toBe(2)
        expect((await snapshot.extent()).count).toBe(2)
        expect((await stores.ledger.head())?.size).toBe(3)
        snapshot.close()
      })

      it('shows the present to who comes after a reading that was given up', async () => {
        await Promise.all(Array.from({ length: 450 }, () => ledger.append(draft())))
        const first = await stores.ledger.snapshot()
        for await (const page of first.entries(0)) if (page.length > 0) break
        for await (const page of first.sessionEntries(SESSION)) if (page.length > 0) break
        first.close()
        await ledger.append(draft())
        const second = await stores.ledger.snapshot()
        expect((await second.head())?.size).toBe(452)
        second.close()
      })

      it('closes a session with a final manifest, and opens it again for a late entry', async () => {
        await ledger.append(draft())
        await ledger.closeSession(SESSION)
        expect((await stores.ledger.session(SESSION))?.status).toBe('closed')
        const closed = await ledger.export(SESSION)
        expect(closed.manifest.body).toContain('"final":true')
        expect((await ledger.verify(SESSION)).manifestHash).toBe(closed.manifest.hash)
        await ledger.append(draft())
        expect((await stores.ledger.session(SESSION))?.status).toBe('open')
        expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 2 })
        await expect(ledger.closeSession('key_a1/nothing')).rejects.toMatchObject({ code: 'not_found' })
      })
    })

    it('erases values with the leaf that says so, and has the settled approval forget them with their salts', async () => {
      const approval = pendingApproval({
        ...{ justification: 'because of jane', expiresAt: 9e15 },
        risk: { score: 50, reasons: ['the program jane could not be fully understood'] },
      })
      const salt = Buffer.from(approval.salts['params'] ?? '', 'hex')
      const params = [{ path: 'params' as const, salt, value: approval.parameters ?? {} }]
      const call = { env: approval.id, commitments: params }
      const { n } = await ledger.append(draft({ ...call, kind: 'review', changes: [{ kind: 'park', approval }] }))
      const request = { entry: n, paths: ['params'] as const, reason: 'personal data', authority: '', by: 'key_admin' }
      const vote = { reviewer: ALICE, comment: 'no', at: 2000 }
      await append({ kind: 'deny', id: approval.id, vote, expiresAt: 9e15 })
      const { leaves } = await ledger.erase({ ...request, everywhere: true })
      expect(await stores.ledger.payloads(n)).toEqual([])
      expect((await stores.ledger.leaves(SESSION, 'erase')).map((leaf) => leaf.n)).toEqual(leaves)
      expect(await stores.ledger.leaves(SESSION, 'manifest')).toEqual([])
      expect(await stores.ledger.leaves('key_b2/other', 'erase')).toEqual([])
      const kept = await stores.approvals.get(approval.id)
      expect(kept).toMatchObject({ status: 'denied', salts: {}, target: '', justification: 'because of jane' })
      expect(kept?.risk).toEqual({ score: 50, reasons: [] })
      expect(kept?.resolution?.comment).toBe('no')
      await append({ kind: 'forget', id: approval.id, paths: ['comment', 'justification'] })
      expect(await stores.approvals.get(approval.id)).toMatchObject({
        justification: null,
        resolution: { comment: '' },
      })
      expect((await ledger.verify(SESSION)).valid).toBe(true)
    })

    it('keeps from a pending approval nothing that it needs', async () => {
      const approval = pendingApproval({ expiresAt: 9e15 })
      await append({ kind: 'park', approval })
      await append({ kind: 'forget', id: approval.id, paths: ['params', 'target', 'justification', 'comment'] })
      expect(await stores.approvals.get(approval.id)).toEqual(approval)
      // Nothing to forget is no error: not every envelope has an approval.
      await append({ kind: 'forget', id: newId(), paths: ['params'] })
    })

    describe('approvals', () => {
      it('are parked with their entry and read back whole', async () => {
        const approval = pendingApproval()
        await append({ kind: 'park', approval })
        expect(await stores.approvals.get(approval.id)).toEqual(approval)
        expect(await stores.approvals.latest(approval.digest)).toEqual(approval)
        expect(await stores.approvals.list({ status: 'pending', limit: 10 })).toEqual([approval])
        expect(await stores.approvals.list({ status: 'approved', limit: 10 })).toEqual([])
        expect(await stores.approvals.pending()).toBe(1)
        expect(await stores.approvals.pending(approval.principal)).toBe(1)
        expect(await stores.approvals.pending('key_nobody' as Principal)).toBe(0)
        expect(await stores.approvals.get(newId())).toBeNull()
      })

      it('are found by their risk: level, score, then what has waited longest; no text of theirs poses as a level', async () => {
        const said = '"blast":"critical","risk":{"score":100}'
        const waiting = [
          { blast: 'high', risk: { score: 71, reasons: [] }, queuedAt: 1004 },
          { blast: 'high', risk: { score: 70, reasons: [] }, queuedAt: 1002 },
          { blast: 'high', risk: { score: 70, reasons: [] }, queuedAt: 1003 },
          { blast: 'medium', queuedAt: 1000 },
          { blast: 'low', risk: { score: 12, reasons: [] }, queuedAt: 1001, target: said, justification: said },
        ].map((more) => pendingApproval(more))
        for (const approval of [...waiting].sort((one, two) => one.queuedAt - two.queuedAt)) {
          await append({ kind: 'park', approval })
        }
        await approved()
        expect(await stores.approvals.riskiest(10)).toEqual(waiting)
        expect(await stores.approvals.riskiest(2)).toEqual(waiting.slice(0, 2))
        expect(await stores.approvals.riskiest(10, 'key_nobody' as Principal)).toEqual([])
      })

      it('are parked once an action while pending: the second draft alone fails', async () => {
        const first = pendingApproval()
        const second = pendingApproval({ digest: first.digest })
        const park = (approval: typeof first) => append({ kind: 'park', approval })
        const settled = await Promise.allSettled([park(first), append(), park(second), append()])
        expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
        await expect(park(second)).rejects.toMatchObject(spent)
        expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 3 })
      })

      it('are redeemed by exactly one of 50 concurrent calls', async () => {
        const approval = await approved()
        const redeem: ApprovalChange = { kind: 'redeem', id: approval.id, digest: approval.digest, at: 3000 }
        const settled = await Promise.allSettled(Array.from({ length: 50 }, () => append(redeem)))
        expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        expect(await stores.approvals.get(approval.id)).toMatchObject({ status: 'redeemed', parameters: null })
      })

      it('are not redeemed for another action, nor after their time', async () => {
        const approval = await approved()
        const digest = randomBytes(32).toString('hex') as Sha256
        await expect(append({ kind: 'redeem', id: approval.id, digest, at: 3000 })).rejects.toMatchObject(spent)
        const late: ApprovalChange = { kind: 'redeem', id: approval.id, digest: approval.digest, at: 20_000 }
        await expect(append(late)).rejects.toMatchObject(spent)
        expect((await stores.approvals.get(approval.id))?.status).toBe('approved')
      })

      it('come back when nothing was sent', async () => {
        const approval = await approved()
        const { id, digest, parameters } = approval
        await expect(append({ kind: 'restore', id })).rejects.toMatchObject(spent)
        await append({ kind: 'redeem', id, digest, at: 3000 })
        await append({ kind: 'restore', id, parameters })
        expect(await stores.approvals.get(id)).toMatchObject({ status: 'approved', parameters })
        await append({ kind: 'redeem', id, digest, at: 4000 })
      })

      it('are used again and again where they were given for that, for this action and until their time is over', async () => {
        const [once, often] = [await approved(), pendingApproval()]
        await append({ kind: 'park', approval: often })
        // A NUL is text to JSON, and none to the JSON functions of PostgreSQL.
        const vote = { reviewer: ALICE, comment: 'fine\u0000', at: 2000 }
        const { id, digest, parameters } = often
        await append({ kind: 'approve', id, vote, settles: true, expiresAt: 20_000, repeat: 600 })
        for (const at of [3000, 4000]) await append({ kind: 'reuse', id, digest, at })
        expect(await stores.approvals.get(id)).toMatchObject({
          ...{ status: 'approved', parameters },
          resolution: { repeat: 600 },
        })
        const other = randomBytes(32).toString('hex') as Sha256
        await expect(append({ kind: 'reuse', id, digest: other, at: 5000 })).rejects.toMatchObject(spent)
        await expect(append({ kind: 'reuse', id, digest, at: 20_000 })).rejects.toMatchObject(spent)
        await expect(append({ kind: 'reuse', id: once.id, digest: once.digest, at: 3000 })).rejects.toMatchObject(spent)
        await append({ kind: 'expire', id, at: 20_000 })
        await expect(append({ kind: 'reuse', id, digest, at: 5000 })).rejects.toMatchObject(spent)
      })

      it('are settled by the vote that makes enough of them, though none of two knew of the other', async () => {
        const approval = pendingApproval()
        const { id } = approval
        await append({ kind: 'park', approval })
        const whenEnough = { votes: 2, expiresAt: 30_000 }
        const say = (principal: string) => {
          const reviewer = { ...ALICE, principal: principal as typeof ALICE.principal, owner: `owner of ${principal}` }
          const vote = { reviewer, comment: '', at: 2000 }
          return append({ kind: 'approve', id, vote, settles: false, expiresAt: 10_000, whenEnough })
        }
        await Promise.all([say('key_one'), say('key_two')])
        expect(await stores.approvals.get(id)).toMatchObject({ status: 'approved', expiresAt: 30_000 })
      })

      it('take no second word of one person, also where another speaks for them', async () => {
        const approval = pendingApproval()
        const { id } = approval
        await append({ kind: 'park', approval })
        const bob = { ...ALICE, principal: 'key_bob' as typeof ALICE.principal, name: 'bob', owner: 'bob' }
        const carol = { ...ALICE, principal: 'key_carol' as typeof ALICE.principal, name: 'carol', owner: 'carol' }
        const say = (vote: object) => {
          const given = { reviewer: bob, comment: '', at: 2000, ...vote }
          return append({ kind: 'approve', id, vote: given, settles: false, expiresAt: 20_000 })
        }
        await say({ onBehalfOf: ALICE })
        await expect(say({ reviewer: ALICE })).rejects.toMatchObject(spent)
        await expect(say({})).rejects.toMatchObject(spent)
        await expect(say({ reviewer: carol, onBehalfOf: ALICE })).rejects.toMatchObject(spent)
        // Nobody knows whose they are.
        await expect(say({ reviewer: { ...carol, owner: '' } })).rejects.toMatchObject(spent)
        await expect(say({ reviewer: carol, onBehalfOf: bob })).rejects.toMatchObject(spent)
        await say({ reviewer: carol })
        expect((await stores.approvals.get(id))?.votes).toHaveLength(2)
      })

      it('need as many different reviewers as asked for', async () => {
        const approval = pendingApproval()
        const { id } = approval
        await append({ kind: 'park', approval })
        const vote = { reviewer: ALICE, comment: 'fine', at: 2000 }
        await append({ kind: 'approve', id, vote, settles: false, expiresAt: 20_000 })
        expect(await stores.approvals.get(id)).toMatchObject({ status: 'pending', votes: [vote], expiresAt: 10_000 })
        const again: ApprovalChange = { kind: 'approve', id, vote, settles: true, expiresAt: 20_000 }
        await expect(append(again)).rejects.toMatchObject(spent)
        const reviewer = { ...ALICE, principal: 'key_bob' as typeof ALICE.principal, owner: 'bob' }
        const second = { ...reviewer, owner: ALICE.owner }
        await expect(append({ ...again, vote: { ...vote, reviewer: second } })).rejects.toMatchObject(spent)
        await append({ ...again, vote: { ...vote, reviewer } })
        const settled = await stores.approvals.get(id)
        expect(settled).toMatchObject({ status: 'approved', expiresAt: 20_000, resolution: { reviewer } })
        expect(settled?.votes).toHaveLength(2)
      })

      it('are settled once: denied stays denied, expired stays expired', async () => {
        const denied = pendingApproval()
        await append({ kind: 'park', approval: denied })
        const vote = { reviewer: ALICE, comment: 'no', at: 2000 }
        await append({ kind: 'deny', id: denied.id, vote, expiresAt: 12_000 })
        expect(await stores.approvals.get(denied.id)).toMatchObject({ status: 'denied', parameters: null })
        const approve: ApprovalChange = { kind: 'approve', id: denied.id, vote, settles: true, expiresAt: 1 }
        await expect(append(approve)).rejects.toMatchObject(spent)

        const expired = pendingApproval()
        await append({ kind: 'park', approval: expired })
        await expect(append({ kind: 'expire', id: expired.id, at: 5000 })).rejects.toMatchObject(spent)
        expect((await stores.approvals.due(10_000, 5)).map(({ id }) => id)).toEqual([expired.id])
        const late = { ...approve, id: expired.id, vote: { ...vote, at: 11_000 } }
        await expect(append(late)).rejects.toMatchObject(spent)
        await append({ kind: 'expire', id: expired.id, at: 10_000 })
        expect(await stores.approvals.due(99_000, 5)).toEqual([])
      })

      it('are taken back by the one who asked, while nothing was done with them, and by nobody else', async () => {
        const approval = pendingApproval()
        await append({ kind: 'park', approval })
        const withdraw = { kind: 'withdraw', id: approval.id, principal: approval.principal, at: 3000 } as const
        const principal = 'key_other' as typeof approval.principal
        await expect(append({ ...withdraw, principal })).rejects.toMatchObject(spent)
        await append(withdraw)
        const over = { status: 'expired', expiresAt: 3000, parameters: null, resolution: null }
        expect(await stores.approvals.get(approval.id)).toMatchObject(over)
        await expect(append(withdraw)).rejects.toMatchObject(spent)
        const vote = { reviewer: ALICE, comment: 'fine', at: 2000 }
        const approve = { kind: 'approve', id: approval.id, vote, settles: true, expiresAt: 20_000 } as const
        await expect(append(approve)).rejects.toMatchObject(spent)
      })

      it('change together with all changes of their draft, or not at all', async () => {
        const one = pendingApproval()
        const gone = newId()
        await expect(append({ kind: 'park', approval: one }, { kind: 'restore', id: gone })).rejects.toMatchObject(
          spent,
        )
        expect(await stores.approvals.get(one.id)).toBeNull()
      })

      async function approved() {
        const approval = pendingApproval()
        await append({ kind: 'park', approval })
        const vote = { reviewer: ALICE, comment: 'fine', at: 2000 }
        await append({ kind: 'approve', id: approval.id, vote, settles: true, expiresAt: 9000 })
        return approval
      }
    })

    describe('delegations', () => {
      const { principal, name, owner } = ALICE
      const given = { from: { principal, name, owner }, to: 'bob', createdAt: 1000, until: 9000, endedAt: null }

      it('are found by whom they are given to, until their time is over or they are taken back, once', async () => {
        await stores.delegations.add({ ...given, id: 'del_1' })
        await stores.delegations.add({ ...given, id: 'del_2', to: 'carol', createdAt: 2000 })
        await close()
        await open()
        const ids = async (now: number, to?: string) => (await stores.delegations.active(now, to)).map(({ id }) => id)
        expect(await stores.delegations.get('del_1')).toEqual({ ...given, id: 'del_1' })
        expect(await stores.delegations.get('del_3')).toBeNull()
        expect(await ids(3000)).toEqual(['del_1', 'del_2'])
        expect(await ids(3000, 'bob')).toEqual(['del_1'])
        expect(await ids(9000)).toEqual([])
        expect(await stores.delegations.end('del_1', 4000)).toBe(true)
        expect(await stores.delegations.end('del_1', 5000)).toBe(false)
        expect(await ids(3000)).toEqual(['del_2'])
        expect((await stores.delegations.get('del_1'))?.endedAt).toBe(4000)
      })

      it('to oneself are none', async () => {
        await expect(stores.delegations.add({ ...given, id: 'del_1', to: owner })).rejects.toThrow()
      })
    })

    describe('the definitions of tools', () => {
      const pin = (tool: string, digit: string, more: Partial<PinnedDefinition> = {}): PinnedDefinition => ({
        ...{
          upstream: 'files',
          tool,
          digest: digit.repeat(64) as Sha256,
          core: 'e'.repeat(64) as Sha256,
          era: 'legacy',
        },
        ...{ status: 'waiting', definition: `{"${digit}":1}`, findings: ['hidden-markup', 'listed-later'], seenAt: 5 },
        ...{ decidedAt: null, decidedBy: null, ...more },
      })
      const first = (tool: string, digit: string) =>
        pin(tool, digit, { status: 'accepted', decidedAt: 5, decidedBy: FIRST_SIGHT })
      const states = async () =>
        (await stores.pins.index()).map(({ tool, digest, status }) => [tool, digest[0], status])

      it('are kept over a restart, with whatever an upstream wrote into them', async () => {
        const odd = first(`rëad "it" ' \u2028 \ud83d\ude00`, 'a')
        await stores.pins.trust([odd])
        await stores.pins.hold([pin('write', 'b', { definition: null })])
        await close()
        await open()
        const { definition: _definition, ...light } = odd
        expect((await stores.pins.index())[0]).toEqual(light)
        expect(await stores.pins.of('files', odd.tool)).toEqual([odd])
        expect(await stores.pins.of('files', 'write')).toMatchObject([{ definition: null, status: 'waiting' }])
        expect(await stores.pins.of('files', null)).toHaveLength(2)
        expect(await stores.pins.of('others', null)).toEqual([])
      })

      it('are trusted at first sight once a tool, however many see different ones at once', async () => {
        await Promise.all(['a', 'b', 'c'].map((digit) => stores.pins.trust([first('read', digit), first('list', 'd')])))
        expect((await states()).filter(([tool]) => tool === 'read')).toHaveLength(1)
        expect((await states()).filter(([tool]) => tool === 'list')).toHaveLength(1)
      })

      it('wait one a tool, the last that was seen', async () => {
        await stores.pins.trust([first('read', 'a')])
        await stores.pins.hold([pin('read', 'b'), pin('write', 'c')])
        await stores.pins.hold([pin('read', 'd', { seenAt: 9 })])
        expect(await states()).toEqual([
          ['read', 'a', 'accepted'],
          ['write', 'c', 'waiting'],
          ['read', 'd', 'waiting'],
        ])
      })

      it('are accepted or rejected only while they wait, and once', async () => {
        await stores.pins.trust([first('read', 'a')])
        await stores.pins.hold([pin('read', 'b'), pin('write', 'c')])
        expect(await stores.pins.accept(pin('read', 'x'), 'key_admin', 7)).toBe(false)
        expect(await stores.pins.accept(pin('read', 'b'), 'key_admin', 7)).toBe(true)
        expect(await stores.pins.accept(pin('read', 'b'), 'key_admin', 8)).toBe(false)
        expect(await stores.pins.reject(pin('read', 'b'))).toBe(false)
        expect(await stores.pins.reject(pin('write', 'c'))).toBe(true)
        expect(await stores.pins.reject(pin('write', 'c'))).toBe(false)
        expect(await stores.pins.of('files', null)).toMatchObject([
          { digest: first('read', 'a').digest, decidedBy: FIRST_SIGHT },
          { digest: pin('read', 'b').digest, decidedBy: 'key_admin', decidedAt: 7 },
        ])
      })

      it('are kept by the thousand', async () => {
        const many = Array.from({ length: 1500 }, (_, at) => first(`tool_${at}`, 'a'))
        await stores.pins.trust(many)
        expect(await stores.pins.index()).toHaveLength(1500)
      })
    })

    it('keeps keys by hash, revokes them once, and never loses a revocation', async () => {
      const record = {
        ...{ id: ALICE.principal, name: 'alice', owner: 'alice', sponsor: '', role: 'reviewer' as const },
        ...{ hash: 'cd'.repeat(32) as Sha256, prefix: 'aegis_ad', createdAt: 5, revokedAt: null },
        ...{ room: null, lastUsedAt: null, expiresAt: null },
      }
      await stores.keys.put(record)
      expect(await stores.keys.byHash(record.hash)).toEqual(record)
      expect(await stores.keys.get(record.id)).toEqual(record)
      expect(await stores.keys.revoke(record.id, 9)).toBe(true)
      expect(await stores.keys.revoke(record.id, 10)).toBe(false)
      await stores.keys.put({ ...record, name: 'renamed' })
      expect(await stores.keys.list()).toEqual([{ ...record, name: 'renamed', revokedAt: 9 }])
      expect(await stores.keys.byHash('ee'.repeat(32) as Sha256)).toBeNull()
      await stores.keys.used(record.id, 77)
      expect((await stores.keys.get(record.id))?.lastUsedAt).toBe(77)
    })

    describe('keys that end', () => {
      const key = (id: string, role: Role, expiresAt: number | null = null) => ({
        ...{ id: id as Principal, name: id, owner: 'alice', sponsor: '', role, prefix: 'aegis_', createdAt: 5 },
        ...{ hash: createHash('sha256').update(id).digest('hex') as Sha256, revokedAt: null, expiresAt },
        ...{ room: null, lastUsedAt: null },
      })
      const [one, two] = [key('key_1', 'admin'), key('key_2', 'admin')]
      const lastAdmin = { code: 'conflict', message: expect.stringContaining('the last admin key') }

      it('keep their time over a restart, and are given another one until they are revoked', async () => {
        const record = key('key_3', 'reviewer', 2 ** 40)
        await stores.keys.put(record)
        await close()
        await open()
        expect(await stores.keys.get(record.id)).toEqual(record)
        expect(await stores.keys.expire(record.id, 77)).toBe(true)
        await stores.keys.put({ ...record, name: 'renamed', expiresAt: null })
        expect(await stores.keys.get(record.id)).toEqual({ ...record, name: 'renamed', expiresAt: 77 })
        await stores.keys.revoke(record.id, 60)
        expect(await stores.keys.expire(record.id, 90)).toBe(false)
        expect(await stores.keys.get(record.id)).toMatchObject({ expiresAt: 77, revokedAt: 60 })
        expect(await stores.keys.expire('key_none' as Principal, 1)).toBe(false)
      })

      it('leave one administrator whose key does not expire, whatever is asked', async () => {
        for (const record of [one, key('key_3', 'reviewer'), key('key_4', 'admin', 99)]) await stores.keys.put(record)
        await expect(stores.keys.revoke(one.id, 9)).rejects.toMatchObject(lastAdmin)
        await expect(stores.keys.expire(one.id, 2 ** 40)).rejects.toMatchObject(lastAdmin)
        await expect(stores.keys.put({ ...one, role: 'viewer' })).rejects.toThrow()
        expect(await stores.keys.get(one.id)).toEqual(one)
        expect(await stores.keys.revoke('key_4' as Principal, 9)).toBe(true)
        await stores.keys.put(two)
        expect(await stores.keys.revoke(one.id, 9)).toBe(true)
        await expect(stores.keys.revoke(two.id, 9)).rejects.toMatchObject(lastAdmin)
      })

      it('leave one where administrators end the keys of each other at the same time', async () => {
        const all = Array.from({ length: 8 }, (_, at) => key(`key_${at}`, 'admin'))
        for (const record of all) await stores.keys.put(record)
        const ended = await Promise.allSettled(
          all.map(({ id }, at) => (at % 2 === 0 ? stores.keys.revoke(id, 9) : stores.keys.expire(id, 9))),
        )
        expect(ended.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: lastAdmin }])
      })
    })

    describe('keys of a room', () => {
      const key = (id: string, more: object = {}) => ({
        ...{ id: id as Principal, name: id, owner: '', sponsor: '', role: 'agent' as Role, prefix: 'aegis_ag' },
        ...{ hash: createHash('sha256').update(id).digest('hex') as Sha256, createdAt: 5, revokedAt: null },
        ...{ room: { id: 'room_1', role: 'ADMIN' as const }, lastUsedAt: null, expiresAt: null, ...more },
      })

      it('are kept with their room, which no later writing changes', async () => {
        await stores.keys.put(key('key_1'))
        expect(await stores.keys.get('key_1' as Principal)).toEqual(key('key_1'))
        await stores.keys.put(key('key_1', { name: 'renamed', room: null }))
        expect(await stores.keys.get('key_1' as Principal)).toEqual(key('key_1', { name: 'renamed' }))
      })

      it.each(['viewer', 'reviewer', 'admin'])('are never a %s key, whoever writes it', async (role) => {
        await expect(stores.keys.put(key('key_2', { role }))).rejects.toThrow()
        await stores.keys.put(key('key_1'))
        await expect(stores.keys.put(key('key_1', { role }))).rejects.toThrow()
      })
    })

    describe('people who have logged in', () => {
      const [one, two] = ['key_1' as Principal, 'oidc:0123456789ab:alice' as Principal]
      const digest = (text: string) => createHash('sha256').update(text).digest('hex') as Sha256
      const login = (text: string, principal: Principal, createdAt: number) => ({
        ...{ hash: digest(text), principal, createdAt, seenAt: createdAt, endsAt: createdAt + 100 },
      })

      it('are kept over a restart, each principal by itself, oldest first', async () => {
        for (const session of [login('b', one, 7), login('a', one, 5), login('c', two, 6)]) {
          await stores.logins.put(session)
        }
        await stores.logins.seen(digest('a'), 9)
        await close()
        await open()
        expect(await stores.logins.get(digest('a'))).toEqual({ ...login('a', one, 5), seenAt: 9 })
        expect(await stores.logins.get(digest('x'))).toBeNull()
        expect((await stores.logins.of(one)).map(({ hash }) => hash)).toEqual([digest('a'), digest('b')])
      })

      it('are forgotten once, when they leave, were idle, or their time is over', async () => {
        for (const session of [login('a', one, 5), login('b', one, 50), login('c', two, 60)]) {
          await stores.logins.put(session)
        }
        expect(await stores.logins.remove(digest('c'))).toBe(true)
        expect(await stores.logins.remove(digest('c'))).toBe(false)
        await stores.logins.sweep(106, 0)
        expect(await stores.logins.of(one)).toHaveLength(1)
        await stores.logins.sweep(106, 51)
        expect(await stores.logins.of(one)).toEqual([])
      })

      it('use a login once, whoever asks at the same moment, until it could not be used anyway', async () => {
        const spent = await Promise.all([1, 2, 3].map(() => stores.logins.spend(digest('s'), 50)))
        expect(spent.filter(Boolean)).toHaveLength(1)
        await stores.logins.sweep(50, 0)
        expect(await stores.logins.spend(digest('s'), 50)).toBe(false)
        await stores.logins.sweep(51, 0)
        expect(await stores.logins.spend(digest('s'), 50)).toBe(true)
      })
    })

    describe('what principals have read', () => {
      const [one, two] = ['key_1' as Principal, 'key_2' as Principal]
      const read = (principal: Principal, at: number, more: Partial<TaintEntry> = {}): TaintEntry => ({
        ...{ principal, source: 'acme/site: issue_read', repository: 'acme/site' },
        ...{ visibility: 'unknown', text: true, at, ...more },
      })

      it('is kept once a source and visibility, over a restart, for each by itself', async () => {
        await stores.taint.put(read(one, 5))
        await stores.taint.put(read(one, 7, { text: false }))
        await stores.taint.put(read(one, 6, { visibility: 'private' }))
        await stores.taint.put(read(two, 8))
        await close()
        await open()
        const mine = [read(one, 6, { visibility: 'private' }), read(one, 7, { text: false })]
        expect(await stores.taint.of(one, 0)).toEqual(mine)
        expect(await stores.taint.of(one, 7)).toEqual(mine.slice(1))
        expect(await stores.taint.of('key_3' as Principal, 0)).toEqual([])
      })

      it('is dropped one by one, and forgotten by its age', async () => {
        await stores.taint.put(read(one, 5))
        await stores.taint.put(read(one, 6, { visibility: 'public' }))
        await stores.taint.put(read(two, 4))
        await stores.taint.drop(read(one, 99))
        expect(await stores.taint.of(one, 0)).toEqual([read(one, 6, { visibility: 'public' })])
        await stores.taint.forget(5)
        expect(await stores.taint.of(two, 0)).toEqual([])
        expect(await stores.taint.of(one, 0)).toHaveLength(1)
      })
    })

    describe('rooms', () => {
      it('are kept whole over a restart, one a repository whatever its letters', async () => {
        const site = room('room_1', 'acme/Site')
        expect(await stores.rooms.add(site)).toBe(true)
        expect(await stores.rooms.add(room('room_2', 'ACME/site'))).toBe(false)
        expect(await stores.rooms.add(room('room_1', 'acme/other'))).toBe(false)
        await close()
        await open()
        expect(await stores.rooms.list()).toEqual([site])
        expect(await stores.rooms.get('room_1')).toEqual(site)
        expect(await stores.rooms.get('room_2')).toBeNull()
      })

      it('are changed from one version to the next: of two changes of one version one fails', async () => {
        await stores.rooms.add(room('room_1', 'acme/site'))
        const changes = (['observe', 'warn', 'enforce'] as const).map((mode) =>
          stores.rooms.replace({ ...room('room_1', 'acme/site'), mode, version: 2, updatedAt: 9 }),
        )
        expect((await Promise.all(changes)).filter(Boolean)).toHaveLength(1)
        expect(await stores.rooms.get('room_1')).toMatchObject({ version: 2, createdAt: 5, updatedAt: 9 })
        expect(await stores.rooms.replace(room('room_9', 'acme/nothing'))).toBe(false)
      })

      it('are removed once, and leave their repository free', async () => {
        await stores.rooms.add(room('room_1', 'acme/site'))
        expect(await stores.rooms.remove('room_1')).toBe(true)
        expect(await stores.rooms.remove('room_1')).toBe(false)
        expect(await stores.rooms.add(room('room_2', 'acme/site'))).toBe(true)
      })

      it.each(HOSTILE)('keep a member called %j as it is', async (name) => {
        const kept = { ...room('room_1', 'acme/site'), members: [{ name, role: 'ADMIN' as const }] }
        await stores.rooms.add(kept)
        expect(await stores.rooms.get('room_1')).toEqual(kept)
      })
    })

    it('keeps tokens that must be revoked until they are, over a restart', async () => {
      const row = {
        ...{
          id: 'rev-1',
          sealed: Uint8Array.of(0, 255, 7),
          apiUrl: 'http://127.0.0.1:9',
          tokenSha256: 'ab'.repeat(32),
        },
        ...{ scope: 'contents:read', envelope: newId(), issuedAt: 1, deadline: 600, attempts: 0, nextAttemptAt: 10 },
      }
      await stores.revocations.enqueue(row)
      await close()
      await open()
      expect(await stores.revocations.due(9, 5)).toEqual([])
      const [due] = await stores.revocations.due(10, 5)
      expect(due && { ...due, sealed: [...due.sealed] }).toEqual({ ...row, sealed: [0, 255, 7] })
      await stores.revocations.reschedule('rev-1', 1, 50)
      expect(await stores.revocations.due(49, 5)).toEqual([])
      expect(await stores.revocations.count()).toBe(1)
      await stores.revocations.done('rev-1')
      expect(await stores.revocations.count()).toBe(0)
    })
  })
}
