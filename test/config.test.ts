import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../src/config/read-settings.ts'
import { loadConfig, type World } from '../src/config.ts'
import { CATALOG_PREFIXES } from '../src/core/catalog/index.ts'
import { AegisError } from '../src/core/errors.ts'

function world(yaml: string | null, more: Partial<World> = {}): World {
  const home = mkdtempSync(join(tmpdir(), 'aegis-config-'))
  if (yaml !== null) {
    mkdirSync(join(home, '.config/aegis'), { recursive: true })
    writeFileSync(join(home, '.config/aegis/aegis.yaml'), yaml)
  }
  return { env: {}, home, ...more }
}

function complaint(yaml: string, env: Record<string, string> = {}): string {
  try {
    readSettings(yaml, 'aegis.yaml', { env, resolve: (path) => `/etc/aegis/${path}` })
  } catch (error) {
    if (error instanceof AegisError) return error.message
    throw error
  }
  return 'no complaint'
}

describe('where settings come from', () => {
  it('works without any file: loopback, 8080 and 8081, pr-writer, SQLite in the data directory', () => {
    const config = loadConfig(world(null))
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 8080, adminPort: 8081, allowedHosts: [] })
    expect(config.policies).toEqual(['pr-writer'])
    expect(config.source).toBeNull()
    expect(config.store).toBe(join(config.places.dataDir, 'aegis.db'))
  })

  it('takes flags before the environment, the environment before the file, the file before defaults', () => {
    const yaml = 'version: 1\nlisten: { port: 1001, admin_port: 2001 }\npolicy: readonly\nstore: other.db\n'
    const base = world(yaml)
    expect(loadConfig(base).listen.port).toBe(1001)
    const env = { AEGIS_PORT: '1002', AEGIS_ADMIN_PORT: '2002', AEGIS_POLICY: 'readonly,docs-writer' }
    const second = loadConfig({ ...base, env })
    expect(second.listen).toMatchObject({ port: 1002, adminPort: 2002 })
    expect(second.policies).toEqual(['readonly', 'docs-writer'])
    const third = loadConfig({ ...base, env, flags: { port: 1003, policy: './mine.yaml' }, cwd: '/work-tree' })
    expect(third.listen).toMatchObject({ port: 1003, adminPort: 2002 })
    expect(third.policies).toEqual(['/work-tree/mine.yaml'])
    expect(third.store).toBe(join(third.places.dataDir, 'other.db'))
  })

  it('keeps to XDG directories, ignores relative ones, and lets AEGIS_* win', () => {
    const home = '/home/alice'
    expect(loadConfig({ env: {}, home }).places.configDir).toBe('/home/alice/.config/aegis')
    expect(loadConfig({ env: { XDG_CONFIG_HOME: '/x' }, home }).places.configDir).toBe('/x/aegis')
    expect(loadConfig({ env: { XDG_CONFIG_HOME: 'x' }, home }).places.configDir).toBe('/home/alice/.config/aegis')
    expect(loadConfig({ env: { AEGIS_DATA_DIR: '/d', XDG_DATA_HOME: '/x' }, home }).places.dataDir).toBe('/d')
    expect(() => loadConfig({ env: { AEGIS_DATA_DIR: 'd' }, home })).toThrow(/not an absolute path/)
    expect(() => loadConfig({ env: {}, home: '' })).toThrow(/no home directory/)
  })

  it.each([
    [{ AEGIS_PORT: '80x' }, /AEGIS_PORT is not a port number/],
    [{ AEGIS_PORT: '70000' }, /AEGIS_PORT is not a port number/],
    [{ AEGIS_PORT: '8081' }, /both planes were given port 8081/],
    [{ AEGIS_STORE: 'mongodb://db' }, /no store speaks `mongodb`/],
    [{ AEGIS_DATA_DIR: `/${'d'.repeat(120)}` }, /unix socket's path/],
  ])('refuses %j', (env, message) => {
    expect(() => loadConfig(world(null, { env }))).toThrow(message)
  })
})

describe('access tokens', () => {
  const oauth = 'version: 1\nauth: { oauth: [ { issuer: "https://login.example.com" } ] }\n'

  it('on loopback need no address, anywhere else they do: a token is made out to it', () => {
    expect(loadConfig(world(oauth)).auth.publicUrl).toBeNull()
    const elsewhere = world(oauth, { env: { AEGIS_HOST: '0.0.0.0' } })
    expect(() => loadConfig(elsewhere)).toThrow(/nobody says under which address/)
  })

  it('make the public address a Host that is served', () => {
    const yaml =
      'version: 1\nlisten: { allowed_hosts: [a.example] }\nauth: { public_url: "https://aegis.example.com:8443/x" }\n'
    expect(loadConfig(world(yaml)).listen.allowedHosts).toEqual(['a.example', 'aegis.example.com:8443'])
  })
})

