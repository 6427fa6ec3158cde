import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../../src/core/ids.ts'
import type { EntryDraft } from '../../../src/ledger/draft.ts'
import type { StoredEntry } from '../../../src/ledger/store.ts'
import type { DamageClass } from '../../../src/ledger/verify/damage.ts'
import { committed, draft, newId, SESSION } from '../../support/drafts.ts'
import { ORIGIN } from '../../support/evidence-store.ts'
import { honestSession, rewritten, type StoredSession, verifyRows } from '../../support/honest-log.ts'

const ENTRIES = 7

function seven(): StoredSession {
  return honestSession(Array.from({ length: ENTRIES }, (_, index) => draft({ commitments: committed(`v${index}`) })))
}

function at(stored: StoredSession, seq: number): StoredEntry {
  const entry = stored.entries[seq]
  if (entry === undefined) throw new Error(`no entry ${seq}`)
  return entry
}

function replace(stored: StoredSession, seq: number, entry: StoredEntry): void {
  stored.entries[seq] = entry
}

function classes(stored: StoredSession): DamageClass[] {
  return verifyRows(stored).findings.map((finding) => finding.class)
}

const alterTool = (text: string) => text.replace('get_file_contents', 'get_file_kontents')

/** First, middle, last: an end of the chain has other neighbours than its middle. */
const PLACES = [0, 3, ENTRIES - 1] as const

