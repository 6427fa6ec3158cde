import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GITHUB_TOOLS } from '../../../src/core/catalog/github-tools.ts'
import { CATALOGS, describeAction, describeUpstreamCall } from '../../../src/core/catalog/index.ts'
import { FILE_TOOLS, FILESYSTEM_TOOLS } from '../../../src/core/catalog/path-tools.ts'
import { PROTOCOLS } from '../../../src/core/envelope.ts'
import { AegisError } from '../../../src/core/errors.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import { refusal } from './refusal.ts'

function claim(tool: string, target: string, parameters: JsonObject = {}, capability: string | null = null) {
  const prefix = tool.split('.')[0] ?? ''
  const protocol = { github: 'git', git: 'git', filesystem: 'file', file: 'file' }[prefix] ?? prefix
  return describeAction({ protocol, tool, target, capability, parameters })
}

describe('file and filesystem tools', () => {
  const call = (tool: string, parameters: JsonObject) =>
    describeUpstreamCall({ upstream: 'fs', catalog: 'filesystem', tool, parameters })

  it('knows all 14 tools of server-filesystem', () => {
    expect(FILESYSTEM_TOOLS.size).toBe(14)
  })

  it('makes an act of every path, so that one denied path denies the call', () => {
    const { acts, resource, tool } = call('read_multiple_files', { paths: ['a.md', './.env'] })
    expect(tool).toBe('filesystem.read_multiple_files')
    expect(acts.map((act) => act.resource.target)).toEqual(['a.md', '.env'])
    expect(resource.paths).toEqual(['a.md', '.env'])
  })

  it('sees a move as a deletion of its source and a write of its destination', () => {
    const { acts, capability, resource } = call('move_file', { source: 'a', destination: '.github/b' })
    expect(capability).toBe('write')
    expect(acts.map((act) => [act.capability, act.resource.target])).toEqual([
      ['delete', 'a'],
      ['write', '.github/b'],
    ])
    expect(resource.target).toBe('a -> .github/b')
  })

  it.each<[string, JsonObject]>([
    ['read_file', {}],
    ['read_file', { path: '../x' }],
    ['read_file', { path: 'a\\b' }],
    ['read_file', { path: '' }],
    ['read_file', { path: 'x'.repeat(5000) }],
    ['read_multiple_files', { paths: [] }],
    ['read_multiple_files', { paths: Array.from({ length: 1001 }, () => 'a') }],
    ['move_file', { source: 'a' }],
    ['format_disk', { path: 'a' }],
  ])('doubts %s %j', (tool, parameters) => {
    expect(call(tool, parameters).acts.some((act) => act.doubt !== null)).toBe(true)
  })

  it.each<[string, JsonObject]>([
    ['read_file', { path: 7 }],
    ['read_file', { path: null }],
    ['read_multiple_files', { paths: 'a' }],
    ['read_multiple_files', { paths: ['a', 7] }],
    ['write_file', { path: 'a', file_path: 'b' }],
    ['write_file', { path: 'a', Path: 'b' }],
  ])('refuses %s %j', (tool, parameters) => {
    expect(refusal(() => call(tool, parameters)).code).toMatch(/^invalid_/)
  })

  it('takes the path of a claim from its target', () => {
    expect(claim('file.write', './src/a.ts')).toMatchObject({
      tool: 'file.write',
      capability: 'write',
      parameters: { path: './src/a.ts' },
      resource: { target: 'src/a.ts' },
    })
    expect(claim('file.read', '', { file_path: 'a' }).resource.target).toBe('a')
    expect(refusal(() => claim('file.read', 'a', { file_path: 'b' })).path).toBe('target')
  })
})

describe('http', () => {
  it.each([
    ['http.get', 'https://Example.com:443/a/../b#c', 'http.get', 'read', 'https://example.com/b'],
    ['http.post', 'http://example.com', 'http.post', 'write', 'http://example.com/'],
    ['http.delete', 'https://example.com/x', 'http.delete', 'delete', 'https://example.com/x'],
  ])('%s of %s', (tool, target, canonical, capability, url) => {
    expect(claim(tool, target)).toMatchObject({ tool: canonical, capability, resource: { target: url } })
    expect(claim(tool, target).acts[0].doubt).toBeNull()
  })

  it('takes the method of http.request from its parameters', () => {
    expect(claim('http.request', 'https://example.com', { method: 'DELETE' })).toMatchObject({
      tool: 'http.delete',
      capability: 'delete',
    })
    expect(refusal(() => claim('http.get', 'https://example.com', { method: 'POST' })).path).toBe('parameters.method')
  })

  it('never shows the password a URL carries', () => {
    const { resource, acts } = claim('http.get', 'https://user:hunter2@example.com/')
    expect(resource.target).toBe('https://example.com/')
    expect(acts[0].doubt).not.toContain('hunter2')
    expect(acts[0].doubt).toContain('password')
  })

  it.each(['ftp://example.com', 'file:///etc/passwd', 'example.com', 'javascript:1'])('refuses %s', (target) => {
    expect(refusal(() => claim('http.get', target)).path).toBe('parameters.url')
  })

  it.each(['https://example.com\\@evil.com/', 'https://exa\tmple.com/'])('doubts %j', (target) => {
    expect(claim('http.get', target).acts[0].doubt).toContain('disagree')
  })

  it('counts an unknown method as a doubted write', () => {
    expect(claim('http.purge', 'https://example.com').acts[0]).toMatchObject({
      capability: 'write',
      doubt: expect.any(String),
    })
  })
})

