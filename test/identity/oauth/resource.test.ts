import { extractWWWAuthenticateParams } from '@modelcontextprotocol/client'
import { describe, expect, it } from 'vitest'
import { AegisError } from '../../../src/core/errors.ts'
import { createResources } from '../../../src/identity/index.ts'
import { isIssuerAddress, isKeyAddress } from '../../../src/identity/oauth/index.ts'

const ISSUERS = ['https://login.example.com']
const resources = createResources('https://aegis.example.com/', ISSUERS, ['mcp:use'])
const invalid = new AegisError('unauthenticated', 'it "expired" \\ at nóon', { data: { error: 'invalid_token' } })

describe('a protected resource', () => {
  it('is each endpoint by itself, named without a slash at the end', () => {
    expect(resources.identifier(null)).toBe('https://aegis.example.com/mcp')
    expect(resources.identifier('github')).toBe('https://aegis.example.com/mcp/github')
    expect(resources.metadata('github')).toEqual({
      resource: 'https://aegis.example.com/mcp/github',
      authorization_servers: ISSUERS,
      bearer_methods_supported: ['header'],
      scopes_supported: ['mcp:use'],
      resource_name: 'Aegis: github',
    })
  })

  it('may stand below a path, whose metadata stand at the root of the host (RFC 9728 section 3.1)', () => {
    const below = createResources('https://example.com/tools/aegis', ISSUERS, [])
    expect(below.identifier('github')).toBe('https://example.com/tools/aegis/mcp/github')
    expect(below.challenge(invalid, 'github')).toContain(
      'resource_metadata="https://example.com/.well-known/oauth-protected-resource/tools/aegis/mcp/github"',
    )
  })

  it('tells a caller without a token where to begin, and accuses it of nothing', () => {
    const challenge = resources.challenge(new AegisError('unauthenticated', 'no valid key'), null)
    expect(challenge).toBe(
      'Bearer realm="aegis", scope="mcp:use", ' +
        'resource_metadata="https://aegis.example.com/.well-known/oauth-protected-resource/mcp"',
    )
  })

  it('says what is wrong with a token in words that fit into a header, as clients read it', () => {
    const challenge = resources.challenge(invalid, null) ?? ''
    expect(challenge).toMatch(/^[\x20-\x7e]+$/)
    const response = new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })
    const read = extractWWWAuthenticateParams(response)
    expect(read).toMatchObject({ error: 'invalid_token', scope: 'mcp:use' })
    expect(String(read.resourceMetadataUrl)).toBe('https://aegis.example.com/.well-known/oauth-protected-resource/mcp')
  })

  it('asks for scopes with a 403, and is silent where a Host is refused with one', () => {
    const scope = new AegisError('forbidden', 'lacks', { data: { error: 'insufficient_scope', scope: 'mcp:use' } })
    expect(resources.challenge(scope, null)).toContain('error="insufficient_scope"')
    expect(resources.challenge(new AegisError('forbidden', 'foreign host'), null)).toBeNull()
    expect(resources.challenge(new AegisError('too_many', 'slow down'), null)).toBeNull()
  })

  it('without trusted issuers says only that a key is needed', () => {
    const alone = createResources('http://127.0.0.1:8080', [], [])
    expect(alone.challenge(new AegisError('unauthenticated', 'no valid key'), null)).toBe('Bearer realm="aegis"')
  })
})

describe('an address', () => {
  it.each([
    ['https://login.example.com', true],
    ['https://login.example.com/tenant/v2.0', true],
    ['http://127.0.0.1:9000', true],
    ['http://[::1]:9000', true],
    ['http://localhost:9000/realms/a', true],
    ['http://login.example.com', false],
    ['http://127.0.0.1.example.com', false],
    ['https://me:pw@login.example.com', false],
    ['https://login.example.com?tenant=a', false],
    ['https://login.example.com#a', false],
    ['file:///etc/passwd', false],
    ['login.example.com', false],
  ])('%s may name an issuer: %s', (address, good) => {
    expect(isIssuerAddress(address)).toBe(good)
  })

  it('of keys may be unprotected only where the issuer is on this machine', () => {
    expect(isKeyAddress('http://127.0.0.1:9000/jwks', 'http://127.0.0.1:9000')).toBe(true)
    expect(isKeyAddress('http://127.0.0.1:9000/jwks', 'https://login.example.com')).toBe(false)
    expect(isKeyAddress('http://10.0.0.1/jwks', 'http://127.0.0.1:9000')).toBe(false)
    expect(isKeyAddress('https://keys.example.com/jwks?v=2', 'https://login.example.com')).toBe(true)
  })
})
