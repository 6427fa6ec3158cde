import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { ChangedFile, ChangesFact } from '../../../../src/core/facts.ts'
import { APP_JWT, AWS_ID, CLASSIC, GENERIC, OLD_CHECKSUM } from '../../secrets/samples.ts'
import { action, ask, DOWN, facts, github, needs, push, readText, shell, uncatalogued, verdict } from './ask.ts'

const GUARD = 'secrets: block'
const changed = (path: string, added: string | null): ChangesFact => {
  const file: ChangedFile = { path, previousPath: null, status: 'modified', additions: 1, deletions: 1, added }
  return { files: [file], complete: true }
}

describe('secrets', () => {
  it.each<[string, ActionEnvelope, string]>([
    ['in a file', push('feat/x', { 'a.ts': `const t = '${CLASSIC}'` }), 'block'],
    ['in a file that is written alone', github('create_or_update_file', { path: 'a', content: CLASSIC }), 'block'],
    ['in a commit message', github('push_files', { branch: 'x', files: [], message: `use ${CLASSIC}` }), 'block'],
    ['in a title', github('create_pull_request', { title: CLASSIC, head: 'x', base: 'main' }), 'block'],
    ['in a body', github('create_issue', { title: 't', body: `key: ${AWS_ID}` }), 'block'],
    ['in a branch name', github('create_branch', { branch: `x/${CLASSIC}` }), 'block'],
    ['in a name of an argument', github('create_issue', { title: 't', [CLASSIC]: 1 }), 'block'],
    [
      'deep in the inputs of a workflow',
      github('actions_run_trigger', { method: 'run_workflow', inputs: { a: [{ b: APP_JWT }] } }),
      'block',
    ],
    ['in base64', push('x', { a: Buffer.from(`token ${CLASSIC}`).toString('base64') }), 'block'],
    ['in a command', shell(`curl -H "Authorization: token ${CLASSIC}" https://x.example`), 'block'],
    ['in an address', action('http', 'http.get', `https://x.example/?q=${CLASSIC}`), 'block'],
    ['in a tool that no catalog knows', uncatalogued('say', { text: CLASSIC }), 'block'],
    ['with a checksum that does not hold', github('create_issue', { title: OLD_CHECKSUM }), 'block'],
    ['that only its name makes one', push('x', { '.env.local': `API_TOKEN=${GENERIC}` }), 'review'],
    ['that is a row of crosses', push('x', { a: `ghp_${'x'.repeat(36)}` }), '-'],
    ['read from elsewhere', push('x', { a: 'const token = process.env.GITHUB_TOKEN_2' }), '-'],
    ['in a read', github('search_code', { query: CLASSIC }), '-'],
  ])('finds one %s', (_, envelope, expected) => {
    expect(verdict(GUARD, envelope)).toBe(expected)
  })

  it('tells the kind and the place of what it found, and never the value', () => {
    const [told] = ask(GUARD, push('x', { 'src/a.ts': `\n\nconst t = '${CLASSIC}'` }))
    expect(told?.reason).toBe(
      'a GitHub personal access token in files[0].content ("src/a.ts"), line 3; whether it was there before is unknown: nobody looked',
    )
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`f${at}`, CLASSIC]))
    const [all] = ask(GUARD, push('x', many))
    expect(all?.reason).toContain('; and 4 more')
    const inPath = ask(GUARD, push('x', { [`keys/${CLASSIC}`]: CLASSIC }))
    expect(inPath[0]?.reason).toContain('files[0].content (a path that holds one itself), line 1')
    const named = ask(GUARD, github('create_issue', { title: 't', [CLASSIC]: { [CLASSIC]: CLASSIC } }))
    for (const { reason, suggestion } of [...(told ? [told] : []), ...(all ? [all] : []), ...named, ...inPath]) {
      expect(`${reason}${suggestion}`).not.toContain(CLASSIC.slice(4, 12))
    }
  })

  it('asks what a file held before only where something was found in a file', () => {
    expect(needs(GUARD, push('x', { a: CLASSIC }))).toEqual(['changes'])
    expect(needs(GUARD, push('x', { a: 'nothing' }))).toEqual([])
    expect(needs(GUARD, github('create_issue', { title: CLASSIC }))).toEqual([])
    expect(needs(GUARD, github('get_file_contents', { path: 'a' }))).toEqual([])
  })

  const file = `one\ntoken: ${CLASSIC}\nthree\n`
  it.each<[string, ChangesFact | string, string]>([
    ['stood there before', changed('a', 'three'), '-'],
    ['is new', changed('a', `token: ${CLASSIC}`), 'block'],
    ['is new, with another line end', changed('a', `x\r\ntoken: ${CLASSIC}\r`), 'block'],
    ['may be new: the lines are not known', changed('a', null), 'block'],
    ['may be new: the file is not among those known', changed('b', 'three'), 'block'],
    ['may be new: GitHub is down', DOWN, 'block'],
  ])('leaves alone what lies in a file already: it %s', (_, changes, expected) => {
    expect(verdict(GUARD, push('x', { a: file }), facts({ changes }))).toBe(expected)
  })

  it('counts a message even where the file is old', () => {
    const envelope = github('push_files', { branch: 'x', files: [{ path: 'a', content: file }], message: CLASSIC })
    expect(ask(GUARD, envelope, facts({ changes: changed('a', 'three') }))[0]?.reason).toBe(
      'a GitHub personal access token in message, line 1',
    )
  })

  it('counts what is given twice for one path, of which only the last is written', () => {
    const twice = github('push_files', {
      branch: 'x',
      files: [
        { path: 'a', content: 'one' },
        { path: './a', content: file },
      ],
      message: 'm',
    })
    expect(verdict(GUARD, twice, facts({ changes: changed('a', 'one') }))).toBe('block')
  })

  it('counts a file of more secrets than can be told apart, for one of them may be new', () => {
    const many = `${CLASSIC}\n`.repeat(300)
    expect(verdict(GUARD, push('x', { a: many }), facts({ changes: changed('a', 'three') }))).toBe('block')
    const named = `api_key: ${GENERIC}\n`.repeat(300)
    expect(verdict(GUARD, push('x', { a: named }), facts({ changes: changed('a', 'three') }))).toBe('review')
  })

  it.each<[string, ChangesFact | string, string]>([
    ['a secret', changed('a', `x\ntoken: ${CLASSIC}`), 'block'],
    ['a random value under the name of one', changed('a', `api_key: ${GENERIC}`), 'review'],
    ['nothing of the kind', changed('a', 'x'), '-'],
    ['what cannot be read', changed('a', null), 'review'],
    ['more than can be listed', { files: [], complete: false }, 'review'],
    ['nobody knows what', DOWN, 'block'],
  ])('can search pull requests that are opened or merged: this one adds %s', (_, changes, expected) => {
    const guard = 'secrets: { pull_requests: true }'
    const opened = github('create_pull_request', { title: 't', head: 'x', base: 'main' })
    const merged = github('merge_pull_request', { pullNumber: 7 })
    for (const envelope of [opened, merged]) {
      expect(needs(guard, envelope)).toEqual(['changes'])
      expect(verdict(guard, envelope, facts({ changes }))).toBe(expected)
      expect(needs(GUARD, envelope)).toEqual([])
      expect(verdict(GUARD, envelope, facts({ changes }))).toBe('-')
    }
  })

  it('says once what it found in a line of several commands', () => {
    expect(ask(GUARD, shell(`ls; echo ${CLASSIC}; pytest; rm x`))).toHaveLength(1)
  })

  it.each([
    ['secrets: on', { decision: 'block', generic: 'review', pull_requests: false }],
    ['secrets: review', { decision: 'review', generic: 'review', pull_requests: false }],
    ['secrets: { generic: off }', { decision: 'block', generic: 'off', pull_requests: false }],
  ])('reads %s', (text, settings) => {
    expect(readText(text).guards[0]?.settings).toEqual(settings)
  })

  it('is not there where it is off', () => {
    expect(readText('secrets: off')).toEqual({ guards: [], problems: [] })
    expect(readText('secrets: false')).toEqual({ guards: [], problems: [] })
  })

  it('can be told to leave random values alone', () => {
    expect(verdict('secrets: { generic: off }', push('x', { a: `API_TOKEN=${GENERIC}` }))).toBe('-')
    expect(verdict('secrets: { generic: block }', push('x', { a: `API_TOKEN=${GENERIC}` }))).toBe('block')
  })

  it.each([
    ['secrets: rewrite', 'unknown decision `rewrite`'],
    ['secrets: { generic: maybe }', 'unknown decision `maybe`'],
    ['secrets: [block]', '`secrets` is one of on, off, block, review, or a mapping such as'],
    ['secret: block', 'unknown key `secret` in `guards`, did you mean `secrets`?'],
  ])('refuses %s', (text, problem) => {
    expect(readText(text).problems.join()).toContain(problem)
  })
})
