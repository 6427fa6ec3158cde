import { describe, expect, it } from 'vitest'
import { isUndone, type Person, type Standing, slotOf } from '../../src/approvals/rights.ts'
import type { Approval, Reviewer, Vote } from '../../src/core/approval.ts'
import type { Role } from '../../src/core/envelope.ts'
import type { Principal } from '../../src/core/ids.ts'
import { pendingApproval } from '../support/drafts.ts'

type Known = Person & { readonly role: Role }

const person = (name: string, owner = name, role: Role = 'reviewer', principal = `key_${name}`): Known => {
  return { principal: principal as Principal, name, owner, role }
}
const reviewerOf = (one: Known): Reviewer & { readonly role: Role } => {
  return { ...one, claimed: null, channel: 'rest', separation: 'none' }
}
const yes = (one: Known): Vote => ({ reviewer: reviewerOf(one), comment: '', at: 1 })
const asks = (terms: Partial<Approval['terms']>, ...votes: readonly Vote[]): Approval => {
  const approval = pendingApproval({ votes })
  return { ...approval, terms: { ...approval.terms, ...terms } }
}
/** Who lets whom speak, who was shut out, and who wrote the policy; nobody asked for anything. */
const knowing = (
  delegators: readonly Known[] = [],
  out: readonly Known[] = [],
  authors: readonly Known[] = [],
): Standing => ({
  isSelf: async () => false,
  roomOwners: () => [],
  authors: async () => authors,
  delegators: async () => delegators,
  isShutOut: async ({ principal }) => out.some((one) => one.principal === principal),
})

const ALICE = person('alice')
const BOB = person('bob')
const ADELE = person('adele', 'adele', 'admin')

describe('speaking for another', () => {
  it('gives nobody a role: where an administrator is asked for, a reviewer does not become one', async () => {
    const terms = { role: 'admin' } as const
    const refused = slotOf(asks(terms), reviewerOf(BOB), knowing([ADELE]))
    await expect(refused).rejects.toMatchObject({ code: 'forbidden', advice: 'it asks for an administrator' })
    expect(await slotOf(asks(terms), reviewerOf(ADELE), knowing())).toEqual({ onBehalfOf: null })
  })

  it('takes the place that is named, with the role of one’s own', async () => {
    const terms = { role: 'admin', from: [['alice']] } as const
    const alice = { ...ALICE, role: 'admin' } as const
    await expect(slotOf(asks(terms), reviewerOf(BOB), knowing([alice]))).rejects.toMatchObject({ code: 'forbidden' })
    expect(await slotOf(asks(terms), reviewerOf(ADELE), knowing([alice]))).toMatchObject({
      onBehalfOf: { owner: 'alice' },
    })
    // Nor does a reviewer hand on a place that only an administrator has.
    await expect(slotOf(asks(terms), reviewerOf(ADELE), knowing([ALICE]))).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('where two people are needed', () => {
  const two = (vote: Vote) => asks({ reviewers: 2 }, vote)

  it.each([
    [
      'a login whose provider writes the address otherwise',
      person('alice', 'ALICE', 'reviewer', 'oidc:a:1'),
      'conflict',
    ],
    ['a login without a verified address', person('al', 'oidc:a:1', 'reviewer', 'oidc:a:1'), 'forbidden'],
    ['a key without an owner', person('spare', ''), 'forbidden'],
  ])('%s is no second one beside a key', async (_, second, code) => {
    await expect(slotOf(two(yes(ALICE)), reviewerOf(second), knowing())).rejects.toMatchObject({ code })
    await expect(slotOf(two(yes(second)), reviewerOf(ALICE), knowing())).rejects.toMatchObject({ code })
  })

  it('a yes that was said with a key revoked since is none', async () => {
    const approval = two(yes(ALICE))
    expect(await slotOf(approval, reviewerOf(BOB), knowing())).toEqual({ onBehalfOf: null })
    const refused = slotOf(approval, reviewerOf(BOB), knowing([], [ALICE]))
    await expect(refused).rejects.toMatchObject({ code: 'conflict', advice: expect.stringContaining('deny it') })
  })

  it('a yes of somebody who put a policy into force since is none where their word does not count', async () => {
    const terms = { reviewers: 2, notAuthor: true } as const
    const byAlice = knowing([], [], [ALICE])
    await expect(slotOf(asks(terms, yes(ALICE)), reviewerOf(BOB), byAlice)).rejects.toMatchObject({ code: 'conflict' })
    expect(await isUndone(asks(terms, yes(ALICE)), byAlice)).toBe(true)
    expect(await isUndone(asks({ reviewers: 2 }, yes(ALICE)), byAlice)).toBe(false)
  })
})