describe('verify', () => {
  it('finds nothing in an honest session', () => {
    const report = verifyRows(seven())
    expect(report).toMatchObject({ valid: true, totalEntries: ENTRIES, findings: [], brokenLink: null })
    expect(report.trust.level).toBe('unsigned')
  })

  it.each(PLACES)('names an altered body at seq %i and the link it breaks', (seq) => {
    const stored = seven()
    replace(stored, seq, rewritten(at(stored, seq), alterTool))
    const report = verifyRows(stored)
    expect(report.valid).toBe(false)
    expect(report.brokenLink).toBe(`seq ${seq} -> ${seq + 1} (entry ${seq}) ALTERED_BODY`)
    expect(report.findings).toHaveLength(1)
  })

  it.each(PLACES)('names an altered hash at seq %i', (seq) => {
    const stored = seven()
    const entry = at(stored, seq)
    replace(stored, seq, { ...entry, hash: entry.hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) })
    expect(classes(stored)).toEqual(['ALTERED_HASH'])
  })

  it.each([0, 3, 5])('names a body at seq %i that was rewritten together with its hash', (seq) => {
    const stored = seven()
    replace(stored, seq, rewritten(at(stored, seq), alterTool, true))
    const report = verifyRows(stored)
    expect(report.brokenLink).toBe(`seq ${seq} -> ${seq + 1} (entry ${seq}) ALTERED_BODY`)
  })

  it('sees by the head row that the last entry was rewritten together with its hash', () => {
    const stored = seven()
    replace(stored, 6, rewritten(at(stored, 6), alterTool, true))
    expect(verifyRows(stored).brokenLink).toBe('seq 6 -> head (entry 6) ALTERED_LINK')
  })

  it.each([1, 3, 6])('names an altered link at seq %i', (seq) => {
    const stored = seven()
    const other = 'f'.repeat(64)
    const relink = (text: string) => text.replace(/"prev":"\w{64}"/, `"prev":"${other}"`)
    replace(stored, seq, { ...rewritten(at(stored, seq), relink), prev: other })
    expect(classes(stored)).toEqual(expect.arrayContaining(['ALTERED_LINK', 'ALTERED_BODY']))
    expect(verifyRows(stored).brokenLink).toContain(`seq ${seq - 1} -> ${seq} (entry ${seq}) ALTERED_LINK`)
  })

  it.each([1, 3, 5])('names a deleted entry at seq %i and no other damage', (seq) => {
    const stored = seven()
    stored.entries.splice(seq, 1)
    const report = verifyRows(stored)
    expect(report.brokenLink).toBe(`seq ${seq - 1} -> ${seq + 1} DELETED`)
    expect(report.findings).toHaveLength(1)
  })

  it('names a deleted range', () => {
    const stored = seven()
    stored.entries.splice(2, 3)
    expect(verifyRows(stored).findings[0]).toMatchObject({ class: 'DELETED', detail: 'seq 2 to 4 are missing' })
  })

  it('names a cut head, a cut tail, and a session that is gone', () => {
    const head = seven()
    head.entries.splice(0, 2)
    expect(classes(head)).toEqual(['TRUNCATED_HEAD'])
    const tail = seven()
    tail.entries.splice(5)
    expect(verifyRows(tail).brokenLink).toBe('seq 4 -> 5 (entry 4) TRUNCATED_TAIL')
    const gone = seven()
    gone.entries.length = 0
    expect(classes(gone)).toEqual(['SESSION_MISSING'])
  })

  it.each([
    [2, 3],
    [0, 6],
    [1, 5],
  ])('names entries %i and %i that changed places', (one, other) => {
    const stored = seven()
    const [first, second] = [at(stored, one), at(stored, other)]
    replace(stored, one, second)
    replace(stored, other, first)
    const found = classes(stored)
    expect(found).toContain('REORDERED')
    expect(found).not.toContain('DELETED')
  })

  it('names an order that was reversed', () => {
    const stored = seven()
    stored.entries.reverse()
    expect(classes(stored)).toContain('REORDERED')
  })

  it('names an entry that is there twice, or inserted, or forked', () => {
    const twice = seven()
    twice.entries.splice(4, 0, at(twice, 3))
    expect(classes(twice)).toContain('INSERTED')
    const far = seven()
    far.entries.push({ ...at(far, 2), n: 90 })
    expect(classes(far)).toContain('INSERTED')
    const fork = seven()
    const rival = rewritten(at(fork, 3), alterTool, true)
    fork.entries.splice(4, 0, { ...rival, n: 3.5 })
    expect(verifyRows(fork).brokenLink).toBe('seq 2 -> 3 (entry 3.5) FORK')
  })

  it('names an entry that was added at the end', () => {
    const stored = honestSession(Array.from({ length: 8 }, () => draft()))
    const shorter = honestSession([draft()])
    stored.head = { ...shorter.head, nextSeq: 7, headHash: at(stored, 6).hash }
    expect(classes(stored)).toEqual(['INSERTED'])
  })

  it('names entries of another session or another log', () => {
    const other = honestSession([draft({ session: 'key_b2/other' as SessionId })])
    const spliced = seven()
    spliced.entries.splice(3, 1, { ...at(other, 0), n: 3 })
    expect(classes(spliced)).toEqual(expect.arrayContaining(['WRONG_SESSION', 'DELETED']))
    const foreign = honestSession([draft(), draft()], 'aegis.example/log/other')
    expect(classes(foreign)).toEqual(expect.arrayContaining(['WRONG_LOG', 'TRUNCATED_HEAD']))
  })

  it.each([
    ['white space', (text: string) => `${text} `],
    ['member order', (text: string) => text.replace(/^\{("action":\{.*?\}),("actor":\{.*?\})/, '{$2,$1')],
    ['a number form', (text: string) => text.replace(/"seq":(\d+)/, '"seq":$1.0')],
    ['an escape', (text: string) => text.replace('"allow"', '"\\u0061llow"')],
    ['a duplicate key', (text: string) => text.replace('{', '{"action":1,')],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
    ['an unknown member', (text: string) => text.replace(',"v":', ',"u":1,"v":')],
    ['no object', () => 'null'],
    ['no text at all', () => ''],
  ])('calls a body that differs in %s not canonical, even with its hash', (_, change) => {
    const stored = seven()
    replace(stored, 3, rewritten(at(stored, 3), change, true))
    expect(classes(stored)).toContain('NON_CANONICAL')
  })

  it('refuses to judge a format version it does not know', () => {
    const stored = seven()
    replace(
      stored,
      6,
      rewritten(at(stored, 6), (text) => text.replace('aegis-evidence/1', 'aegis-evidence/2'), true),
    )
    expect(verifyRows(stored)).toMatchObject({ valid: false, undecided: expect.stringContaining('format version') })
  })

  it.each(['eid', 'session', 'kind', 'env', 'ts', 'prev'] as const)('compares the column %s with the body', (name) => {
    const stored = seven()
    replace(stored, 3, { ...at(stored, 3), [name]: 'x' })
    expect(classes(stored)).toEqual(['PROJECTION_MISMATCH'])
    replace(stored, 3, { ...at(stored, 3), [name]: null })
    expect(classes(stored)).toEqual(['PROJECTION_MISMATCH'])
  })

  it('compares the columns seq and n with the chain', () => {
    const seq = seven()
    replace(seq, 3, { ...at(seq, 3), seq: 30 })
    expect(classes(seq)).toEqual(['PROJECTION_MISMATCH'])
    const n = seven()
    replace(n, 3, { ...at(n, 3), n: 1 })
    expect(classes(n)).toContain('REORDERED')
  })

  it('compares payloads with what the entries commit to', () => {
    const value = seven()
    value.payloads = value.payloads.map((payload) =>
      payload.n === 3 ? { ...payload, value: Buffer.from('{"title":"other"}') } : payload,
    )
    expect(classes(value)).toEqual(['PAYLOAD_MISMATCH'])
    const path = seven()
    path.payloads = path.payloads.map((payload) => (payload.n === 3 ? { ...payload, path: 'comment' } : payload))
    expect(classes(path).sort()).toEqual(['PAYLOAD_MISMATCH', 'PAYLOAD_MISSING'])
    const gone = seven()
    gone.payloads = gone.payloads.filter(({ n }) => n !== 3)
    expect(verifyRows(gone).brokenLink).toBe('seq 3 -> 4 (entry 3) PAYLOAD_MISSING')
  })

  it('compares the head row with the chain', () => {
    const count = seven()
    count.head = { ...count.head, nextSeq: 9 }
    expect(classes(count)).toEqual(['PROJECTION_MISMATCH'])
    const hash = seven()
    hash.head = { ...hash.head, headHash: 'a'.repeat(64) }
    expect(classes(hash)).toEqual(['ALTERED_LINK'])
  })

  it('puts the first broken link on top and lists every other finding', () => {
    const stored = seven()
    replace(stored, 5, rewritten(at(stored, 5), alterTool))
    replace(stored, 2, rewritten(at(stored, 2), alterTool))
    const report = verifyRows(stored)
    expect(report.brokenLink).toBe('seq 2 -> 3 (entry 2) ALTERED_BODY')
    expect(report.findings.map(({ place }) => place)).toEqual(['seq 2 -> 3 (entry 2)', 'seq 5 -> 6 (entry 5)'])
  })

  it('names the altered body before what follows from it: another column, no form at all', () => {
    const kind = seven()
    replace(
      kind,
      3,
      rewritten(at(kind, 3), (text) => text.replace('"allow"', '"block"')),
    )
    expect(classes(kind)).toEqual(['ALTERED_BODY', 'PROJECTION_MISMATCH'])
    const form = seven()
    replace(
      form,
      3,
      rewritten(at(form, 3), (text) => text.replace('"allow"', '"Allow"')),
    )
    expect(classes(form)).toEqual(['ALTERED_BODY'])
  })

  it('takes a clock that went back as a warning', () => {
    const hours = ['14', '15', '13', '16'].map((hour) => `2026-04-06T${hour}:00:00.000Z`)
    const report = verifyRows(honestSession([draft(), draft(), draft(), draft()], ORIGIN, hours))
    expect(report.valid).toBe(true)
    expect(report.findings.map((finding) => [finding.class, finding.seq])).toEqual([['CLOCK_BACKWARDS', 2]])
  })
})

