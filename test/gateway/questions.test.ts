import { describe, expect, it } from 'vitest'
import type { Outcome, Question } from '../../src/gateway/ports.ts'
import { resourceOf, ruledOutcome } from '../../src/gateway/questions.ts'
import { testChannel } from '../support/client-channel.ts'

const REFUSED = { code: -32001, message: 'policy: no' }
/** Whatever is no elicitation may not be asked. */
const question = async ({ method }: Question) => (method === 'elicitation/create' ? null : REFUSED)
const asking = (inputRequests: object): Outcome =>
  JSON.parse(JSON.stringify({ kind: 'result', result: { resultType: 'input_required', inputRequests } }))
const ruled = (outcome: Outcome) => ruledOutcome(question, 'notes', testChannel(), outcome)

it('means by a target the page that a person is asked to open', () => {
  expect(resourceOf({ mode: 'url', url: 'https://evil.example/login' })).toMatchObject({
    target: 'https://evil.example/login',
    operands: ['https://evil.example/login'],
  })
  expect(resourceOf({ message: 'which one?' })).toMatchObject({ target: '', operands: [] })
})

describe('an answer that asks for input', () => {
  it('passes where the client may be asked all of it', async () => {
    const outcome = asking({ a: { method: 'elicitation/create', params: {} }, b: { method: 'elicitation/create' } })
    expect(await ruled(outcome)).toBe(outcome)
  })

  it('is refused whole where one question may not be asked', async () => {
    const outcome = asking({ a: { method: 'elicitation/create' }, b: { method: 'sampling/createMessage' } })
    expect(await ruled(outcome)).toEqual({ kind: 'error', error: REFUSED })
  })

  it('is refused where it asks without end', async () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`q${at}`, { method: 'elicitation/create' }]))
    expect(await ruled(asking(many))).toMatchObject({ kind: 'error' })
  })

  it.each([
    { kind: 'result', result: { content: [] } },
    { kind: 'error', error: { code: -32000, message: 'x' } },
    asking([]),
  ] as Outcome[])('%j asks nothing', async (outcome) => {
    expect(await ruled(outcome)).toBe(outcome)
  })
})
