import { describe, expect, it } from 'vitest'
import type { Allow, Finding, Verdict } from '../../../src/core/decision.ts'
import { AegisError } from '../../../src/core/errors.ts'
import type { Sha256 } from '../../../src/core/ids.ts'
import { failedWith, shadowNotice, withNotice } from '../../../src/entrances/mcp/shadow-notice.ts'

function decision(would: Verdict, label = 'shadow:room_1', more: readonly Finding[] = []): Allow {
  const shadow: Finding = { source: 'room', name: `shadow:${would}`, verdict: 'allow', reason: 'it would' }
  return {
    ...{ verdict: 'allow', rule: { policy: 'p', index: null, label }, policySha256: '0'.repeat(64) as Sha256 },
    ...{ findings: [...more, shadow], reason: 'the room watches', obligations: [] },
    blastRadius: { level: 'low', score: 1, reasons: [] },
  }
}
const guard = (verdict: Verdict, reason = 'a token in it'): Finding => {
  return { source: 'guard', name: 'guard:secrets', verdict, reason }
}
const warn = () => 'warn' as const

describe('what an agent is told where a room only watches', () => {
  it.each([
    ['block', 'blocked'],
    ['review', 'held for a person'],
    ['rewrite', 'turned into a pull request'],
  ] as const)('is that it would be %s, and why', (would, words) => {
    const found = decision(would, 'shadow:room_1', [guard(would), guard('allow', 'nothing')])
    expect(shadowNotice(found, warn)).toBe(
      `Aegis, shadow mode: this would have been ${words}: guard:secrets: a token in it`,
    )
  })

  it('is nothing in a room that observes, that enforces or that is gone, and for what no room let through', () => {
    for (const mode of ['observe', 'enforce', null] as const) {
      expect(shadowNotice(decision('block'), () => mode)).toBeNull()
    }
    expect(shadowNotice(decision('block', 'git:github.*'), warn)).toBeNull()
  })

  it('hides nothing', () => {
    const said = shadowNotice(decision('block', 'shadow:room_1', [guard('block', 'x\u202ey\u001b[8m')]), warn)
    expect(said).toContain('x[U+202E]y[U+001B][8m')
  })

  it('stands after what the tool said, and changes nothing else', () => {
    const result = { content: [{ type: 'text', text: 'done' }], structuredContent: { a: 1 }, isError: true }
    expect(withNotice({ kind: 'result', result }, 'beware')).toEqual({
      kind: 'result',
      result: { ...result, content: [...result.content, { type: 'text', text: 'beware' }] },
    })
    const others = [
      { kind: 'result', result: { contents: [] } },
      { kind: 'result', result: { resultType: 'input_required', inputRequests: {} } },
    ] as const
    for (const outcome of others) expect(withNotice(outcome, 'beware')).toBe(outcome)
    expect(withNotice({ kind: 'result', result }, null)).toEqual({ kind: 'result', result })
  })
  it('stands in the words of an error, whoever made it: what the upstream could not do was still not allowed', () => {
    const error = { code: -32000, message: 'the disk is full', data: { free: 0 } }
    expect(withNotice({ kind: 'error', error }, 'beware')).toEqual({
      kind: 'error',
      error: { ...error, message: 'the disk is full (beware)' },
    })
    const failure = new AegisError('upstream_unreachable', 'it is down', { advice: 'start it', data: { sent: false } })
    expect(failedWith(failure, 'beware')).toMatchObject({
      code: 'upstream_unreachable',
      message: 'it is down (beware)',
      advice: 'start it',
      path: null,
      data: { sent: false },
    })
    expect(failedWith(failure, null)).toBe(failure)
    const foreign = new Error('x')
    expect(failedWith(foreign, 'beware')).toBe(foreign)
  })
})
