import { describe, expect, it } from 'vitest'
import { webhookHeaders, webhookKeys } from '../../src/core/webhook-signature.ts'

describe('the signature of a webhook', () => {
  it('is the one of Standard Webhooks for its published example', () => {
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: 1_614_265_330_999, body: '{"test": 2432232314}' }
    expect(webhookHeaders(message, webhookKeys('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n'))).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  it('is given once for each secret while one replaces another, the newest first', () => {
    const message = { id: 'one', at: 0, body: '{}' }
    const both = webhookHeaders(message, webhookKeys('new secret\nwhsec_b2xkIHNlY3JldA==\n'))['webhook-signature']
    const apart = ['new secret', 'old secret'].map((secret) => webhookHeaders(message, webhookKeys(secret)))
    expect(both).toBe(apart.map((headers) => headers['webhook-signature']).join(' '))
  })

  it.each([
    ['nothing', ''],
    ['blanks', ' \n '],
    ['a prefix alone', 'whsec_'],
    ['a prefix before what is no base64', 'whsec_not!base64'],
    ['one good line and one bad', 'a secret\nwhsec_?'],
  ])('has no key where the secret is %s', (_, secret) => {
    expect(webhookKeys(secret)).toEqual([])
  })
})
