import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/read-settings.ts'
import { AegisError } from '../../src/core/errors.ts'

const around = { env: {}, resolve: (path: string) => `/etc/aegis/${path}` }
const read = (yaml: string) => readSettings(`version: 1\n${yaml}`, 'aegis.yaml', around)
const complaint = (yaml: string): string => {
  try {
    read(yaml)
  } catch (error) {
    if (error instanceof AegisError) return error.message
  }
  throw new Error('was read')
}

const app = (more: string) => `{ type: github_app, app_id: 7, private_key_file: app.pem, ${more} }`
const upstream = (credential: string) =>
  `upstreams: { github: { catalog: github, url: "http://127.0.0.1:1", credential: ${credential} } }\n`
const TWO = `credentials:
  one: ${app('installations: { Acme: 11, other-org: 12 }')}
  two: ${app('installations: { elsewhere: 21 }')}
  open: ${app('')}
  fixed: { type: static, token_env: X }
`

describe('`credentials` in aegis.yaml', () => {
  it('takes the installation of each owner in place of one installation', () => {
    const { credentials } = read(`credentials:\n  github: ${app('installations: { Acme: 11, other-org: 12 }')}\n`)
    expect(credentials['github']).toMatchObject({
      installationId: null,
      installations: { Acme: 11, 'other-org': 12 },
    })
    const plain = read(`credentials:\n  github: ${app('installation_id: 11')}\n`).credentials['github']
    expect(plain).toMatchObject({ installationId: 11 })
    expect(plain).not.toHaveProperty('installations')
  })

  it('makes one credential of the list that an upstream borrows, in its order', () => {
    const { credentials, upstreams } = read(TWO + upstream('[two, one]'))
    expect(upstreams['github']?.credential).toBe('two,one')
    expect(credentials['two,one']).toEqual({ type: 'first_of', names: ['two', 'one'] })
    expect(Object.keys(credentials)).toEqual(['one', 'two', 'open', 'fixed', 'two,one'])
  })

  it.each(['one', '[one]', 'open', '[fixed]'])('leaves %s as the one credential it is', (credential) => {
    const { credentials, upstreams } = read(TWO + upstream(credential))
    expect(upstreams['github']?.credential).toBe(credential.replace(/[[\]]/g, ''))
    expect(Object.keys(credentials)).toHaveLength(4)
  })

  it.each([
    [
      `credentials:\n  a: ${app('installation_id: 1, installations: { x: 2 }')}\n`,
      'aegis.yaml:3:99: `credentials.a` has both `installation_id` and `installations`: leave one of them out',
    ],
    [`credentials:\n  a: ${app('installations: {}')}\n`, '`credentials.a.installations` names no owner'],
    [`credentials:\n  a: ${app('installations: [x]')}\n`, '`credentials.a.installations` must be a mapping'],
    [
      `credentials:\n  a: ${app('installations: { x: y }')}\n`,
      'aegis.yaml:3:84: `credentials.a.installations.x` must be a whole number',
    ],
    [`credentials:\n  a: ${app('installations: { x: 0 }')}\n`, 'must be a whole number from 1'],
    [
      `credentials:\n  a: ${app('installations: { "x/y": 1 }')}\n`,
      'aegis.yaml:3:88: `x/y` is not the name of an account at GitHub',
    ],
    [
      `credentials:\n  a: ${app('installations: { Acme: 1, ACME: 2 }')}\n`,
      'aegis.yaml:3:96: `credentials.a.installations.ACME` says it again',
    ],
    [
      TWO + upstream('[one, three]'),
      'aegis.yaml:7:86: `upstreams.github.credential[1]` names `three`, which `credentials` does not define',
    ],
    [TWO + upstream('[one, one]'), '`upstreams.github.credential[1]` names `one` twice'],
    [
      TWO + upstream('[one, fixed]'),
      '`upstreams.github.credential[1]` names `fixed`, but only Apps can stand in a list',
    ],
    [TWO + upstream('[open, one]'), '`upstreams.github.credential[0]` names `open`, which does not say whose'],
    [TWO + upstream('[]'), '`upstreams.github.credential` names no credential'],
    [TWO + upstream('[one, 3]'), '`upstreams.github.credential[1]` must be a text'],
    [TWO + upstream('{ one: two }'), '`upstreams.github.credential` must be a text'],
    [TWO + upstream('three'), '`upstreams.github.credential` names `three`, which `credentials` does not define'],
    [`credentials: { "a,b": ${app('')} }\n`, 'a name is lower-case letters'],
  ])('refuses %j', (yaml, message) => {
    expect(complaint(yaml)).toContain(message)
  })
})
