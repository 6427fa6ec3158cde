import fc from 'fast-check'
import picomatch from 'picomatch'
import { describe, expect, it } from 'vitest'
import { contains } from '../../../src/core/policy/containment.ts'
import { compileGlobs, type GlobSet, matchesGlobs, matchingGlob } from '../../../src/core/policy/glob.ts'
import type { GlobFlavour } from '../../../src/core/policy/glob-syntax.ts'

function globs(texts: readonly string[], flavour: GlobFlavour = 'path'): GlobSet {
  const compiled = compileGlobs(texts, flavour)
  if ('fault' in compiled) throw new Error(compiled.fault)
  return compiled
}

describe('a glob', () => {
  it.each([
    ['*.md', 'README.md', true],
    ['*.md', 'docs/a.md', false],
    ['docs/**', 'docs/a/b.md', true],
    ['docs/**', 'docs', true],
    ['docs/**', 'docsy/a', false],
    ['**/.ssh/*', '/home/u/.ssh/id_rsa', true],
    ['**/.ssh/*', '.ssh/id_rsa', true],
    ['**/.ssh/*', 'a.ssh/id_rsa', false],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'ab', false],
    ['git push**', 'git push origin feat/x', true],
    ['git push*', 'git push origin feat/x', false],
    ['git {status,log}{, **}', 'git log a/b', true],
    ['git {status,log}{, **}', 'git statusx', false],
    ['release/?', 'release/1', true],
    ['release/?', 'release//', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[!a]b', '/b', false],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['[]]', ']', true],
    ['a?c', 'a😀c', true],
    ['*', '', true],
    ['**', 'any/thing', true],
  ])('%s against %s: %s', (glob, text, expected) => {
    expect(matchesGlobs(globs([glob]), text)).toBe(expected)
  })

  it('crosses everything with * in a tool name', () => {
    expect(matchesGlobs(globs(['github.get_*'], 'name'), 'github.get_a/b')).toBe(true)
    expect(matchesGlobs(globs(['*'], 'name'), 'files.a/b')).toBe(true)
  })

  it('names the one of several that matched, as written', () => {
    expect(matchingGlob(globs(['github.list_*', 'github.{get,search}_*'], 'name'), 'github.search_code')).toBe(
      'github.{get,search}_*',
    )
  })

  it.each([
    ['', 'empty'],
    ['a[bc', 'never closed'],
    ['a{b,c', 'never closed'],
    ['a}b', 'without'],
    ['a{b}', 'one alternative'],
    ['[z-a]', 'backwards'],
    ['a\\', 'lone'],
    ['!a', 'negation'],
    ['+(a|b)', 'extended'],
    ['{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}', 'more than'],
    ['x'.repeat(1025), 'at most'],
  ])('is refused as malformed: %j', (glob, why) => {
    const compiled = compileGlobs([glob], 'path')
    expect('fault' in compiled && compiled.fault).toContain(why)
  })

  it('agrees with picomatch on everything both support', () => {
    const segment = fc
      .stringMatching(/^(?:[ab.*?]|\[ab\]|\[!b\]|\{a,b\}|\{b,\*\}){1,4}$/)
      .filter((one) => !one.includes('**') && !/^\.+$/.test(one))
    // Next to `**` only literal segments: picomatch reads `a/**` and `*/**` by different rules.
    const literal = fc.constantFrom('a', 'b', 'ab', 'a.b')
    const deep = fc.tuple(literal, literal).map(([before, after]) => `${before}/**/${after}`)
    const part = fc.oneof(
      segment,
      literal,
      deep,
      literal.map((one) => `**/${one}`),
    )
    const glob = fc
      .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '/a/**'))
      .map(([parts, end]) => parts.join('/').replace(/\/\*\*\//g, '/a/**/') + end)
    const text = fc
      .array(
        fc.stringMatching(/^[abc.]{1,4}$/).filter((one) => one !== '.' && one !== '..'),
        { minLength: 1, maxLength: 5 },
      )
      .map((parts) => parts.join('/'))
    fc.assert(
      fc.property(glob, text, (pattern, path) => {
        fc.pre(!pattern.startsWith('./') && !pattern.includes('?('))
        expect(matchesGlobs(globs([pattern]), path), `${pattern} | ${path}`).toBe(
          picomatch.isMatch(path, pattern, { dot: true, posix: true }),
        )
      }),
      { numRuns: 3000 },
    )
  })

  it('takes linear work however the agent shapes its text', () => {
    const hostile = globs(['**a**a**a**a**a**a**a**a**a**a**b'])
    expect(matchesGlobs(hostile, 'a'.repeat(50_000))).toBe(false)
    expect(matchesGlobs(globs(['*a*a*a*a*a*a*a*a*b*']), 'a'.repeat(50_000))).toBe(false)
  })
})

describe('containment', () => {
  it.each([
    [['**'], ['a/b'], true],
    [['*'], ['a/b'], false],
    [['docs/**'], ['docs/*.md'], true],
    [['docs/*.md'], ['docs/**'], false],
    [['agent/**', 'feat/**'], ['{agent,feat}/x'], true],
    [['agent/**'], ['{agent,feat}/x'], false],
    [['**/.env*'], ['.env', 'a/b/.env.local'], true],
    [['[a-z]*'], ['[b-d]x*'], true],
    [['[a-c]*'], ['[b-d]x*'], false],
    [['*a*'], ['ba*', '*ab'], true],
    [['?*'], ['*'], false],
  ])('of %j over %j is %s', (outer, inner, expected) => {
    expect(contains(globs(outer), globs(inner))).toBe(expected)
  })

  it('never claims more than the texts show', () => {
    const glob = fc
      .array(fc.constantFrom('a', 'b', '*', '**', '?', '/', '[ab]', '{a,b/}'), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join(''))
    const text = fc.stringMatching(/^[ab/c]{0,7}$/)
    fc.assert(
      fc.property(glob, glob, text, (outer, inner, sample) => {
        const [wide, narrow] = [globs([outer]), globs([inner])]
        if (contains(wide, narrow) && matchesGlobs(narrow, sample)) expect(matchesGlobs(wide, sample)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})
