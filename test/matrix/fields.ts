import { canonicalBody } from '../../src/core/canonical.ts'
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'
import type { StoredEntry } from '../../src/ledger/store.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Expected, Group } from './case.ts'
import { type LogState, leafHashOf } from './log.ts'
import { ENTRIES, entryAt, indexOf, OTHER, PLACES, sample, tampered } from './sample.ts'

const COLUMNS = ['n', 'eid', 'session', 'seq', 'kind', 'env', 'ts', 'hash', 'prev', 'body'] as const
type Column = (typeof COLUMNS)[number]

const FIELDS = [
  ...['v', 'log', 'session', 'seq', 'prev', 'eid', 'kind', 'ts', 'gw', 'env', 'ref'],
  ...['actor.agent', 'actor.subject', 'actor.tenant', 'action.protocol', 'action.tool', 'action.capability'],
  ...['decision.rule', 'decision.policy', 'decision.policy_sha256', 'outcome.status', 'commit.params'],
] as const

const DAMAGES = ['bit flip', 'other valid value', 'null or empty', 're-encoding', 'swap with neighbour'] as const
type Damage = (typeof DAMAGES)[number]

/** The last has its neighbour before it. */
const neighbourOf = (seq: number) => (seq === ENTRIES - 1 ? seq - 1 : seq + 1)

export async function fieldMutations(): Promise<Group> {
  const state = await sample()
  const cases = PLACES.flatMap(({ name: place, seq }) =>
    DAMAGES.flatMap((damage) => [
      ...COLUMNS.map((column) => columnCase(state, column, damage, place, seq)),
      ...FIELDS.map((field) => fieldCase(state, field, damage, place, seq)),
    ]),
  )
  return { name: 'T1 field mutation', cases }
}

function columnCase(state: LogState, column: Column, damage: Damage, place: string, seq: number): Case {
  const index = indexOf(state, seq)
  const edit = (copy: LogState) => {
    const entry = entryAt(copy, index)
    if (damage !== 'swap with neighbour') {
      copy.entries[index] = { ...entry, [column]: damagedColumn(entry, column, damage) }
      return
    }
    // Rows of one session hold one name: the neighbour in the log is of another.
    const other = column === 'session' ? index + 1 : indexOf(state, neighbourOf(seq))
    const neighbour = entryAt(copy, other)
    copy.entries[index] = { ...entry, [column]: neighbour[column] }
    copy.entries[other] = { ...neighbour, [column]: entry[column] }
  }
  const expected = columnExpected(entryAt(state, index), column, damage, seq)
  return { name: `column ${column}, ${damage}, ${place}`, evidence: tampered(state, edit), expect: expected }
}

function columnExpected({ n }: StoredEntry, column: Column, damage: Damage, seq: number): Expected {
  const outcome = 'tampered'
  if (column === 'hash') return { outcome, class: 'ALTERED_HASH', n, seq }
  if (column === 'body') return { outcome, class: 'ALTERED_BODY', n, seq }
  if (column === 'n') return { outcome, class: ['REWRITTEN', 'REORDERED', 'PROJECTION_MISMATCH'] }
  if (column === 'session' || (column === 'seq' && damage === 'null or empty')) {
    return { outcome, class: seq === 0 ? 'TRUNCATED_HEAD' : seq === 3 ? 'DELETED' : 'TRUNCATED_TAIL' }
  }
  return { outcome, class: 'PROJECTION_MISMATCH', n, seq }
}

const OTHER_VALUES = {
  ...{ n: 500, seq: 40, eid: '0196a000-0000-7000-8000-000000000000', session: OTHER, kind: 'allow' },
  ...{ env: '0196a000-0000-7000-8000-000000000001', ts: '2026-04-06T15:00:00.000Z' },
  ...{ hash: 'ab'.repeat(32), prev: 'cd'.repeat(32) },
} as const

function damagedColumn(entry: StoredEntry, column: Column, damage: Exclude<Damage, 'swap with neighbour'>): unknown {
  if (column === 'body') return damagedBytes(entry.body, damage)
  const value = entry[column]
  if (damage === 'other valid value') return OTHER_VALUES[column]
  if (damage === 'null or empty') return column === 'hash' || column === 'kind' ? '' : column === 'n' ? -1 : null
  if (typeof value === 'number') return damage === 'bit flip' ? value ^ 0x400 : value + 0.5
  return damage === 'bit flip' ? flipped(String(value)) : reencoded(String(value))
}

