import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Role } from '../../src/core/envelope.ts'
import type { Principal, SessionId, Sha256 } from '../../src/core/ids.ts'
import type { KeyRecord } from '../../src/identity/ports.ts'
import { type AuditDesk, createAuditDesk } from '../../src/oversight/audit.ts'
import { csvCell, csvExport, jsonExport } from '../../src/oversight/audit-export.ts'
import { createCursors } from '../../src/search/index.ts'
import { KEY, kinds, type SearchHouse } from '../search/house.ts'
import { draft, pendingApproval } from '../support/drafts.ts'

function key(id: string, role: Role): KeyRecord {
  return {
    ...{ id: id as Principal, name: id, owner: '', sponsor: '', role, hash: 'ab'.repeat(32) as Sha256, prefix: '' },
    ...{ createdAt: 0, expiresAt: null, revokedAt: null, room: null, lastUsedAt: null },
  }
}

const VIEWER = key('key_viewer', 'viewer')
const AGENT = key('key_a1', 'agent')
const OTHER = key('key_b2', 'agent')
const FIRST = { first: 3, after: null }

/** What agents may call themselves. */
const HOSTILE = ['=1+1', '+cmd|calc', '-2', '@SUM(A1)', '\tx', '\rx', '\n=1', ' =1', '＝1+1', 'a"b,c\nd', "'quoted"]

const [sqlite] = kinds

