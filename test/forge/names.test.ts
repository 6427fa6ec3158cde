import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRefName, isRepositoryName, isTreePath, isWritableRef } from '../../starter-kit/forge/names.ts'

const git = (...args: readonly string[]): boolean => {
  try {
    execFileSync('git', args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('ref names', () => {
  it.each(['main', 'claude/fix-flaky-evidence-test', 'v1.0', 'ä/ö', 'a@b', "it's"])('take %s', (name) => {
    expect(isRefName(name)).toBe(true)
  })

  it.each([
    '',
    '@',
    '-f',
    '--all',
    '.a',
    'a.',
    'a/',
    '/a',
    'a//b',
    'a..b',
    'a/.b',
    'a./b',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[',
    'a\\b',
    'a@{1}',
    'a.lock',
    'a.lock/b',
    'a\nb',
    'a\u0000b',
    'a\u007f',
    '\ud800',
    'a'.repeat(300),
  ])('refuse %j', (name) => {
    expect(isRefName(name)).toBe(false)
  })

  it('let nothing through that git itself calls malformed', () => {
    const alphabet = fc.constantFrom(
      'a',
      'B',
      '/',
      '.',
      '-',
      '@',
      '{',
      '~',
      '^',
      ':',
      ' ',
      '\\',
      '*',
      '\t',
      'lock',
      '.lock',
      'é',
    )
    const names = fc.array(alphabet, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(names, (name) => {
        fc.pre(isRefName(name))
        return git('check-ref-format', `refs/heads/${name}`) && !name.startsWith('-')
      }),
      { numRuns: 60 },
    )
  })

  it('are written under heads and tags only', () => {
    expect(isWritableRef('refs/heads/a')).toBe(true)
    for (const ref of ['refs/pull/1/head', 'HEAD', 'refs/heads', 'refs/heads/', 'heads/a', 'refs/heads/../x']) {
      expect(isWritableRef(ref)).toBe(false)
    }
  })
})

describe('paths', () => {
  it.each(['README.md', 'a/b/c', '.github/workflows/ci.yml', '-rf', 'a b', '*', ':(top)x', 'ü'])('take %s', (path) => {
    expect(isTreePath(path)).toBe(true)
  })

  it.each([
    '',
    '/',
    '/etc/passwd',
    'a/../b',
    '..',
    '.',
    './a',
    'a//b',
    'a/',
    '.git/config',
    'a/.GIT/x',
    '.git ',
    '.git.',
    'git~1',
    '.g\u200cit',
    '.git::$INDEX_ALLOCATION',
    'a\\b',
    'a\u0000b',
    'a\nb',
    '\udc00',
  ])('refuse %j', (path) => {
    expect(isTreePath(path)).toBe(false)
  })
})

describe('repository names', () => {
  it('are an owner and a name, never a path', () => {
    expect(isRepositoryName('aegisflow/aegisflow')).toBe(true)
    for (const name of ['aegisflow', '../x', 'a/..', 'a/.', '-a/b', 'a/b/c', 'a/b c', '/b', 'a/']) {
      expect(isRepositoryName(name)).toBe(false)
    }
  })
})