describe('aegis.yaml', () => {
  it('reads how the tools of an upstream are shown, and leaves the usual where nothing is said', () => {
    const upstream = (more: string) => {
      const config = loadConfig(
        world(`version: 1\nupstreams:\n  notes: { catalog: none, url: "http://x/mcp"${more} }\n`),
      )
      return config.upstreams['notes']?.listing
    }
    expect(upstream('')).toBeUndefined()
    expect(upstream(', pins: accept')).toEqual({ show: 'callable', pins: 'accept', askInClient: false })
    expect(upstream(', list: all, ask_in_client: reviewed')).toEqual({
      show: 'all',
      pins: 'trust-first',
      askInClient: true,
    })
    expect(() => upstream(', pins: trust')).toThrow(/pins/)
  })

  it('reads over what an upstream is reached, where that is not to be found out', () => {
    const route = (more: string) =>
      loadConfig(world(`version: 1\nupstreams:\n  old: { catalog: none, url: "http://x/sse"${more} }\n`)).upstreams[
        'old'
      ]?.route
    expect(route('')).not.toHaveProperty('transport')
    expect(route(', transport: sse')).toMatchObject({ transport: 'sse' })
  })

  it('reads which era of the protocol an upstream speaks, where that is not to be found out', () => {
    const upstream = (more: string) =>
      loadConfig(world(`version: 1\nupstreams:\n  up: { catalog: none, url: "http://x/mcp"${more} }\n`)).upstreams['up']
    for (const silent of ['', ', era: auto']) expect(upstream(silent)).not.toHaveProperty('era')
    expect(upstream(', era: modern')).toMatchObject({ era: 'modern' })
    expect(upstream(', era: legacy, transport: sse')).toMatchObject({ era: 'legacy' })
    expect(() => upstream(', era: modern, transport: sse')).toThrow(/of the legacy era/)
    expect(() => upstream(', era: modren')).toThrow(/did you mean `modern`/)
  })

  it('reads upstreams, credentials and the local forge', () => {
    const yaml = `
version: 1
upstreams:
  github:
    catalog: github
    command: [node, server.js]
    env: { AEGIS_FORGE_URL: "http://127.0.0.1:8082", GH_TOKEN: "\${GH}" }
    credential: github
    on_review: hold
    timeout: 90s
  search: { catalog: none, url: "https://mcp.example/mcp", headers: { Authorization: "Bearer \${GH}" } }
credentials:
  github: { type: github_app, app_id: 7, private_key_file: app.pem, api_url: "http://127.0.0.1:8082" }
  fixed: { type: static, token_env: GH }
local_forge: { port: 8082, repository: aegisflow/aegisflow, app_id: 7, public_key_file: app.pub }
`
    const config = loadConfig(world(yaml, { env: { GH: 'value-of-gh' } }))
    const folder = config.places.configDir
    expect(config.upstreams['github']).toEqual({
      catalog: 'github',
      route: {
        kind: 'stdio',
        command: ['node', 'server.js'],
        env: { AEGIS_FORGE_URL: 'http://127.0.0.1:8082', GH_TOKEN: 'value-of-gh' },
        cwd: null,
        credentialEnv: 'GITHUB_PERSONAL_ACCESS_TOKEN',
      },
      credential: 'github',
      onReview: 'hold',
      timeout: 90_000,
    })
    expect(config.upstreams['search']?.route).toMatchObject({ headers: { Authorization: 'Bearer value-of-gh' } })
    expect(config.credentials['github']).toMatchObject({ appId: '7', privateKeyFile: join(folder, 'app.pem') })
    expect(config.localForge).toMatchObject({ dataDir: join(config.places.dataDir, 'forge'), appId: '7' })
  })

  it.each([
    ['lisen: {}\n', 'aegis.yaml:1:1: unknown key `lisen`, did you mean `listen`?'],
    ['version: 2\n', 'aegis.yaml:1:10: this Aegis reads `version: 1` only'],
    ['listen: {}\n', '`version: 1` is missing'],
    ['version: 1\nlisten:\n  prot: 1\n', 'aegis.yaml:3:3: unknown key `listen.prot`, did you mean `port`?'],
    ['version: 1\nlisten: { port: 70000 }\n', 'aegis.yaml:2:17: `listen.port` must be a whole number from 0 to 65535'],
    ['version: 1\nlisten: { port: 9, admin_port: 9 }\n', '`listen.port` and `listen.admin_port` must differ'],
    ['version: 1\nversion: 1\n', 'Map keys must be unique'],
    ['version: 1\npolicy: [a, 3]\n', '`policy[1]` must be a text'],
    ['version: 1\nupstreams: { a: { catalog: githib, url: "http://x" } }\n', 'did you mean `github`?'],
    ['version: 1\nupstreams: { a: { url: "http://x" } }\n', '`upstreams.a.catalog` is missing'],
    ['version: 1\nupstreams: { a: { catalog: none } }\n', '`upstreams.a` needs either `url` or `command`'],
    ['version: 1\nupstreams: { a: { catalog: none, url: "ftp://x" } }\n', 'must be an http or https address'],
    ['version: 1\nupstreams: { a: { catalog: none, url: "http://u:p@x" } }\n', 'holds a user name or password'],
    ...CATALOG_PREFIXES.map((name) => [
      `version: 1\nupstreams: { ${name}: { catalog: none, url: "http://x" } }\n`,
      `\`upstreams.${name}\` has \`catalog: none\` but the name of a catalog's tools`,
    ]),
    ['version: 1\nupstreams: { a__b: { catalog: none, url: "http://x" } }\n', 'a name is lower-case letters'],
    ['version: 1\nupstreams: { a: { catalog: none, url: "http://x", cwd: "." } }\n', 'has no meaning beside `url`'],
    [
      'version: 1\nupstreams: { a: { catalog: none, command: [x], transport: sse } }\n',
      'has no meaning beside `command`',
    ],
    ['version: 1\nupstreams: { a: { catalog: none, url: "http://x", transport: websocket } }\n', 'transport'],
    ['version: 1\nupstreams: { a: { catalog: none, url: "http://x", credential: c } }\n', 'does not define'],
    ['version: 1\nupstreams: { a: { catalog: none, url: "http://x", timeout: 5 } }\n', 'must be a text'],
    ['version: 1\nupstreams: { a: { catalog: none, url: "http://x", timeout: 5d } }\n', 'must be a duration'],
    ['version: 1\ncredentials: { c: { type: static } }\n', 'needs either `token_env` or `token_file`'],
    ['version: 1\ncredentials: { c: { type: vault } }\n', 'must be one of github_app, static'],
    ['version: 1\nlocal_forge: { port: 1, repository: "../x", public_key_file: k }\n', 'must be owner/name'],
    ['version: 1\npolicy: &a x\nstore: *a\n', 'aliases are not read here'],
    ['version: [\n', 'aegis.yaml:'],
    ['', '`version: 1` is missing'],
  ])('refuses %j', (yaml, message) => {
    expect(complaint(yaml)).toContain(message)
  })

  it('needs its variables only where it is served by: looking at the evidence needs no secret', () => {
    const yaml =
      'version: 1\nupstreams: { a: { catalog: none, url: "http://x", headers: { Authorization: "Bearer $' +
      '{T}" } } }\n'
    const base = world(yaml)
    expect(loadConfig(base).upstreams['a']?.route).toMatchObject({ headers: { Authorization: 'Bearer $' + '{T}' } })
    expect(() => loadConfig({ ...base, serving: true })).toThrow(/environment variable T is not set/)
  })

  it('names every mistake at once, in the order of the file', () => {
    const lines = complaint('versoin: 1\nlisten: { prot: 1 }\nstroe: x\n').split('\n')
    expect(lines.map((line) => line.split(':')[1])).toEqual(['1', '1', '2', '3'])
  })

  it.each([
    'Authorization',
    'X-API-Key',
    'Cookie',
    'X-Auth-Token',
  ])('refuses a secret written into the header %s', (name) => {
    const yaml = (value: string) =>
      `version: 1\nupstreams: { a: { catalog: none, url: "http://x", headers: { ${name}: "${value}" } } }\n`
    const message = complaint(yaml('s3cr3t'))
    expect(message).toContain('environment variable')
    expect(message).not.toContain('s3cr3t')
    expect(complaint(yaml('$' + '{T}'))).toContain('the environment variable T is not set')
    expect(complaint(yaml('$' + '{T}'), { T: 'x' })).toBe('no complaint')
  })

  it('never throws anything but an AegisError, whatever the file holds', () => {
    const words = fc.constantFrom(
      'version: 1',
      'upstreams:',
      '  a:',
      '{',
      '}',
      '[',
      '&x',
      '*x',
      '? ',
      '- ',
      '!!set',
      '"',
      '\t',
      ': 1',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 6 })), { maxLength: 12 }), (parts) => {
        expect(complaint(parts.join('\n'))).toBeTypeOf('string')
      }),
      { numRuns: 300 },
    )
  })
})
