import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { demandOwnPage, localPath } from '../../../src/identity/index.ts'

describe('where a login may lead', () => {
  it.each([
    '/',
    '/approvals',
    '/approvals/0197?x=1#y',
    '/a//b',
    '/%2f%2fevil.example',
  ])('is a path of ours: %s', (path) => {
    expect(localPath(path)).toBe(path)
  })

  it.each([
    ...['https://evil.example', '//evil.example', '/\\evil.example', '\\\\evil.example', '/a\\b', 'evil', '', ' /'],
    ...[
      '/\t/evil.example',
      '/\n/evil.example',
      '/login',
      '/login/start',
      '/logout',
      '/./login',
      `/${'x'.repeat(600)}`,
      '/ü',
    ],
  ])('is nothing else: %j', (path) => {
    expect(localPath(path)).toBe('/')
  })

  it('never leaves this host', () => {
    const text = fc.string({ unit: fc.constantFrom(...'/\\.:@?#%\t\n abc') })
    fc.assert(
      fc.property(text, (path) => {
        expect(new URL(localPath(path), 'https://aegis.example.com/login').host).toBe('aegis.example.com')
      }),
    )
  })
})

describe('a page of ours', () => {
  const from = (url: string, headers: Record<string, string>) => () => demandOwnPage(new Headers(headers), url)

  it.each([
    ['https://aegis.example.com', { origin: 'https://aegis.example.com', host: 'aegis.example.com' }],
    ['https://aegis.example.com', { origin: 'https://aegis.example.com', 'sec-fetch-site': 'same-origin' }],
    ['http://127.0.0.1:8081', { origin: 'http://localhost:8081', host: 'localhost:8081' }],
  ])('of %s comes from %j', (url, headers) => {
    expect(from(url, headers)).not.toThrow()
  })

  it.each([
    ['https://aegis.example.com', { origin: 'http://aegis.example.com', host: 'aegis.example.com' }],
    ['https://aegis.example.com', { origin: 'https://evil.example', host: 'evil.example' }],
    ['https://aegis.example.com', { origin: 'https://aegis.example.com', 'sec-fetch-site': 'cross-site' }],
    ['https://aegis.example.com', { origin: 'https://aegis.example.com:444' }],
    ['https://aegis.example.com', { origin: 'https://aegis.example.com.evil.example' }],
    ['http://127.0.0.1:8081', { origin: 'http://localhost:3000', host: 'localhost:8081' }],
    ['http://127.0.0.1:8081', { origin: 'null', host: 'localhost:8081' }],
    ['http://127.0.0.1:8081', { host: 'localhost:8081' }],
  ])('of %s does not come from %j', (url, headers) => {
    expect(from(url, headers)).toThrow('page of another site')
  })
})
