import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { connectEditor } from '../../src/cli/setup/editor-files.ts'
import { replaceWithBackup, writeWhole } from '../../src/cli/setup/private-file.ts'
import { readSettings } from '../../src/config/read-settings.ts'
import { editSettings, newSettings } from '../../src/config/write-settings.ts'

const FORGE = {
  command: ['node', '--import', '/p/preload.js', '/p/server.js'],
  app: { id: 1, privateKeyFile: '/c/forge-app.pem' },
  forge: { port: 8082, repository: 'aegisflow/aegisflow', publicKeyFile: '/c/forge-app.pub' },
}
const APP = { command: ['node', '/p/server.js'], app: { id: 12, privateKeyFile: '/c/mine.pem' }, forge: null }
const around = { env: {}, resolve: (path: string) => path }

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'aegis-setup-'))
}

describe('the aegis.yaml that is written', () => {
  it('is one that loads, with the local forge as upstream github', () => {
    const settings = readSettings(
      newSettings({ policy: 'readonly', port: 9000, adminPort: 9001, github: FORGE }),
      'f',
      around,
    )
    expect(settings).toMatchObject({
      port: 9000,
      adminPort: 9001,
      policies: ['readonly'],
      localForge: { port: 8082, appId: '1' },
    })
    expect(settings.upstreams['github']).toMatchObject({ catalog: 'github', credential: 'github', onReview: 'refuse' })
    expect(settings.credentials['github']).toMatchObject({ apiUrl: 'http://127.0.0.1:8082' })
  })

  it('goes over to a real GitHub App and drops the forge', () => {
    const settings = readSettings(editSettings(newSettings({ github: FORGE }), { github: APP }), 'f', around)
    expect(settings.localForge).toBeNull()
    expect(settings.credentials['github']).toMatchObject({ appId: '12', apiUrl: 'https://api.github.com' })
    expect(settings.upstreams['github']?.route).toMatchObject({ env: {} })
  })

  it('moves the forge along when the ports move, but no address its owner pointed elsewhere', () => {
    const made = newSettings({ github: FORGE })
    const moved = readSettings(editSettings(made, { port: 9000, adminPort: 9001 }), 'f', around)
    expect(moved).toMatchObject({ localForge: { port: 9002 } })
    expect(moved.credentials['github']).toMatchObject({ apiUrl: 'http://127.0.0.1:9002' })
    expect(moved.upstreams['github']?.route).toMatchObject({ env: { AEGIS_FORGE_URL: 'http://127.0.0.1:9002' } })
    expect(editSettings(made, { port: 8080, policy: 'readonly' })).toContain('port: 8082')
    const other = made.replace('api_url: http://127.0.0.1:8082', 'api_url: http://127.0.0.1:7777')
    expect(editSettings(other, { port: 9000 })).toContain('api_url: http://127.0.0.1:7777')
  })

  it('keeps the comments and settings of its owner when one thing is changed', () => {
    const mine = '# mine\nversion: 1\nlisten: { port: 1 } # why\nupstreams:\n  x: { catalog: none, url: "http://x" }\n'
    const edited = editSettings(mine, { adminPort: 2, policy: 'docs-writer' })
    expect(edited).toContain('# mine')
    expect(edited).toContain('# why')
    expect(readSettings(edited, 'f', around)).toMatchObject({ port: 1, adminPort: 2, policies: ['docs-writer'] })
    expect(editSettings(edited, { adminPort: 2 })).toBe(edited)
  })
})