function damagedBytes(body: Uint8Array, damage: Exclude<Damage, 'swap with neighbour'>): Uint8Array {
  const text = Buffer.from(body).toString()
  if (damage === 'null or empty') return new Uint8Array()
  if (damage === 'other valid value') return Buffer.from(text.replace('forge.', 'other.'))
  return Buffer.from(damage === 'bit flip' ? flipped(text) : text.replace(',', ', '))
}

function flipped(text: string): string {
  const at = Math.floor(text.length / 2)
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
}

/** The same for whoever does not look closely. */
function reencoded(text: string): string {
  return text.endsWith('Z') ? text.replace('Z', '+00:00') : text.toUpperCase()
}

function fieldCase(state: LogState, field: string, damage: Damage, place: string, seq: number): Case {
  const index = indexOf(state, seq)
  const { n } = entryAt(state, index)
  const edit = (copy: LogState) => {
    const entry = entryAt(copy, index)
    const text = textOf(entry)
    if (damage === 're-encoding') {
      const body = escaped(text, field)
      copy.entries[index] = { ...entry, body: Buffer.from(body), hash: leafHashOf(body) }
      return
    }
    const other = indexOf(state, neighbourOf(seq))
    const neighbour = textOf(entryAt(copy, other))
    const swap = damage === 'swap with neighbour' && get(text, field) !== get(neighbour, field)
    const value = swap ? get(neighbour, field) : damagedValue(text, field, damage)
    copy.entries[index] = { ...entry, body: Buffer.from(withField(text, field, value)) }
    if (swap) {
      const body = withField(neighbour, field, get(text, field))
      copy.entries[other] = { ...entryAt(copy, other), body: Buffer.from(body) }
    }
  }
  const kind = damage === 're-encoding' ? 'NON_CANONICAL' : 'ALTERED_BODY'
  const expected: Expected = { outcome: 'tampered', class: kind, n, seq }
  return { name: `body ${field}, ${damage}, ${place}`, evidence: tampered(state, edit), expect: expected }
}

function textOf({ body }: StoredEntry): string {
  return Buffer.from(body).toString()
}

function get(text: string, field: string): Json | undefined {
  const [outer = '', inner] = field.split('.')
  const value = JSON.parse(text)[outer]
  return inner === undefined ? value : value[inner]
}

function withField(text: string, field: string, value: Json | undefined): string {
  const [outer = '', inner] = field.split('.')
  const body: Record<string, Json | undefined> = JSON.parse(text)
  const held = body[outer]
  body[outer] =
    inner === undefined || !isObject(held)
      ? value
      : without({ ...held, [inner]: value ?? null }, value === undefined ? inner : '')
  return canonicalBody(without(body as JsonObject, body[outer] === undefined ? outer : ''))
}

function without(object: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
}

const OTHER_FIELDS: Readonly<Record<string, Json>> = {
  ...{ v: 'aegis-evidence/2', log: 'aegis.example/log/other', session: OTHER, seq: 40, kind: 'allow' },
  ...{ prev: 'cd'.repeat(32), 'commit.params': 'ef'.repeat(32), 'decision.policy_sha256': 'ee'.repeat(32) },
  ...{ ts: '2026-04-06T15:00:00.000Z', 'outcome.status': 'unknown' },
}

function damagedValue(text: string, field: string, damage: Damage): Json | undefined {
  const value = get(text, field)
  // What is the same in all entries of a log is exchanged for another name in this one.
  if (damage === 'swap with neighbour') return get(text, field === 'v' ? 'log' : field === 'log' ? 'v' : 'gw')
  if (damage === 'null or empty') return field.length % 2 === 0 ? null : undefined
  if (damage === 'other valid value') return OTHER_FIELDS[field] ?? '0196a000-0000-7000-8000-000000000002'
  return typeof value === 'number' ? value ^ 1 : flipped(String(value))
}

/** The same value in another spelling, which every parser reads alike. */
function escaped(text: string, field: string): string {
  const value = get(text, field)
  const name = field.split('.').at(-1) ?? ''
  const known = `"${name}":${JSON.stringify(value)}`
  if (!text.includes(known)) throw new Error(`${field} is not in ${SESSION}`)
  if (typeof value === 'number') return text.replace(known, `"${name}":${value}.0`)
  const first = String(value).charCodeAt(0).toString(16).padStart(4, '0')
  return text.replace(known, `"${name}":"\\u${first}${String(value).slice(1)}"`)
}
