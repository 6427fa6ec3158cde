import { expect, it } from 'vitest'
import { createQuestionBudget, QUESTIONS_PER_MINUTE } from '../../src/gateway/question-budget.ts'
import { handClock } from '../support/world.ts'

it('an upstream may ask so often in a minute, of each key; the next minute it may again', () => {
  const clock = handClock()
  const budget = createQuestionBudget(clock)
  const asked = (upstream: string, principal: string) =>
    Array.from({ length: QUESTIONS_PER_MINUTE + 5 }, () => budget.take(upstream, principal)).filter(Boolean).length
  expect(asked('notes', 'key_a')).toBe(QUESTIONS_PER_MINUTE)
  expect(asked('notes', 'key_b')).toBe(QUESTIONS_PER_MINUTE)
  expect(asked('other', 'key_a')).toBe(QUESTIONS_PER_MINUTE)
  clock.advance(60_000)
  expect(asked('notes', 'key_a')).toBe(QUESTIONS_PER_MINUTE)
})
