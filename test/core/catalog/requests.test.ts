import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeRequest } from '../../../src/core/catalog/index.ts'
import { AegisError } from '../../../src/core/errors.ts'

const read = (uri: string, catalog: 'none' | 'github' | 'filesystem' = 'none') =>
  describeRequest({ upstream: 'notes', catalog, method: 'resources/read', parameters: { uri } })
const act = (uri: string, catalog?: 'none' | 'github' | 'filesystem') => read(uri, catalog).acts[0]

describe('a resource', () => {
  it.each([
    ['memo://insights', ['insights']],
    ['test://static-text', ['static-text']],
    ['file:///work/a.md', ['/work/a.md']],
    ['file://localhost/work/a.md', ['/work/a.md']],
    ['FILE:///work//a.md', ['/work/a.md']],
    ['file:///home/me/%2Eenv', ['/home/me/.env']],
    ['notes://read?file=/etc/shadow&as=text', ['read', '/etc/shadow', 'text']],
    ['notes://read#.env', ['read', '.env']],
    ['urn:doc:7', ['doc:7']],
    ['postgres://db.example:5432/app', ['db.example:5432/app']],
  ])('%s has the paths %j', (uri, paths) => {
    expect(act(uri)).toMatchObject({ tool: 'notes.resources.read', capability: 'read', protocol: 'mcp', doubt: null })
    expect(act(uri).resource).toMatchObject({ target: uri, paths })
  })

  it.each([
    ['/etc/shadow', 'is no URI'],
    ['file:///srv/../etc/shadow', 'climbs'],
    ['file:///srv/%2e%2e/etc/shadow', 'climbs'],
    ['file:///srv/%252e%252e/etc', 'can mean two things'],
    ['file:///srv/%zz', 'can mean two things'],
    ['file:///srv\\..\\etc', 'backslash'],
    ['file:///srv/a\u202eb', 'hidden character'],
    ['file:///srv/a%E2%80%8Bb', 'hidden character'],
    ['file:///proc/self/environ', 'stands for something else'],
  ])('%j is doubted: %s', (uri, doubt) => {
    expect(act(uri).doubt).toContain(doubt)
  })

  it('of GitHub names its repository, its branch, and its path inside', () => {
    expect(act('repo://acme/app/contents/docs/a.md', 'github')).toMatchObject({
      tool: 'github.resources.read',
      protocol: 'git',
      resource: { repository: { owner: 'acme', name: 'app' }, branch: { kind: 'none' }, paths: ['docs/a.md'] },
    })
    expect(act('repo://acme/app/refs/heads/feat/x/contents/.env', 'github').resource).toMatchObject({
      branch: { kind: 'named', name: 'feat/x' },
      paths: ['.env'],
    })
    expect(act('repo://acme/../contents/x', 'github').doubt).toContain('no repository')
    // The same repository under a second name, for which no room and no rule was made.
    expect(act('repo://acme/app.git/contents/x', 'github').doubt).toContain('no repository')
  })

  it('without a URI, or with two that differ in case, is refused', () => {
    for (const parameters of [
      {},
      { uri: 7 },
      { uri: '' },
      { uri: 'a:b', URI: 'c:d' },
      { uri: `a:${'b'.repeat(5000)}` },
    ]) {
      const request = { upstream: 'notes', catalog: 'none', method: 'resources/read', parameters } as const
      expect(() => describeRequest(request)).toThrow(AegisError)
    }
  })

  it('is described or refused, whatever its URI is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl({ withQueryParameters: true })), (uri) => {
        try {
          expect(act(uri).resource.operands).toEqual([uri])
        } catch (error) {
          expect(error).toBeInstanceOf(AegisError)
        }
      }),
    )
  })
})

describe('a prompt', () => {
  it('is a read of its name', () => {
    const parameters = { name: 'review', arguments: { a: 'b' } }
    const described = describeRequest({ upstream: 'notes', catalog: 'none', method: 'prompts/get', parameters })
    expect(described).toMatchObject({ tool: 'notes.prompts.get', capability: 'read', parameters })
    expect(described.resource.target).toBe('review')
  })
})
