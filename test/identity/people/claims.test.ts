import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RoleRule } from '../../../src/identity/index.ts'
import { nameOf, ownerOf, roleOf } from '../../../src/identity/people/claims.ts'

const claims = (more: Record<string, unknown>) => ({ sub: 'alice', ...more })
const rule = (claim: readonly string[], value: string, role: RoleRule['role'] = 'admin'): RoleRule => ({
  ...{ claim, value, role },
})

describe('the role of a person', () => {
  it.each<[string, Record<string, unknown>, RoleRule, boolean]>([
    ['a text', { team: 'ops' }, rule(['team'], 'ops'), true],
    ['one of a list', { groups: ['a', 'ops'] }, rule(['groups'], 'ops'), true],
    ['a nested list', { realm_access: { roles: ['ops'] } }, rule(['realm_access', 'roles'], 'ops'), true],
    [
      'a claim called as an address',
      { 'https://a.example/roles': ['ops'] },
      rule(['https://a.example/roles'], 'ops'),
      true,
    ],
    ['a verified address', { email: 'a@b.example', email_verified: true }, rule(['email'], 'a@b.example'), true],
    ['an address that anybody may have written', { email: 'a@b.example' }, rule(['email'], 'a@b.example'), false],
    [
      'one said to be verified in words',
      { email: 'a@b.example', email_verified: 'true' },
      rule(['email'], 'a@b.example'),
      false,
    ],
    ['part of a text', { team: 'ops,dev' }, rule(['team'], 'ops'), false],
    ['other letters', { team: 'OPS' }, rule(['team'], 'ops'), false],
    ['a number of the same look', { team: 7 }, rule(['team'], '7'), false],
    ['a list in a list', { groups: [['ops']] }, rule(['groups'], 'ops'), false],
    ['the name of a member', { groups: { ops: true } }, rule(['groups'], 'ops'), false],
    ['a dotted name', { realm_access: { roles: ['ops'] } }, rule(['realm_access.roles'], 'ops'), false],
    ['what every object has', {}, rule(['constructor', 'name'], 'Object'), false],
    ['a place in a list', { groups: ['ops'] }, rule(['groups', '0'], 'ops'), false],
  ])('by %s', (_, more, one, isGiven) => {
    expect(roleOf(claims(more), [one])).toBe(isGiven ? 'admin' : null)
  })

  it('is the highest that a rule gives, in whatever order they stand', () => {
    const rules = (['viewer', 'reviewer', 'admin'] as const).map((role) => rule(['groups'], role, role))
    fc.assert(
      fc.property(fc.shuffledSubarray(rules), fc.subarray(['viewer', 'reviewer', 'admin', 'x']), (some, groups) => {
        const given = some.filter(({ value }) => groups.includes(value)).map(({ role }) => role)
        const highest = (['admin', 'reviewer', 'viewer'] as const).find((role) => given.includes(role)) ?? null
        expect(roleOf(claims({ groups }), some)).toBe(highest)
      }),
    )
  })
})

describe('the self of a person', () => {
  it.each<[string, Record<string, unknown>, string | null, string | null]>([
    ['the verified address', { email: 'a@b.example', email_verified: true }, null, 'a@b.example'],
    ['no address that is not verified', { email: 'a@b.example' }, null, null],
    ['nor by naming the claim', { email: 'a@b.example' }, 'email', null],
    ['another claim', { employee: 'e-17' }, 'employee', 'e-17'],
    ['not that of an agent', { employee: 'agent:claude' }, 'employee', null],
    ['nothing with what nobody sees', { employee: 'e\u200b17' }, 'employee', null],
    ['nothing with blanks around', { employee: ' e-17' }, 'employee', null],
    ['nothing too long to be an owner', { employee: 'e'.repeat(65) }, 'employee', null],
    ['nothing empty', { employee: '' }, 'employee', null],
    ['no list', { employee: ['e-17'] }, 'employee', null],
  ])('is %s', (_, more, ownerClaim, owner) => {
    expect(ownerOf(claims(more), { ownerClaim })).toBe(owner)
  })

  it('has a name without what nobody sees, of a length that fits', () => {
    expect(nameOf(claims({ name: ` Ali\u202ece${'e'.repeat(99)}` }), { nameClaim: 'name' })).toBe(
      `Alice${'e'.repeat(59)}`,
    )
    expect(nameOf(claims({ name: 7 }), { nameClaim: 'name' })).toBe('')
  })
})
