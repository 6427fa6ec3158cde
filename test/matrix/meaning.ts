import type { EnvelopeId } from '../../src/core/ids.ts'
import type { EntryDraft } from '../../src/ledger/draft.ts'
import { committed, draft, newId } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { createLogWriter } from './log.ts'
import { PINS, storeOf } from './sample.ts'

const commitments = committed('what was approved')
const planned: EntryDraft['commitments'] = [
  ...commitments,
  { path: 'plan', salt: Buffer.alloc(32, 7), value: { branch: 'aegis/fix', base: 'main' } },
]
const HOURS = (...hours: string[]) => hours.map((hour) => `2026-04-06T${hour}:00:00.000Z`)

/** `count` plain reads, each at its time. */
const CLOCKS: readonly { readonly name: string; readonly times: readonly string[]; readonly back: number | null }[] = [
  { name: 'goes on', times: HOURS('14', '15', '16'), back: null },
  { name: 'goes back an hour', times: HOURS('14', '13', '15'), back: 1 },
  { name: 'goes back a millisecond', times: ['2026-04-06T14:00:00.001Z', '2026-04-06T14:00:00.000Z'], back: 1 },
  { name: 'goes back at the end', times: HOURS('14', '15', '14'), back: 2 },
  {
    name: 'jumps ahead a year and back',
    times: ['2026-04-06T14:00:00.000Z', '2027-04-06T14:00:00.000Z', ...HOURS('15')],
    back: 2,
  },
  { name: 'stands still', times: HOURS('14', '14', '14'), back: null },
  { name: 'passes a leap second', times: ['2026-06-30T23:59:59.999Z', '2026-07-01T00:00:00.000Z'], back: null },
  { name: 'passes a new year', times: ['2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00.000Z'], back: null },
]

export async function clocks(): Promise<Group> {
  const cases = CLOCKS.map(({ name, times, back }): Case => {
    const expect: Expected =
      back === null
        ? { outcome: 'valid', only: [] }
        : { outcome: 'valid', class: 'CLOCK_BACKWARDS', seq: back, only: ['CLOCK_BACKWARDS'] }
    return {
      name: `a clock that ${name}`,
      evidence: () =>
        written(
          times.map(() => draft()),
          times,
        ),
      expect,
    }
  })
  return { name: 'T12 clocks', cases }
}

async function written(drafts: readonly EntryDraft[], times: readonly string[] = []): Promise<Evidence> {
  const writer = createLogWriter()
  drafts.forEach((one, index) => {
    const time = times[index]
    if (time !== undefined) writer.at(time)
    writer.append(one)
  })
  await writer.sign()
  return storeOf(writer.state(), { pins: PINS })
}

type Cast = Readonly<Record<'env' | 'ref' | 'second', EnvelopeId>>

const review = ({ ref }: Cast) => draft({ kind: 'review', env: ref, commitments, effect: null })
const settle =
  (kind: 'approve' | 'deny' | 'expire') =>
  ({ ref }: Cast) =>
    draft({ kind, env: ref, effect: null })
/** For ten minutes; a call of the last minute is written up to a minute later. */
const often = ({ ref }: Cast) =>
  draft({ kind: 'approve', env: ref, effect: null, findings: [{ name: 'repeat:600', verdict: 'allow' }] })
const TWO = ['2026-04-06T14:00:00.000Z', '2026-04-06T14:00:00.000Z']
const IN_TIME = '2026-04-06T14:11:00.000Z'
const LATE = '2026-04-06T14:11:00.001Z'
const redeem =
  (changes: Partial<EntryDraft> = {}) =>
  ({ env, ref }: Cast) =>
    draft({ env, ref, commitments, effect: 'forward', ...changes })
const result =
  (status: 'ok' | 'unsent' | 'error' = 'ok') =>
  ({ env }: Cast) =>
    draft({ kind: 'result', env, effect: null, outcome: { label: null, status, credential: null } })
const second = ({ second: env, ref }: Cast) => draft({ env, ref, commitments, effect: 'forward' })
const secondResult = ({ second: env }: Cast) => draft({ kind: 'result', env, effect: null })
const forward = ({ env }: Cast) => draft({ env, effect: 'forward' })
const orphan = ({ env }: Cast) => draft({ kind: 'orphan', env, ref: env, effect: null })
const bad = (kind: string, seq: number): Expected => ({
  outcome: 'tampered',
  class: kind,
  seq,
  only: [kind, 'UNRESOLVED'],
})
const fine: Expected = { outcome: 'valid', only: [] }