describe('files that are written', () => {
  it('are whole, with the mode asked for and nothing left beside them', () => {
    const path = join(folder(), 'key')
    writeWhole(path, 'secret\n', 0o600)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(path, '..'))).toEqual(['key'])
  })

  it('keep the old one as a backup, and only where something changes', () => {
    const path = join(folder(), 'f')
    expect(replaceWithBackup(path, 'a', 0o644)).toBeNull()
    expect(replaceWithBackup(path, 'a', 0o644)).toBeNull()
    const backup = replaceWithBackup(path, 'b', 0o644)
    expect(backup).not.toBeNull()
    expect(readFileSync(backup ?? '', 'utf8')).toBe('a')
    expect(readFileSync(path, 'utf8')).toBe('b')
  })

  it.each([
    [0o600, 0o600],
    [0o644, 0o644],
    [0o666, 0o644],
  ])('keep a file of mode %o from others who could not read it before', (before, after) => {
    const path = join(folder(), '.mcp.json')
    writeFileSync(path, '{"key":"x"}')
    chmodSync(path, before)
    const backup = replaceWithBackup(path, '{}', 0o644) ?? ''
    expect(statSync(path).mode & 0o777).toBe(after)
    expect(statSync(backup).mode & 0o777).toBe(before)
  })

  it('name the directory and the remedy where it cannot be written', () => {
    expect(() => writeWhole('/proc/aegis', 'x', 0o600)).toThrow(/\/proc\/aegis cannot be written/)
  })
})

describe("an editor's file", () => {
  function context(cwd: string, env: Record<string, string> = {}): Context {
    const bin = folder()
    writeFileSync(join(bin, 'aegis'), '')
    return { env: { PATH: bin, ...env }, home: cwd, cwd, out: () => {}, err: () => {} }
  }

  it.each([
    ['claude', '.mcp.json', 'mcpServers', {}],
    ['cursor', '.cursor/mcp.json', 'mcpServers', {}],
    ['vscode', '.vscode/mcp.json', 'servers', { type: 'stdio' }],
  ] as const)('of %s gets the server aegis and holds no key', (editor, file, member, type) => {
    const cwd = folder()
    connectEditor(editor, context(cwd))
    const written = JSON.parse(readFileSync(join(cwd, file), 'utf8'))
    expect(written).toEqual({ [member]: { aegis: { ...type, command: 'aegis', args: ['mcp'] } } })
  })

  it.each([
    ['claude', '.mcp.json', (own: string) => join(own, 'client.json')],
    ['cursor', '.cursor', (own: string) => own],
  ] as const)('of %s is left alone where the project made %s a link to somewhere else', (editor, name, target) => {
    const cwd = folder()
    const own = folder()
    writeFileSync(join(own, 'client.json'), '{"admin_key":"aegis_admin_x"}')
    symlinkSync(target(own), join(cwd, name))
    expect(() => connectEditor(editor, context(cwd))).toThrow(/symbolic link/)
    expect(readdirSync(cwd)).toEqual([name])
    expect(readdirSync(own)).toEqual(['client.json'])
    expect(readFileSync(join(own, 'client.json'), 'utf8')).toBe('{"admin_key":"aegis_admin_x"}')
  })

  it('keeps every other server, and a backup of what it was', () => {
    const cwd = folder()
    const before = { mcpServers: { other: { command: 'x' } }, more: 1 }
    writeFileSync(join(cwd, '.mcp.json'), JSON.stringify(before))
    const { file, backup } = connectEditor('claude', context(cwd, { AEGIS_DATA_DIR: '/d' }))
    const launch = { command: 'aegis', args: ['mcp'], env: { AEGIS_DATA_DIR: '/d' } }
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      mcpServers: { other: { command: 'x' }, aegis: launch },
      more: 1,
    })
    expect(JSON.parse(readFileSync(backup ?? '', 'utf8'))).toEqual(before)
    expect(connectEditor('claude', context(cwd, { AEGIS_DATA_DIR: '/d' })).backup).toBeNull()
  })

  it.each(['{ // comment\n}', '[]', '{"mcpServers": []}'])('that holds %j is left alone', (text) => {
    const cwd = folder()
    mkdirSync(join(cwd, '.cursor'))
    writeFileSync(join(cwd, '.cursor/mcp.json'), text)
    expect(() => connectEditor('cursor', context(cwd))).toThrow(/was left alone/)
    expect(readFileSync(join(cwd, '.cursor/mcp.json'), 'utf8')).toBe(text)
    expect(existsSync(join(cwd, '.mcp.json'))).toBe(false)
  })
})