describe('the audit desk', () => {
  let house: SearchHouse
  let audit: AuditDesk

  beforeAll(async () => {
    if (sqlite === undefined) throw new Error('no SQLite')
    house = await sqlite.open()
    const { stores, ledger, clock } = house
    const cursors = createCursors(KEY)
    const search = house.search()
    audit = createAuditDesk({
      search,
      cursors,
      reader: stores.ledger,
      ledger,
      clock,
      approvals: { store: stores.approvals },
    })
    for (let index = 0; index < 20; index += 1) {
      const principal = index % 2 === 0 ? 'key_a1' : 'key_b2'
      const agent = HOSTILE[index % HOSTILE.length] ?? ''
      const actor = { agent, subject: principal, tenant: 'default' }
      const kind = index % 5 === 0 ? 'block' : 'allow'
      await ledger.append(draft({ kind, actor, session: `${principal}/same` as SessionId }))
    }
    const approval = pendingApproval()
    await ledger.append(draft({ kind: 'review', env: approval.id, changes: [{ kind: 'park', approval }] }))
    await house.settled()
  })

  afterAll(() => house.close())

  const ns = async (who: KeyRecord, filter: Parameters<AuditDesk['page']>[1]) =>
    (await audit.page(who, filter, { first: 1000, after: null })).entries.map(({ session }) => session?.split('/')[0])

  it('shows viewers everything, an agent its own sessions and nothing of the log itself', async () => {
    expect(new Set(await ns(VIEWER, {}))).toEqual(new Set(['key_a1', 'key_b2', undefined]))
    expect(new Set(await ns(AGENT, {}))).toEqual(new Set(['key_a1']))
    expect(new Set(await ns(OTHER, { kinds: ['allow', 'boot'] }))).toEqual(new Set(['key_b2']))
  })

  it.each([
    ['its principal', { principal: 'key_b2' }, 'forbidden'],
    ['its session in full', { session: 'key_b2/same' }, 'not_found'],
  ] as const)('refuses an agent that asks for another by %s', async (_, filter, code) => {
    await expect(audit.page(AGENT, filter, FIRST)).rejects.toMatchObject({ code })
    await expect(audit.all(AGENT, filter)).rejects.toMatchObject({ code })
  })

  it('takes the label that two agents share for the own session', async () => {
    expect(new Set(await ns(AGENT, { session: 'same' }))).toEqual(new Set(['key_a1']))
  })

  it('finds nothing of another agent by any other filter', async () => {
    for (const filter of [{ agent: '+cmd|calc' }, { tool: '*' }, { policy: 'pr-writer' }, { kinds: ['allow'] }]) {
      expect((await ns(AGENT, filter)).every((principal) => principal === 'key_a1')).toBe(true)
    }
  })

  it('takes back no cursor that was changed, or belongs to another list or somebody else', async () => {
    const { next } = await audit.page(VIEWER, {}, FIRST)
    const cursor = next ?? ''
    const refused = { code: 'invalid_request', path: 'after' }
    expect((await audit.page(VIEWER, {}, { first: 3, after: cursor })).entries).toHaveLength(3)
    const lists = [
      [VIEWER, { tool: '*' }],
      [AGENT, {}],
      [OTHER, {}],
    ] as const
    for (const [who, filter] of lists) {
      await expect(audit.page(who, filter, { first: 3, after: cursor })).rejects.toMatchObject(refused)
    }
    const changed = fc.tuple(fc.nat(cursor.length - 1), fc.constantFrom(...'AZaz09-_=!')).map(([at, character]) => {
      return cursor.slice(0, at) + character + cursor.slice(at + 1)
    })
    const others = fc.oneof(
      changed,
      fc.string(),
      fc.base64String(),
      fc.constant(`${cursor}A`),
      fc.constant('x'.repeat(9999)),
    )
    await fc.assert(
      fc.asyncProperty(others, async (after) => {
        fc.pre(after !== cursor)
        await expect(audit.page(VIEWER, {}, { first: 3, after })).rejects.toMatchObject(refused)
      }),
    )
  })

  it.each([
    ['a kind that is none', { kinds: ['alow'] }, 'kind'],
    ['a glob in the middle of a tool', { tool: 'git*.x' }, 'tool'],
    ['a time that is none', { since: Number.NaN }, 'since'],
  ] as const)('refuses %s, which would quietly match nothing', async (_, filter, path) => {
    const asked = audit.page(VIEWER, { ...filter, kinds: 'kinds' in filter ? [...filter.kinds] : ['allow'] }, FIRST)
    await expect(asked).rejects.toMatchObject({ code: 'invalid_request', path })
  })

  it('counts what happened, and what waits for a person', async () => {
    const stats = await audit.stats(VIEWER, 0)
    expect(stats).toMatchObject({ kinds: { allow: 16, block: 4, review: 1 }, pending: 1, queued: 0, sessionCount: 3 })
    expect(stats.blockedTools).toEqual([{ name: 'github.get_file_contents', entries: 21, blocked: 4 }])
    expect(await audit.stats(OTHER, 0)).toMatchObject({ kinds: { allow: 8, block: 2 }, pending: 0, sessionCount: 1 })
  })

  it('exports all that fits as one JSON document', async () => {
    const document = JSON.parse(
      await whole(jsonExport(await audit.all(AGENT, { kinds: ['allow', 'block', 'review'] }))),
    )
    expect(document.entries).toHaveLength(11)
    expect(document.entries[0]).toMatchObject({ kind: 'review', session: 'key_a1/sess-2026-04-06-1422' })
    expect(JSON.parse(await whole(jsonExport(await audit.all(AGENT, { agent: 'nobody' }))))).toEqual({ entries: [] })
  })

  it('exports CSV in which no cell is a formula', async () => {
    const text = await whole(csvExport(await audit.all(VIEWER, {})))
    const rows = parseCsv(text)
    expect(new Set(rows.map((row) => row.length)).size).toBe(1)
    const column = rows[0]?.indexOf('agent') ?? -1
    const agents = new Set(rows.slice(1).map((row) => row[column]))
    expect([...agents].filter((agent) => agent === "'=1+1" || agent === "'@SUM(A1)" || agent === "'\tx")).toHaveLength(
      3,
    )
    expect(rows.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([])
  })

  it('keeps every cell in one piece, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (cells) => {
        const [row = []] = parseCsv(`${cells.map(csvCell).join(',')}\r\n`)
        const plain = row.map((cell, index) => (cell === cells[index] ? cell : cell.slice(1)))
        expect(plain).toEqual(cells)
      }),
    )
  })
})

async function whole(pieces: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += piece
  return text
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    rows.at(-1)?.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === '\r\n') rows.push([])
  }
  return rows.slice(0, -1)
}
