import { expect, it } from 'vitest'
import { reviewerName } from '../../src/core/reviewer-name.ts'

it.each([
  ['mallory', 'alice', 'mallory (as alice)'],
  ['alice', 'alice', 'alice'],
  ['alice', null, 'alice'],
  ['alice', '', 'alice'],
])('a reviewer %s who calls themselves %s is told of as %s', (name, claimed, shown) => {
  expect(reviewerName(name, claimed)).toBe(shown)
})
