import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type EnvelopeId, type Principal, uuidv7 } from '../../../src/core/ids.ts'
import { createReviewTaskIds } from '../../../src/entrances/mcp/index.ts'

const key = (fill: number) => new Uint8Array(32).fill(fill)
const ids = createReviewTaskIds(key(1))
const approval: fc.Arbitrary<EnvelopeId> = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 47 }), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([now, bytes]) => uuidv7(now, { bytes: () => bytes }))
const principal: fc.Arbitrary<Principal> = fc.stringMatching(/^key_[0-9a-f]{8}$/).map((text) => text as Principal)

it('leads back to the approval for the key that got it, also after a restart, and for no other', () => {
  fc.assert(
    fc.property(approval, principal, principal, (id, mine, other) => {
      const taskId = ids.of(id, mine)
      expect(ids.owns(taskId)).toBe(true)
      expect(createReviewTaskIds(key(1)).open(taskId, mine)).toBe(id)
      if (other !== mine) expect(ids.open(taskId, other)).toBeNull()
    }),
  )
})

it('opens nothing that was changed in any place', () => {
  fc.assert(
    fc.property(approval, principal, fc.nat(), fc.string({ minLength: 1, maxLength: 2 }), (id, mine, at, other) => {
      const taskId = ids.of(id, mine)
      const place = at % taskId.length
      const forged = taskId.slice(0, place) + other + taskId.slice(place + 1)
      if (forged !== taskId) expect(ids.open(forged, mine)).toBeNull()
    }),
  )
})

it('opens and owns nothing that an upstream makes up', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.uuid(),
        fc.string().map((text) => `aegis-${text}`),
      ),
      (text) => {
        expect(ids.open(text, 'key_one' as Principal)).toBeNull()
        expect(ids.owns(text)).toBe(false)
      },
    ),
  )
})

it('is told from those of another installation, which may be an upstream', () => {
  fc.assert(
    fc.property(approval, principal, (id, mine) => {
      const foreign = createReviewTaskIds(key(2)).of(id, mine)
      expect(ids.owns(foreign)).toBe(false)
      expect(ids.open(foreign, mine)).toBeNull()
    }),
  )
})
