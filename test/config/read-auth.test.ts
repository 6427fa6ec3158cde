import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/read-settings.ts'
import type { FileSettings } from '../../src/config/shape.ts'
import { AegisError } from '../../src/core/errors.ts'
import { DEFAULT_LIMITS, DEFAULT_LOGIN } from '../../src/identity/index.ts'

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

describe('auth', () => {
  it('trusts nobody unless told so', () => {
    expect(read('').auth).toEqual({ publicUrl: null, adminUrl: null, issuers: [], login: DEFAULT_LOGIN })
  })

  it('needs no more than the issuer', () => {
    expect(read('auth:\n  oauth:\n    - issuer: https://login.example.com\n').auth.issuers).toEqual([
      {
        issuer: 'https://login.example.com',
        audiences: [],
        jwksUri: null,
        algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'],
        tokenType: 'at+jwt',
        clockSkew: 30,
        scopes: [],
        nameClaim: 'preferred_username',
        sponsorClaim: null,
      },
    ])
  })

  it('may say everything', () => {
    const yaml = `auth:
  public_url: https://aegis.example.com
  oauth:
    - issuer: https://login.example.com/tenant
      audience: [api://aegis]
      jwks_uri: https://keys.example.com/jwks
      algorithms: [ES256]
      token_type: jwt
      clock_skew: 2m
      scopes: [mcp:use]
      name_claim: name
      sponsor_claim: email
`
    expect(read(yaml).auth).toMatchObject({
      publicUrl: 'https://aegis.example.com',
      issuers: [
        {
          audiences: ['api://aegis'],
          jwksUri: 'https://keys.example.com/jwks',
          algorithms: ['ES256'],
          tokenType: 'jwt',
          clockSkew: 120,
          sponsorClaim: 'email',
        },
      ],
    })
  })

  const issuer = (more: string) => `auth: { oauth: [ { issuer: "https://login.example.com", ${more} } ] }`
  it.each([
    [
      'an issuer without protection',
      'auth: { oauth: [ { issuer: "http://login.example.com" } ] }',
      /must be an https address/,
    ],
    [
      'an issuer with a query',
      'auth: { oauth: [ { issuer: "https://login.example.com?a=b" } ] }',
      /must be an https address/,
    ],
    ['no issuer', 'auth: { oauth: [ { audience: a } ] }', /issuer` is missing/],
    [
      'an issuer twice',
      'auth: { oauth: [ { issuer: "https://a.example" }, { issuer: "https://a.example" } ] }',
      /listed twice/,
    ],
    ['a shared secret', issuer('algorithms: [RS256, HS256]'), /must not be able to make one/],
    ['no signature at all', issuer('algorithms: [none]'), /must not be able to make one/],
    [
      'keys without protection',
      issuer('jwks_uri: "http://127.0.0.1/jwks"'),
      /only where the issuer itself is on loopback/,
    ],
    ['a clock that is an hour off', issuer('clock_skew: 1h'), /at most 5m/],
    ['scopes in one text', issuer('scopes: "a b"'), /names of scopes/],
    ['a scope that would end its header', issuer(`scopes: ['a"b']`), /names of scopes/],
    ['a misspelt key', issuer('audiences: [a]'), /did you mean `audience`/],
    [
      'a public address without protection',
      'auth: { public_url: "http://aegis.example.com" }',
      /must be an https address/,
    ],
  ])('refuses %s, and says where', (_, yaml, message) => {
    expect(complaint(yaml)).toMatch(message)
    expect(complaint(yaml)).toMatch(/^aegis\.yaml:\d+:\d+: /)
  })
})

describe('limits', () => {
  it('are generous unless told otherwise, and change one by one', () => {
    expect(read('').limits).toEqual(DEFAULT_LIMITS)
    expect(read('limits: { calls: 8 }').limits).toEqual({ ...DEFAULT_LIMITS, calls: { own: 8, all: 2048 } })
    expect(read('limits: { calls_per_second: 10 }').limits).toMatchObject({ rate: 10, burst: 20 })
    expect(read('limits: { sessions: 20000 }').limits.sessions).toEqual({ own: 20_000, all: 20_000 })
  })

  it.each([
    ['limits: { calls: 0 }', /whole number from 1/],
    ['limits: { calls_per_second: fast }', /whole number from 1/],
    ['limits: { calls: 10, all_calls: 5 }', /less than one key may have \(10\)/],
    ['limits: { call: 10 }', /did you mean `calls`/],
  ])('refuses %s', (yaml, message) => {
    expect(complaint(yaml)).toMatch(message)
  })
})

it('the page about access shows a configuration that loads, and names every key there is', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/access.md'), 'utf8')
  const [, example = ''] = /```yaml\nversion: 1\n([^`]*)```/.exec(page) ?? []
  const { auth, limits } = read(example)
  expect(auth.issuers[0]).toMatchObject({ scopes: ['mcp:use'], sponsorClaim: 'email' })
  expect(limits).toMatchObject({ rate: 50, calls: { own: 16 } })
  for (const key of ['audience', 'jwks_uri', 'algorithms', 'token_type', 'clock_skew', 'scopes', 'name_claim']) {
    expect(page).toContain(`| \`${key}\` |`)
  }
  for (const key of ['calls_per_second', 'burst', 'all_calls', 'all_waiting', 'all_sessions', 'all_streams']) {
    expect(page).toContain(`\`${key}\``)
  }
})