describe('shell claims', () => {
  it.each([
    ['shell.rm', '/workspace', {}, 'rm /workspace'],
    ['shell.rm', 'rm -rf /workspace', {}, 'rm -rf /workspace'],
    ['shell.rm', 'rm', {}, 'rm'],
    ['shell.git', 'clean -fdx', {}, 'git clean -fdx'],
    ['shell', 'ls', {}, 'ls'],
    ['shell.exec', '', { command: 'ls' }, 'ls'],
    ['shell.rm', '/workspace', { command: 'rm /workspace' }, 'rm /workspace'],
  ])('%s with target %j and %j runs %j', (tool, target, parameters, line) => {
    const described = claim(tool, target, parameters)
    expect(described.parameters['command']).toBe(line)
    expect(
      describeAction({ protocol: 'shell', tool, target, capability: null, parameters: described.parameters }),
    ).toEqual(described)
  })

  it.each([
    ['shell.ls', 'x; rm -rf /'],
    ['shell.sudo', 'rm -rf /'],
    ['shell', 'ls && rm -rf /'],
    ['shell.echo', '$(rm -rf /)'],
  ])('sees through %s %j', (tool, target) => {
    const described = claim(tool, target)
    expect(described).toMatchObject({ tool: 'shell.line', capability: 'execute' })
    expect(described.acts.map((act) => act.tool)).toContain('shell.rm')
  })

  it.each([
    ['shell.rm', 'x', { command: 'ls' }, 'parameters.command'],
    ['shell', 'ls', { command: 'rm x' }, 'parameters.command'],
    ['shell', '', {}, 'target'],
    ['shell', '', { command: 7 }, 'parameters.command'],
    ['shell.a/b', 'x', {}, 'tool'],
  ])('refuses %s %j %j, naming %s', (tool, target, parameters, path) => {
    expect(refusal(() => claim(tool, target, parameters)).path).toBe(path)
  })

  it('doubts arguments that may change what runs', () => {
    expect(claim('shell', 'ls', { env: { PATH: '/tmp' } }).acts.at(-1)?.doubt).toContain('"env"')
    expect(claim('shell', 'ls', { description: 'lists', timeout: 5 }).acts).toHaveLength(1)
  })

  it('takes a claim of execute for any command, and refuses one that makes it look harmless', () => {
    expect(claim('shell.rm', 'x', {}, 'execute').capability).toBe('delete')
    expect(claim('shell.cat', 'x', {}, 'execute').capability).toBe('read')
    expect(refusal(() => claim('shell.rm', 'x', {}, 'read')).path).toBe('capability')
    expect(refusal(() => claim('shell.npm', 'install', {}, 'read')).path).toBe('capability')
  })
})

describe('tools no catalog knows', () => {
  it('are writes over MCP, without doubt: a policy names them one by one', () => {
    const [act] = describeUpstreamCall({
      upstream: 'everything',
      catalog: 'none',
      tool: 'echo',
      parameters: { a: 1, A: 2 },
    }).acts
    expect(act).toMatchObject({ protocol: 'mcp', tool: 'everything.echo', capability: 'write', doubt: null })
  })

  it('are doubted where their name or their upstream pretends to be another', () => {
    const doubt = (upstream: string, tool: string) =>
      describeUpstreamCall({ upstream, catalog: 'none', tool, parameters: {} }).acts[0].doubt
    expect(doubt('everything', 'e\u0441ho')).not.toBeNull()
    expect(doubt('github', 'push_files')).not.toBeNull()
  })

  it.each([
    [null, 'write', false],
    ['read', 'write', false],
    ['write', 'write', false],
    ['delete', 'delete', true],
    ['execute', 'execute', true],
  ])('claimed as %s count as %s', (claimed, capability, doubted) => {
    const [act] = describeAction({
      protocol: 'mcp',
      tool: 'x.y',
      target: 't',
      capability: claimed,
      parameters: {},
    }).acts
    expect(act.capability).toBe(capability)
    expect(act.doubt !== null).toBe(doubted)
  })
})

