import { describe, expect, it } from 'vitest'
import type { EntryDraft } from '../../../src/ledger/draft.ts'
import { committed, draft, newId } from '../../support/drafts.ts'
import { honestSession, verifyRows } from '../../support/honest-log.ts'

const PULL = { protocol: 'git', tool: 'github.create_pull_request', capability: 'write' }
const commitments = committed('fix')

function story() {
  const approval = newId()
  const env = newId()
  const step = (changes: Partial<EntryDraft>) => draft({ action: PULL, effect: null, commitments, ...changes })
  return {
    review: step({ kind: 'review', env: approval }),
    again: step({ kind: 'review', env: newId(), ref: approval }),
    approve: step({ kind: 'approve', env: approval, commitments: [] }),
    often: step({
      kind: 'approve',
      env: approval,
      commitments: [],
      findings: [{ name: 'repeat:600', verdict: 'allow' }],
    }),
    nonsense: step({
      kind: 'approve',
      env: approval,
      commitments: [],
      findings: [{ name: 'repeat:1e9', verdict: 'allow' }],
    }),
    deny: step({ kind: 'deny', env: approval, commitments: [] }),
    expire: step({ kind: 'expire', env: approval, commitments: [] }),
    allow: step({ env, ref: approval, effect: 'forward' }),
    other: step({ env, ref: approval, effect: 'forward', commitments: committed('something else') }),
    second: step({ env: newId(), ref: approval, effect: 'none' }),
    third: step({ env: newId(), ref: approval, effect: 'none' }),
    result: step({ kind: 'result', env, outcome: { label: 'pr/1', status: 'ok', credential: null } }),
    asked: step({ kind: 'result', env, outcome: { label: null, status: 'input_required', credential: null } }),
    unsent: step({ kind: 'result', env, outcome: { label: null, status: 'unsent', credential: null } }),
  }
}

type Step = keyof ReturnType<typeof story>

/** Given for 600 s of repeated use; the calls of its last minute are written up to a minute later. */
const IN_TIME = '2026-04-06T14:33:00.000Z'
const LATE = '2026-04-06T14:33:00.001Z'

/** Times are of the steps; where there are none all happens at 14:22:00. */
const CASES: readonly [string, readonly (Step | readonly [Step, string])[], readonly string[]][] = [
  ['the whole way of an approval', ['review', 'approve', 'allow', 'result'], []],
  ['a repeated call that finds the approval waiting', ['review', 'again', 'approve', 'allow', 'result'], []],
  ['an approval used again after nothing was sent', ['review', 'approve', 'allow', 'unsent', 'second'], []],
  [
    'an approval used again after the upstream only asked for more',
    ['review', 'approve', 'allow', 'asked', 'second'],
    [],
  ],
  ['a result nobody decided on', ['result'], ['RESULT_WITHOUT_DECISION']],
  ['a second result', ['review', 'approve', 'allow', 'result', 'result'], ['RESULT_WITHOUT_DECISION']],
  ['an effect whose result was lost', ['review', 'approve', 'allow'], ['UNRESOLVED']],
  ['an approval used before it was given', ['review', 'allow', 'result'], ['APPROVAL_ABSENT']],
  ['an approval used after it was denied', ['review', 'deny', 'allow', 'result'], ['APPROVAL_ABSENT']],
  ['an approval used after it expired', ['review', 'approve', 'expire', 'allow', 'result'], ['APPROVAL_EXPIRED']],
  ['an approval used twice', ['review', 'approve', 'allow', 'result', 'second'], ['APPROVAL_REUSED']],
  ['an approval given for repeated use, used twice', ['review', 'often', 'allow', 'result', 'second'], []],
  ['repeated use to its end', ['review', 'often', 'allow', 'result', ['second', IN_TIME]], []],
  ['repeated use beyond its end', ['review', 'often', 'allow', 'result', ['second', LATE]], ['APPROVAL_REUSED']],
  ['a late use as the first one', ['review', 'often', ['allow', LATE], ['result', LATE]], []],
  [
    'repeated use beyond its end, after one that came to nothing',
    ['review', 'often', 'second', 'allow', 'unsent', ['third', LATE]],
    ['APPROVAL_REUSED'],
  ],
  ['repeated use that was never given', ['review', 'nonsense', 'allow', 'result', 'second'], ['APPROVAL_REUSED']],
  ['repeated use after its end', ['review', 'often', 'expire', 'second'], ['APPROVAL_EXPIRED']],
  ['an approval used for something else', ['review', 'approve', 'other', 'result'], ['APPROVAL_MISMATCH']],
  ['an approval of another session', ['allow', 'result'], ['APPROVAL_ELSEWHERE']],
]

describe('the order of acts', () => {
  it.each(CASES)('verify judges %s', (_, steps, expected) => {
    const drafts = story()
    const timed = steps.map((step) => (typeof step === 'string' ? ([step, undefined] as const) : step))
    const times = timed.map(([, time]) => time ?? '2026-04-06T14:22:00.000Z')
    const session = honestSession(
      timed.map(([step]) => drafts[step]),
      undefined,
      times,
    )
    const report = verifyRows(session)
    expect(report.findings.map((finding) => finding.class)).toEqual(expected)
    const harmless = expected.every((name) => name === 'UNRESOLVED' || name === 'APPROVAL_ELSEWHERE')
    expect(report.valid).toBe(harmless)
  })
})