/** Sessions as the gateway would write them: reads, forwarded calls with results, approvals that are used once. */
const HONEST: fc.Arbitrary<EntryDraft[]> = fc
  .array(fc.constantFrom('read', 'block', 'forward', 'dangling', 'approval', 'denied'), { minLength: 1, maxLength: 12 })
  .map((acts) => acts.flatMap((act) => draftsOf(act)))

function draftsOf(act: string): EntryDraft[] {
  const env = newId()
  const ref = newId()
  const commitments = committed(act)
  switch (act) {
    case 'read':
      return [draft()]
    case 'block':
      return [draft({ kind: 'block', commitments })]
    case 'dangling':
      return [draft({ effect: 'forward', env })]
    case 'approval':
      return [
        draft({ kind: 'review', env: ref, commitments, effect: null }),
        draft({ kind: 'approve', env: ref, effect: null }),
        draft({ env, ref, commitments, effect: 'forward' }),
        draft({ kind: 'result', env, effect: null, outcome: { label: 'pr/1', status: 'ok', credential: null } }),
      ]
    case 'denied':
      return [
        draft({ kind: 'review', env: ref, commitments, effect: null }),
        draft({ kind: 'deny', env: ref, effect: null }),
      ]
    default:
      return [draft({ effect: 'forward', env, commitments }), draft({ kind: 'result', env, effect: null })]
  }
}