const STORIES: readonly {
  readonly name: string
  readonly acts: readonly ((cast: Cast) => EntryDraft)[]
  readonly expect: Expected
  readonly times?: readonly string[]
}[] = [
  { name: 'an approval is given, used, and ends', acts: [review, settle('approve'), redeem(), result()], expect: fine },
  { name: 'a result without its decision', acts: [result()], expect: bad('RESULT_WITHOUT_DECISION', 0) },
  { name: 'a second result', acts: [forward, result(), result()], expect: bad('RESULT_WITHOUT_DECISION', 2) },
  {
    name: 'a result of what was not to be sent',
    acts: [({ env }) => draft({ env }), result()],
    expect: bad('RESULT_WITHOUT_DECISION', 1),
  },
  {
    name: 'a result of what was blocked',
    acts: [({ env }) => draft({ kind: 'block', env, effect: 'none' }), result()],
    expect: bad('RESULT_WITHOUT_DECISION', 1),
  },
  { name: 'an orphan without its decision', acts: [orphan], expect: bad('RESULT_WITHOUT_DECISION', 0) },
  { name: 'an orphan closes what a crash left', acts: [forward, orphan], expect: fine },
  { name: 'a result after its orphan', acts: [forward, orphan, result()], expect: bad('RESULT_WITHOUT_DECISION', 2) },
  {
    name: 'an approval used before it was given',
    acts: [review, redeem(), result()],
    expect: bad('APPROVAL_ABSENT', 1),
  },
  {
    name: 'an approval used after it was denied',
    acts: [review, settle('deny'), redeem()],
    expect: bad('APPROVAL_ABSENT', 2),
  },
  {
    name: 'an approval used after it expired',
    acts: [review, settle('expire'), redeem()],
    expect: bad('APPROVAL_EXPIRED', 2),
  },
  {
    name: 'an approval that expired after it was given',
    acts: [review, settle('approve'), settle('expire'), redeem()],
    expect: bad('APPROVAL_EXPIRED', 3),
  },
  {
    name: 'an approval used twice',
    acts: [review, settle('approve'), redeem(), result(), second, secondResult],
    expect: bad('APPROVAL_REUSED', 4),
  },
  {
    name: 'an approval used twice, the first use failing',
    acts: [review, settle('approve'), redeem(), result('error'), second],
    expect: bad('APPROVAL_REUSED', 4),
  },
  {
    name: 'an approval given for a while, used twice',
    acts: [review, often, redeem(), result(), second, secondResult],
    times: [...TWO, ...TWO, IN_TIME, IN_TIME],
    expect: fine,
  },
  {
    name: 'an approval given for a while, used again after that',
    acts: [review, often, redeem(), result(), second],
    times: [...TWO, ...TWO, LATE],
    expect: bad('APPROVAL_REUSED', 4),
  },
  {
    name: 'an approval given for a while, used once and late',
    acts: [review, often, redeem(), result()],
    times: [...TWO, LATE, LATE],
    expect: fine,
  },
  {
    name: 'an approval used again, for the first was never sent',
    acts: [review, settle('approve'), redeem(), result('unsent'), second, secondResult],
    expect: fine,
  },
  {
    name: 'an approval used for other parameters',
    acts: [review, settle('approve'), redeem({ commitments: committed('else') })],
    expect: bad('APPROVAL_MISMATCH', 2),
  },
  {
    name: 'an approval used without its parameters',
    acts: [review, settle('approve'), redeem({ commitments: [] })],
    expect: bad('APPROVAL_MISMATCH', 2),
  },
  {
    name: 'an approval used for another target',
    acts: [
      ({ ref }) => draft({ kind: 'review', env: ref, commitments: target('one'), effect: null }),
      settle('approve'),
      redeem({ commitments: target('two') }),
    ],
    expect: bad('APPROVAL_MISMATCH', 2),
  },
  ...(['plan', 'params'] as const).map((path) => ({
    name: `an approval of a plan used without its ${path}`,
    acts: [
      ({ ref }: Cast) => draft({ kind: 'review', env: ref, commitments: planned, effect: null }),
      settle('approve'),
      redeem({ kind: 'rewrite', commitments: planned.filter((one) => one.path !== path) }),
    ],
    expect: bad('APPROVAL_MISMATCH', 2),
  })),
  {
    name: 'an approval of a plan used for that plan',
    acts: [
      ({ ref }) => draft({ kind: 'review', env: ref, commitments: planned, effect: null }),
      settle('approve'),
      redeem({ kind: 'rewrite', commitments: planned }),
    ],
    expect: { outcome: 'valid', class: 'UNRESOLVED', only: ['UNRESOLVED'] },
  },
  {
    name: 'an approval used for the same target',
    acts: [
      ({ ref }) => draft({ kind: 'review', env: ref, commitments: target('one'), effect: null }),
      settle('approve'),
      redeem({ commitments: target('one') }),
    ],
    expect: { outcome: 'valid', class: 'UNRESOLVED', only: ['UNRESOLVED'] },
  },
  {
    name: 'an approval used for another tool',
    acts: [
      review,
      settle('approve'),
      redeem({ action: { protocol: 'git', tool: 'github.delete_file', capability: 'write' } }),
    ],
    expect: bad('APPROVAL_MISMATCH', 2),
  },
  {
    name: 'an approval used by a rewrite for other parameters',
    acts: [review, settle('approve'), redeem({ kind: 'rewrite', commitments: committed('else') })],
    expect: bad('APPROVAL_MISMATCH', 2),
  },
  {
    name: 'an approval of another session',
    acts: [redeem(), result()],
    expect: { outcome: 'valid', class: 'APPROVAL_ELSEWHERE', only: ['APPROVAL_ELSEWHERE'] },
  },
  {
    name: 'a second review waits for the same approval',
    acts: [
      review,
      ({ second: env, ref }) => draft({ kind: 'review', env, ref, commitments, effect: null }),
      settle('approve'),
      redeem(),
      result(),
    ],
    expect: fine,
  },
  {
    name: 'what was sent has no result yet',
    acts: [forward],
    expect: { outcome: 'valid', class: 'UNRESOLVED', seq: 0, only: ['UNRESOLVED'] },
  },
]

function target(value: string): EntryDraft['commitments'] {
  return [{ path: 'target', salt: Buffer.alloc(32, 3), value }]
}

export async function meaning(): Promise<Group> {
  const cases = STORIES.map(({ name, acts, expect, times }): Case => {
    const cast: Cast = { env: newId(), ref: newId(), second: newId() }
    const drafts = acts.map((act) => act(cast))
    return { name, evidence: () => written(drafts, times), expect }
  })
  return { name: 'T16 the order of acts', cases }
}