describe('local git servers', () => {
  const call = (tool: string, parameters: JsonObject) =>
    describeUpstreamCall({ upstream: 'g', catalog: 'git', tool, parameters }).acts[0]

  it('reads paths, branch and capability', () => {
    expect(call('git_status', { repo_path: '/repo/' })).toMatchObject({
      protocol: 'git',
      tool: 'git.git_status',
      capability: 'read',
      resource: { paths: ['/repo'] },
      doubt: null,
    })
    expect(call('git_add', { repo_path: '/repo', files: ['a', './b'] }).resource.paths).toEqual(['/repo', 'a', 'b'])
    expect(call('git_push', { path: '/repo', branch: 'main' }).resource.branch).toEqual({ kind: 'named', name: 'main' })
    expect(call('git_push', { path: '/repo' }).resource.branch).toEqual({ kind: 'default' })
    // What is written is the remote end, whatever it is called here.
    const renamed = { path: '/repo', branch: 'feat/x', remoteBranch: 'main' }
    expect(call('git_push', renamed).resource.branch).toEqual({ kind: 'named', name: 'main' })
    expect(call('git_reset', { path: '/repo' }).capability).toBe('delete')
  })

  it('doubts what destroys history, and unknown tools', () => {
    expect(call('git_push', { path: '/repo', force: true }).doubt).toContain('`force`')
    expect(call('git_push', { path: '/repo', force: false }).doubt).toBeNull()
    expect(call('git_nuke', { path: '/repo' })).toMatchObject({ capability: 'write', doubt: expect.any(String) })
  })

  it.each<[string, JsonObject]>([
    ['git_diff', { target: '--output=/tmp/x' }],
    ['git_show', { revision: ' --output=/tmp/x' }],
    ['git_log', { start_timestamp: '--output=x' }],
    ['git_add', { files: ['a', '--chmod=+x'] }],
  ])('doubt %s %j, whose argument git would take for an option', (tool, parameters) => {
    expect(call(tool, { repo_path: '/repo', ...parameters }).doubt).toContain('for an option')
    expect(call('git_commit', { repo_path: '/repo', message: '- a list' }).doubt).toBeNull()
  })

  it('shows the path behind a revision', () => {
    expect(call('git_show', { repo_path: '.', revision: 'HEAD:./.env' }).resource.paths).toEqual(['.', '.env'])
  })
})

describe('files under another name', () => {
  it.each(['/proc/self/root/etc/shadow', '//proc/1/cwd/x', '/dev/fd/3'])('%s is doubted', (path) => {
    expect(claim('file.read', path).acts[0].doubt).toContain('stands for something else')
    const parameters = { path }
    const read = describeUpstreamCall({ upstream: 'f', catalog: 'filesystem', tool: 'read_file', parameters })
    expect(read.acts[0].doubt).toContain('stands for something else')
  })
})

describe('properties', () => {
  const tools = fc.oneof(
    fc.constantFrom(
      ...GITHUB_TOOLS.keys(),
      ...FILESYSTEM_TOOLS.keys(),
      ...FILE_TOOLS.keys(),
      'query',
      'get',
      'rm',
      'push',
    ),
    fc.string({ maxLength: 8 }),
  )
  const keys = fc.constantFrom(
    ...[
      'owner',
      'repo',
      'path',
      'paths',
      'files',
      'branch',
      'base',
      'head',
      'pullNumber',
      'pull_number',
      'method',
      'event',
    ],
    ...['source', 'destination', 'sql', 'query', 'url', 'command', 'Owner', '__proto__', 'ref', 'repo_path'],
  )
  const texts = fc.constantFrom(
    'a',
    'main',
    'a/b',
    '..',
    './x',
    'https://example.com',
    'DROP TABLE x',
    'rm -rf /',
    '',
    '\u202e',
    'create',
  )
  const parameters = fc.dictionary(
    keys,
    fc.oneof(texts, fc.integer(), fc.jsonValue().map(json)),
  ) as fc.Arbitrary<JsonObject>

  it('throws nothing but AegisError and always names at least one act', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CATALOGS), tools, parameters, (catalog, tool, given) => {
        expectDescribed(() => describeUpstreamCall({ upstream: 'u', catalog, tool, parameters: given }))
      }),
      { numRuns: 2000 },
    )
  })

  it('does so for claims too', () => {
    const prefixes = fc.constantFrom('github.', 'git.', 'filesystem.', 'file.', 'sql.', 'http.', 'shell.', 'x.', '')
    const capability = fc.constantFrom(null, 'read', 'write', 'delete', 'execute', 'x')
    fc.assert(
      fc.property(
        fc.constantFrom(...PROTOCOLS),
        prefixes,
        tools,
        texts,
        capability,
        parameters,
        (protocol, prefix, tool, target, claimed, given) => {
          expectDescribed(() =>
            describeAction({ protocol, tool: prefix + tool, target, capability: claimed, parameters: given }),
          )
        },
      ),
      { numRuns: 3000 },
    )
  })
})

function json(value: unknown): JsonObject[string] {
  return JSON.parse(JSON.stringify(value)) as JsonObject[string]
}

function expectDescribed(run: () => ReturnType<typeof describeAction>): void {
  try {
    const described = run()
    expect(described.acts.length).toBeGreaterThan(0)
    if (described.acts.length === 1)
      expect(described.acts[0]).toMatchObject({ tool: described.tool, resource: described.resource })
  } catch (error) {
    expect(error).toBeInstanceOf(AegisError)
  }
}
