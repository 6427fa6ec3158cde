import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/read-settings.ts'
import type { FileSettings } from '../../src/config/shape.ts'
import { AegisError } from '../../src/core/errors.ts'
import { NO_NOTIFICATIONS } from '../../src/notifications/index.ts'

const around = { env: {}, resolve: (path: string) => `/etc/aegis/${path}` }
const read = (yaml: string): FileSettings => readSettings(`version: 1\n${yaml}`, 'aegis.yaml', around)

function complaint(yaml: string): string {
  try {
    read(yaml)
  } catch (error) {
    if (error instanceof AegisError) return error.message
    throw error
  }
  return 'no complaint'
}

const webhook = (more: string) => `notifications:\n  webhooks:\n    - { name: ops, secret_file: ops.secret, ${more} }\n`
const slack = (more: string) =>
  `notifications:\n  slack: { token_file: t, signing_secret_file: s, channel: C0123456789${more} }\n`

describe('notifications', () => {
  it('go nowhere unless told so', () => {
    expect(read('').notifications).toEqual(NO_NOTIFICATIONS)
  })

  it('a webhook hears of approvals and denials, and of no committed value, unless it asks for more', () => {
    expect(read(webhook('url: "https://hooks.example/x"')).notifications.webhooks).toEqual([
      {
        name: 'ops',
        url: 'https://hooks.example/x',
        secretFile: '/etc/aegis/ops.secret',
        events: ['approval', 'denied'],
        include: [],
        privately: false,
      },
    ])
  })

  it('read everything that can be said', () => {
    const more = 'url: "https://hooks.corp/x", events: [approval, result, approval], include: [target], private: true'
    expect(read(webhook(more)).notifications.webhooks[0]).toMatchObject({
      events: ['approval', 'result'],
      include: ['target'],
      privately: true,
    })
    expect(read(slack(', reviewers: { U0123ABC: alice }')).notifications.slack).toEqual({
      tokenFile: '/etc/aegis/t',
      signingSecretFile: '/etc/aegis/s',
      channel: 'C0123456789',
      apiUrl: 'https://slack.com/api',
      reviewers: { U0123ABC: 'alice' },
    })
    const rest = read('notifications: { remind_at: 50, github: { mode: comment } }\n').notifications
    expect(rest).toMatchObject({ remindAt: 50, github: 'comment' })
  })

  it.each([
    ['http to elsewhere', webhook('url: "http://hooks.example/x"'), /must be an https address/],
    ['a password in the address', webhook('url: "https://a:b@hooks.example/x"'), /without a user name or password/],
    ['no address', webhook('events: [approval]'), /webhooks\[0\]\.url` is missing/],
    ['an event there is none of', webhook('url: "https://h.example", events: [aproval]'), /did you mean `approval`/],
    ['budgets, which there are none of', webhook('url: "https://h.example", events: [budget]'), /one of approval/],
    ['a value that nobody commits to', webhook('url: "https://h.example", include: [secret]'), /one of target/],
    ['a secret in the file', webhook('url: "https://h.example", secret: hush'), /unknown key/],
    [
      'no secret',
      'notifications:\n  webhooks:\n    - { name: ops, url: "https://h.example" }\n',
      /secret_file` is missing/,
    ],
    ['a name that Slack has', webhook('url: "https://h.example"').replace('ops,', 'slack,'), /not slack or github/],
    [
      'a name with spaces',
      webhook('url: "https://h.example"').replace('name: ops', 'name: "o p s"'),
      /lower-case letters/,
    ],
    ['a channel by its name', slack('').replace('C0123456789', '"#reviews"'), /id of a channel/],
    ['a user by their name', slack(', reviewers: { alice: alice }'), /not the id of a user/],
    ['Slack at a plain address', slack(', api_url: "http://slack.example/api"'), /must be an https address/],
    ['a mode there is none of', 'notifications: { github: { mode: comments } }\n', /did you mean `comment`/],
    ['a reminder after the end', 'notifications: { remind_at: 100 }\n', /whole number from 1 to 99/],
    ['a place there is none of', 'notifications: { email: {} }\n', /unknown key `notifications.email`/],
  ])('refuse %s', (_, yaml, why) => {
    expect(complaint(yaml)).toMatch(why)
  })

  it('refuse two webhooks of one name', () => {
    const one = '    - { name: ops, secret_file: s, url: "https://h.example" }\n'
    expect(complaint(`notifications:\n  webhooks:\n${one}${one}`)).toMatch(/another webhook is called `ops`/)
  })
})
