import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSignatureCheck, type SignedRequest } from '../../../src/admin/slack/signature.ts'

/** Slack, "Verifying requests from Slack". */
const EXAMPLE = {
  secret: '8f742231b10e8888abcd99yyyzzz85a5',
  timestamp: '1531420618',
  body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  signature: 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
}
const SENT = 1_531_420_618_000
const good: SignedRequest = { ...EXAMPLE, body: Buffer.from(EXAMPLE.body) }

function signed(body: string, timestamp: string, secret = EXAMPLE.secret): SignedRequest {
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
  return { timestamp, signature: `v0=${mac}`, body: Buffer.from(body) }
}

describe('a request in the name of Slack', () => {
  it("is taken where it is Slack's own example", () => {
    expect(createSignatureCheck(() => SENT)(good, EXAMPLE.secret)).toBe(null)
  })

  it('is taken once', () => {
    let now = SENT
    const check = createSignatureCheck(() => now)
    expect(check(good, EXAMPLE.secret)).toBe(null)
    expect(check(good, EXAMPLE.secret)).toBe('replayed')
    now += 4 * 60_000
    expect(check(good, EXAMPLE.secret)).toBe('replayed')
    now += 2 * 60_000
    expect(check(good, EXAMPLE.secret)).toBe('stale')
  })

  it.each<[string, Partial<SignedRequest>, number, string]>([
    ['without a signature', { signature: undefined }, 0, 'unsigned'],
    ['without a time', { timestamp: undefined }, 0, 'unsigned'],
    ['five minutes old', {}, 301_000, 'stale'],
    ['from the future', {}, -301_000, 'stale'],
    ['with another body', { body: Buffer.from(`${EXAMPLE.body}&`) }, 0, 'forged'],
    ['with no body', { body: Buffer.alloc(0) }, 0, 'forged'],
    ['with another time', { timestamp: '1531420619' }, 0, 'forged'],
    ['with a time that is no number', { timestamp: '1531420618.0' }, 0, 'forged'],
    ['with an older scheme', { signature: EXAMPLE.signature.replace('v0', 'v1') }, 0, 'forged'],
    ['with a short signature', { signature: 'v0=a2114d' }, 0, 'forged'],
    ['with a signature in capitals', { signature: EXAMPLE.signature.toUpperCase() }, 0, 'forged'],
    ['signed by another secret', signed(EXAMPLE.body, EXAMPLE.timestamp, 'another'), 0, 'forged'],
  ])('is refused %s', (_, change, late, why) => {
    expect(createSignatureCheck(() => SENT + late)({ ...good, ...change }, EXAMPLE.secret)).toBe(why)
  })

  it('is refused while there is no secret, whatever it is signed with', () => {
    const empty = signed(EXAMPLE.body, EXAMPLE.timestamp, '')
    expect(createSignatureCheck(() => SENT)(empty, '')).toBe('unsigned')
  })

  it('does not fill the memory by being forged', () => {
    const check = createSignatureCheck(() => SENT)
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 }),
        (body, mac) => {
          const forged = { timestamp: EXAMPLE.timestamp, signature: `v0=${mac}`, body: Buffer.from(body) }
          return check(forged, EXAMPLE.secret) === 'forged' && check(forged, EXAMPLE.secret) === 'forged'
        },
      ),
    )
    expect(check(good, EXAMPLE.secret)).toBe(null)
  })
})