describe('verify, whatever the session', () => {
  it('raises no false alarm: 300 random honest sessions are valid', () => {
    fc.assert(
      fc.property(HONEST, (drafts) => {
        const report = verifyRows(honestSession(drafts))
        expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
        expect(report.valid).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('finds a change of any single byte of any stored body, hash or payload', () => {
    fc.assert(
      fc.property(
        HONEST,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(2),
        (drafts, pick, offset, flip, part) => {
          const stored = honestSession(drafts)
          const seq = pick % stored.entries.length
          const entry = at(stored, seq)
          if (part === 0) {
            const body = Uint8Array.from(entry.body)
            body[offset % body.length] = (body[offset % body.length] ?? 0) ^ flip
            replace(stored, seq, { ...entry, body })
          } else if (part === 1) {
            const index = offset % entry.hash.length
            const digit = String.fromCharCode(entry.hash.charCodeAt(index) ^ flip)
            replace(stored, seq, { ...entry, hash: entry.hash.slice(0, index) + digit + entry.hash.slice(index + 1) })
          } else {
            const payload = stored.payloads[pick % Math.max(1, stored.payloads.length)]
            if (payload === undefined) return
            const value = Uint8Array.from(payload.value)
            value[offset % value.length] = (value[offset % value.length] ?? 0) ^ flip
            stored.payloads[stored.payloads.indexOf(payload)] = { ...payload, value }
          }
          const expected = (['ALTERED_BODY', 'ALTERED_HASH', 'PAYLOAD_MISMATCH'] as const)[part]
          const report = verifyRows(stored)
          expect(report.valid).toBe(false)
          expect(report.findings.map((finding) => finding.class)).toContain(expected)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('finds any deletion, any swap, any insertion', () => {
    fc.assert(
      fc.property(HONEST, fc.nat(), fc.nat(), fc.nat(2), (drafts, one, other, what) => {
        const stored = honestSession([...drafts, draft(), draft()])
        const count = stored.entries.length
        const [a, b] = [one % count, other % count]
        if (what === 0) stored.entries.splice(a, 1)
        else if (what === 1) stored.entries.splice(b, 0, at(stored, a))
        else {
          if (a === b) return
          const [first, second] = [at(stored, a), at(stored, b)]
          replace(stored, a, second)
          replace(stored, b, first)
        }
        expect(verifyRows(stored).valid).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('finds a change of any column', () => {
    const names = ['eid', 'session', 'seq', 'kind', 'env', 'ts', 'prev'] as const
    fc.assert(
      fc.property(HONEST, fc.nat(), fc.constantFrom(...names), fc.string(), (drafts, pick, name, text) => {
        const stored = honestSession(drafts)
        const seq = pick % stored.entries.length
        const entry = at(stored, seq)
        replace(stored, seq, { ...entry, [name]: name === 'seq' ? seq + 1 : `${entry[name]}${text}~` })
        expect(classes(stored)).toContain('PROJECTION_MISMATCH')
      }),
      { numRuns: 300 },
    )
  })

  it('never throws and always finds fault, whatever bytes stand in for an entry', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.nat(6), (body, hash, seq) => {
        const stored = seven()
        replace(stored, seq, { ...at(stored, seq), body, hash })
        expect(verifyRows(stored).valid).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the session id and the log', () => {
  it('are bound into the first entry', () => {
    const stored = seven()
    expect(verifyRows(stored, SESSION, ORIGIN).valid).toBe(true)
    expect(verifyRows(stored, 'key_a1/another').valid).toBe(false)
    expect(verifyRows(stored, SESSION, 'aegis.example/log/other').valid).toBe(false)
  })
})
