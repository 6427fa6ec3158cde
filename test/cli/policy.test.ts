import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'

const folder = mkdtempSync(join(tmpdir(), 'aegis-policy-cli-'))
const bad = join(folder, 'bad.yaml')
const good = join(folder, 'good.yaml')
const head = 'version: 1\nname: team\ndefault_decision: review\nrules:\n'
writeFileSync(bad, `${head}  - { tool: shel.rm, decision: deney }\n`)
writeFileSync(good, `${head}  - { tool: shell.rm, decision: block }\n`)
writeFileSync(join(folder, 'good.cases.yaml'), '- { shell: rm x, expect: block }\n- { shell: ls, expect: allow }\n')

let out = ''
let err = ''
const env = process.env['AEGIS_CONFIG_DIR']

beforeEach(() => {
  out = ''
  err = ''
  process.env['AEGIS_CONFIG_DIR'] = folder
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  if (env === undefined) delete process.env['AEGIS_CONFIG_DIR']
  else process.env['AEGIS_CONFIG_DIR'] = env
})
afterAll(() => rmSync(folder, { recursive: true }))

const run = (...words: string[]) => main('aegisctl', ['policy', ...words])

describe('aegisctl policy', () => {
  it('lint passes what loads and names every mistake of what does not', async () => {
    expect(await run('lint', 'pr-writer', good)).toBe(0)
    expect(await run('lint', bad)).toBe(1)
    expect(out).toContain(
      `${bad}:5:13: nothing provides tools named \`shel.*\`, so this rule can never match, did you mean \`shell\`?`,
    )
    expect(out).toContain(`${bad}:5:32: unknown decision \`deney\`, did you mean \`deny\`?`)
  })

  it('lint answers in JSON', async () => {
    expect(await run('lint', bad, '--json')).toBe(1)
    expect(JSON.parse(out)).toMatchObject([
      {
        file: bad,
        problems: [
          { line: 5, column: 13 },
          { line: 5, column: 32 },
        ],
      },
    ])
  })

  it('exits 2 for a policy that is not there, and says which are', async () => {
    expect(await run('lint', 'pr-wirter')).toBe(2)
    expect(err).toContain('did you mean `pr-writer`?')
  })

  it('test judges the cases beside the policy', async () => {
    expect(await run('test', good)).toBe(1)
    expect(out).toContain('good.cases.yaml:2: ls: expected allow, got review by default')
    expect(out).toContain('team: 1 of 2 cases as expected')
    process.exitCode = undefined
    expect(await run('test', 'readonly')).toBe(0)
  })

  it('explain shows the decision, the acts and why rules do not match', async () => {
    expect(await run('explain', 'git -C . push --force', '--policy', 'pr-writer')).toBe(0)
    expect(out).toMatch(/^block {2}by \*:shell\.git of pr-writer\n {2}reason: rewrites or deletes/)
    expect(out).toContain('act 1: shell.git (execute)  git push --force')
  })

  it('explain takes an action as JSON and answers in JSON', async () => {
    expect(
      await run(
        'explain',
        '{"protocol":"git","tool":"github.create_pull_request","target":"a/b"}',
        '--policy',
        'pr-writer',
        '--json',
      ),
    ).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      decision: 'review',
      matched_rule: 'git:github.create_pull_request',
      policy: 'pr-writer',
    })
    expect(await run('explain', '{"tool":1}', '--policy', 'pr-writer')).toBe(2)
  })
})
