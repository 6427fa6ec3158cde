import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/read-settings.ts'
import { loadConfig } from '../../src/config.ts'
import { AegisError } from '../../src/core/errors.ts'
import { DEFAULT_LOGIN } from '../../src/identity/index.ts'

const around = { env: {}, resolve: (path: string) => `/etc/aegis/${path}` }
const read = (login: string) => readSettings(`version: 1\nauth:\n${login}`, 'aegis.yaml', around).auth

function complaint(login: string): string {
  try {
    read(login)
  } catch (error) {
    if (error instanceof AegisError) return error.message
    throw error
  }
  return 'no complaint'
}

const NEEDED = `  login:
    issuer: https://login.example.com
    client_id: aegis
    roles: [{ claim: groups, value: aegis-admins, role: admin }]
`

describe('auth.login', () => {
  it('lets people log in with their keys for 8 hours, 24 in all, unless told so', () => {
    expect(read('  public_url: https://aegis.example.com\n').login).toEqual(DEFAULT_LOGIN)
    expect(read('  login: { idle: 30m, lasts: 12h }\n').login).toEqual({
      ...{ idle: 30 * 60_000, lasts: 12 * 3_600_000, provider: null },
    })
    expect(read('  login: { lasts: 1h }\n').login).toMatchObject({ idle: 3_600_000, lasts: 3_600_000 })
  })

  it('needs an issuer, a client and a rule', () => {
    expect(read(NEEDED).login.provider).toEqual({
      ...{ issuer: 'https://login.example.com', name: 'login.example.com', clientId: 'aegis', clientSecretFile: null },
      ...{ scopes: ['profile', 'email'], clockSkew: 30, nameClaim: 'name', ownerClaim: null },
      algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'],
      roles: [{ claim: ['groups'], value: 'aegis-admins', role: 'admin' }],
    })
  })

  it('may say everything', () => {
    const all = `  admin_url: https://aegis-admin.example.com/
${NEEDED}    name: Example
    client_secret_file: oidc.secret
    scopes: [email, groups]
    algorithms: ES256
    clock_skew: 1m
    name_claim: nickname
    owner_claim: employee
`
    const { adminUrl, login } = read(all.replace('claim: groups', 'claim: [realm_access, roles]'))
    expect(adminUrl).toBe('https://aegis-admin.example.com')
    expect(login.provider).toMatchObject({
      ...{ name: 'Example', clientSecretFile: '/etc/aegis/oidc.secret', scopes: ['email', 'groups'] },
      ...{ algorithms: ['ES256'], clockSkew: 60, nameClaim: 'nickname', ownerClaim: 'employee' },
      roles: [{ claim: ['realm_access', 'roles'], value: 'aegis-admins', role: 'admin' }],
    })
  })

  const rule = (text: string) => NEEDED.replace(/roles: .*/, `roles: [${text}]`)
  it.each([
    ['http off this machine', NEEDED.replace('https:', 'http:'), 'must be an https address'],
    ['no issuer', NEEDED.replace(/ {4}issuer.*\n/, ''), '`auth.login.issuer` is missing'],
    ['no client', NEEDED.replace(/ {4}client_id.*\n/, ''), '`auth.login.client_id` is missing'],
    ['no rules', NEEDED.replace(/ {4}roles.*\n/, ''), 'nobody could log in: write such as'],
    ['an empty list of rules', rule(''), 'nobody could log in'],
    ['a rule that makes agents', rule('{ claim: a, value: b, role: agent }'), 'must be one of viewer, reviewer, admin'],
    ['a rule without a value', rule('{ claim: a, role: admin }'), 'roles[0].value` is missing'],
    ['a rule with an empty path', rule('{ claim: [], value: b, role: admin }'), 'must name a claim'],
    ['a misspelt key', `${NEEDED}    owner_clam: x\n`, 'did you mean `owner_claim`'],
    ['a secret written out', `${NEEDED}    client_secret: hunter22\n`, 'name that as `client_secret_file`'],
    ['a symmetric algorithm', `${NEEDED}    algorithms: [HS256]\n`, 'must not be able to make one'],
    ['an hour of skew', `${NEEDED}    clock_skew: 1h\n`, 'at most 5m'],
    ['a session without end', '  login: { lasts: 1000h }\n', 'must be from 1m to 168h'],
    ['idling longer than it lasts', '  login: { idle: 9h, lasts: 8h }\n', 'must not be longer than `lasts`'],
    ['an admin address with a path', '  admin_url: https://a.example/aegis\n', 'without path and query'],
    ['an admin address without TLS', '  admin_url: http://a.example\n', 'must be an https address'],
  ])('says what to mend: %s', (_, login, said) => {
    expect(complaint(login)).toContain(said)
    expect(complaint(login)).not.toContain('hunter22')
  })

  it('must know its own address where others reach it, and is reached by it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'aegis-login-'))
    const world = { env: { AEGIS_CONFIG_DIR: folder, AEGIS_DATA_DIR: folder }, home: folder }
    const write = (more: string) =>
      writeFileSync(join(folder, 'aegis.yaml'), `version: 1\nlisten: { host: 0.0.0.0 }\nauth:\n${more}${NEEDED}`)
    try {
      write('')
      expect(() => loadConfig(world)).toThrow('nobody says under which address')
      write('  admin_url: https://aegis-admin.example.com:8443\n')
      expect(loadConfig(world).listen.allowedHosts).toEqual(['aegis-admin.example.com:8443'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
