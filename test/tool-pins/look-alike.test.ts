import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GITHUB_TOOLS } from '../../src/core/catalog/github-tools.ts'
import { FILESYSTEM_TOOLS } from '../../src/core/catalog/path-tools.ts'
import { createLookAlikes, poses } from '../../src/tool-pins/look-alike.ts'

const known = (...names: string[]) => {
  const alikes = createLookAlikes()
  for (const name of names) alikes.add('files', name)
  return alikes
}

describe('a tool of the same upstream', () => {
  it.each([
    ['read_file', 'reаd_file', 'a Cyrillic a'],
    ['read_file', 'read_fiIe', 'a capital i for an l'],
    ['read_file', 'read_fi1e', 'a one for an l'],
    ['read_file', 'Read_File', 'another case'],
    ['read_file', 'read-file', 'another separator'],
    ['read_file', 'read‐file', 'a Unicode hyphen'],
    ['read_file', 'read\u200b_file', 'a zero-width space'],
    ['read_file', 'read_fiłe', 'a stroke through a letter'],
    ['read_file', 'ｒｅａｄ_file', 'full-width letters'],
    ['read_file', 'réad_file', 'an accent'],
    ['commit', 'cornmit', 'rn for m'],
    ['review', 'revievv', 'vv for w'],
    ['close', 'cIose', 'a capital i for an l'],
    ['get_info', 'get_inf0', 'a zero for an o'],
  ])('%s is imitated by %s: %s', (real, fake) => {
    expect(known(real).twin('files', fake)).toBe(real)
  })

  it.each([
    ['list_branches', 'list_branch'],
    ['get_me', 'get_we'],
    ['tool_10', 'tool_11'],
    ['add', 'odd'],
  ])('%s and %s are not taken for each other', (one, other) => {
    expect(known(one).twin('files', other)).toBeNull()
  })
})

describe('a tool of another upstream', () => {
  it('may have the same name, another case or another separator: authors have habits', () => {
    for (const name of ['search', 'Search', 'read-file', 'read.file']) {
      expect(known('search', 'read_file').twin('web', name)).toBeNull()
    }
  })

  it.each(['seаrch', 'sеаrсh', 'read_fi1e'])('may not be called %s beside search and read_file', (name) => {
    expect(known('search', 'read_file').twin('web', name)).not.toBeNull()
  })
})

describe('a name that poses as another by itself', () => {
  it.each([
    'reаd_file',
    'сору',
    'read\u202efile',
    'read\u{e0041}_file',
    ' read_file',
    'read_file\u00a0',
    'paypаl',
  ])('%j', (name) => {
    expect(poses(name)).toBe(true)
  })

  it.each(['read_file', '検索', 'поиск', 'a.b/c-d', 'größe', 'δοκιμή'])('is not %s', (name) => {
    expect(poses(name)).toBe(false)
  })
})

it('finds no look-alikes among the tools of the official servers', () => {
  for (const names of [[...GITHUB_TOOLS.keys()], [...FILESYSTEM_TOOLS.keys()]]) {
    const alikes = createLookAlikes()
    for (const name of names) {
      expect(alikes.twin('github', name)).toBeNull()
      alikes.add('github', name)
    }
  }
})

it('takes no name for a look-alike of itself, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(known(name).twin('files', name)).toBeNull()
    }),
  )
})
