import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const KEY = 'starter-key-001'
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')

/** A person's machine: an empty home, and a project they work in. */
interface Machine {
  readonly home: string
  readonly project: string
  readonly port: number
  run(program: string, words: readonly string[], input?: string): SpawnSyncReturns<string>
  installer(...words: readonly string[]): SpawnSyncReturns<string>
  clean(): void
}

async function machine(): Promise<Machine> {
  const home = mkdtempSync(join(tmpdir(), 'aegis-home-'))
  const project = join(home, 'project')
  mkdirSync(project)
  const env = {
    PATH: `${home}/.local/bin:${process.env['PATH'] ?? ''}`,
    HOME: home,
    npm_config_cache: join(home, '.npm'),
  }
  const run = (program: string, words: readonly string[], input = '') =>
    spawnSync(program, words, { env, cwd: project, encoding: 'utf8', input, timeout: 120_000 })
  return {
    home,
    project,
    port: await freePort(),
    run,
    installer: (...words) => run(join(ROOT, 'install.sh'), words),
    clean() {
      run('aegis', ['stop'])
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** The first of three free ports in a row: data, admin, forge. Below those that the system hands out to anybody who connects. */
async function freePort(): Promise<number> {
  for (;;) {
    const first = 20_000 + 4 * Math.floor(Math.random() * 3000)
    const free = await Promise.all([first, first + 1, first + 2].map(isFree))
    if (free.every(Boolean)) return first
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })
}

async function ask(port: number, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://localhost:${port}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (await answer.json()) as Record<string, unknown>
}

interface Told {
  readonly typed: string
  /** What the README shows as its answer. */
  readonly shown: string | null
  readonly isJson: boolean
}

/** What the story of the README types, block by block. */
function readmeStory(hasSqlite: boolean): readonly Told[] {
  const story = README.slice(README.indexOf('## The story'), README.indexOf('## Connect an agent'))
  const fences = [...story.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, kind = '', text = '']) => ({ kind, text }))
  return fences.flatMap(({ kind, text }, at): readonly Told[] => {
    if (kind !== 'sh' || (text.startsWith('sqlite3') && !hasSqlite)) return []
    const next = fences[at + 1]
    const shown = next === undefined || next.kind === 'sh' ? null : next.text
    return [{ typed: text, shown, isJson: next?.kind === 'json' }]
  })
}

/** As this machine's user would type it: their own port, and the id from their own list. */
function adapted(typed: string, adminPort: number): string {
  const first = "node -p 'JSON.parse(fs.readFileSync(0, `utf8`))[0].envelope_id'"
  return typed.replaceAll(':8081', `:${adminPort}`).replace(/^ID=.*$/m, `ID=$(aegisctl pending --json | ${first})`)
}

/** Without what differs from one installation to the next. */
function alike(answer: string, isJson: boolean): string {
  return (isJson ? JSON.stringify(JSON.parse(answer)) : answer)
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replace(/\b[0-9a-f]{64}\b/g, 'HASH')
    .replace(/\bkey_[0-9a-f]{16}\b/g, 'KEY')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replace(/checkpoint of \d+ entries, key \S+\+[0-9a-f]{8}/g, 'CHECKPOINT')
    .replace(/\(entry \d+\)/g, '(entry N)')
    .replace(/ {2}claude /g, '  agent ')
    .replace(/ +/g, ' ')
}

describe('install.sh in an empty home', () => {
  let box: Machine
  let first: SpawnSyncReturns<string>

  beforeAll(async () => {
    box = await machine()
    const ports = ['--port', String(box.port), '--admin-port', String(box.port + 1)]
    first = box.installer('--policy', 'pr-writer', '--api-key', KEY, '--editor', 'claude', ...ports)
  }, 240_000)
  afterAll(() => box.clean())

  it('ends with a running server and three true checks', () => {
    expect(first.stderr + first.stdout).toContain('✓ github.get_file_contents: allow by pr-writer')
    expect(first.stdout).toContain('✓ shell.rm: block by pr-writer')
    expect(first.stdout).toContain('✓ github.create_pull_request: review by pr-writer')
    expect(first.status).toBe(0)
    expect(box.run('aegisctl', ['status']).stdout).toContain('pr-writer')
    expect(box.run('aegisctl', ['pending', '--json']).stdout).toBe('[]\n')
  })

  it('says plainly what the same user on the same machine means, and never prints a key', () => {
    expect(first.stdout).toContain('can read the admin key')
    const { admin_key } = JSON.parse(readFileSync(join(box.home, '.config/aegis/client.json'), 'utf8'))
    expect(first.stdout + first.stderr).not.toContain(admin_key)
    expect(first.stdout + first.stderr).not.toContain(KEY)
  })

  it.each([
    'agent.json',
    'client.json',
    'installation.key',
    'log.key',
    'forge-app.pem',
    'aegis.yaml',
  ])('keeps %s to its owner', (name) => {
    expect(statSync(join(box.home, '.config/aegis', name)).mode & 0o777).toBe(0o600)
  })

  it('connects the editor it was asked to, in the current folder', () => {
    expect(JSON.parse(readFileSync(join(box.project, '.mcp.json'), 'utf8'))).toHaveProperty('mcpServers.aegis')
  })

  it('comes out as the README tells it, answer by answer', () => {
    const blocks = readmeStory(box.run('sqlite3', ['--version']).status === 0)
    const marked = blocks.map(({ typed }, at) => `echo "@@ ${at}"\n${adapted(typed, box.port + 1)}`).join('\n')
    const told = box.run('bash', ['-c', marked])
    expect(told.stderr).toBe('')
    const answers = told.stdout.split(/^@@ \d+\n/m).slice(1)
    expect(answers).toHaveLength(blocks.length)
    blocks.forEach(({ shown, isJson }, at) => {
      if (shown !== null) expect(alike(answers[at] ?? '', isJson)).toBe(alike(shown, isJson))
    })
    expect(told.stdout).toContain('"code":-32002')
    expect(told.stdout).toContain('"head": "claude/fix-flaky-evidence-test"')
  }, 60_000)

  it('spends an approval once, whoever asks', async () => {
    const spent = JSON.parse(box.run('aegisctl', ['pending', '--status', 'redeemed', '--json']).stdout)
    const id = String(spent[0].envelope_id)
    const parameters = {
      title: 'fix: stabilize flaky TestEvidenceChain_Concurrent',
      head: 'claude/fix-flaky-evidence-test',
      base: 'main',
    }
    const request = { protocol: 'git', tool: 'github.create_pull_request', target: 'aegisflow/aegisflow', parameters }
    const again = await ask(box.port + 1, '/admin/v1/test-action', { ...request, approval_ref: id })
    expect(again).toMatchObject({ error: { code: 409 } })
    const waits = await ask(box.port + 1, '/admin/v1/test-action', request)
    expect(waits).toMatchObject({ decision: 'review', error: { code: -32002 } })
    expect(box.run('aegisctl', ['approve', id, '--comment', 'again'])).toMatchObject({ status: 1 })
    expect(box.run('aegisctl', ['deny', String(waits['envelope_id']), '--comment', 'twice is enough']).status).toBe(0)
  })

  it("lets Claude Code's hook pass what is allowed and stop what is not", () => {
    const hook = (command: string) => {
      const event = {
        hook_event_name: 'PreToolUse',
        session_id: 's',
        cwd: '/',
        tool_name: 'Bash',
        tool_input: { command },
      }
      return box.run('aegis', ['hook', 'claude-code'], JSON.stringify(event))
    }
    expect(hook('pytest')).toMatchObject({ status: 0, stdout: '' })
    expect(hook('rm -rf build')).toMatchObject({ status: 2, stderr: expect.stringContaining('git clean -fdx') })
    expect(box.run('aegis', ['hook', 'claude-code'], '{"hook_event_name":"PreToolUse",')).toMatchObject({ status: 2 })
    expect(box.run('aegis', ['hook', 'other'], '{}')).toMatchObject({ status: 2 })
  })

  it('shows what happened, in every format, on both programs', () => {
    expect(box.run('aegis', ['logs', '--denied']).stdout).toContain('shell.rm')
    expect(box.run('aegisctl', ['logs', '--format', 'csv']).stdout).toMatch(
      /^TIME,AGENT,SESSION,KIND,TOOL,RULE,REVIEWER,OUTCOME,ENVELOPE\r\n/,
    )
    expect(JSON.parse(box.run('aegisctl', ['session', 'story', '--json']).stdout)).toHaveLength(7)
    expect(box.run('aegis', ['sessions']).stdout).toContain('story')
    expect(box.run('aegisctl', ['audit']).stdout).toContain('alice (key admin)')
    expect(JSON.parse(box.run('aegis', ['stats', '--json']).stdout)).toHaveProperty('decisions.block')
  })

  it.each([
    [['approve', 'x', '--comment', 'c'], 2],
    [['pending', 'x'], 2],
    [['--version'], 0],
    [['approve'], 2],
    [['logs', '--since', 'yesterday'], 2],
    [['logs', '--format', 'xml'], 2],
    [['nothing'], 2],
    [['--help'], 0],
  ])('ends aegisctl %j with exit %i', (words, status) => {
    expect(box.run('aegisctl', words).status).toBe(status)
  })

  it('finds nothing wrong when the doctor looks', () => {
    const found = box.run('aegis', ['doctor', '--json'])
    const failing = JSON.parse(found.stdout).filter((check: { state: string }) => check.state === 'fail')
    expect(failing).toEqual([])
    expect(found.stdout).toContain('separation')
  })

  it.each(
    [...README.matchAll(/^(aegis|aegisctl) ([a-z]+)/gm)].map(([line]) => line.split(' ')),
  )('knows the commands that the README types: %s %s', (program, verb) => {
    expect(box.run(program ?? '', [verb ?? '', '--help']).status).toBe(0)
  })

  it('tells a demo that comes out as told and leaves evidence that anyone can check', () => {
    const told = box.run('aegis', ['demo'])
    expect(told.stderr).toBe('')
    expect(told.stdout).toContain('valid: true, total_entries: 7, audit log integrity verified')
    expect(told.stdout).toMatch(/valid: false[\s\S]*ALTERED_BODY/)
    expect(told.status).toBe(0)
    const check = ['evidence', 'verify', '--bundle', 'aegis-demo-evidence.json']
    expect(box.run('aegisctl', [...check, '--key', 'aegis-demo-evidence.vkey']).status).toBe(0)
    expect(box.run('aegisctl', check).status).toBe(3)
    expect(box.run('aegisctl', ['sessions', '--json']).stdout).not.toContain('again')
  }, 120_000)

  it('keeps keys, configuration and evidence when run again', () => {
    const files = ['agent.json', 'client.json', 'aegis.yaml', 'installation.key'].map((name) =>
      join(box.home, '.config/aegis', name),
    )
    const before = files.map((file) => readFileSync(file, 'utf8'))
    const again = box.installer('--policy', 'pr-writer', '--api-key', KEY)
    expect(again.status).toBe(0)
    expect(again.stdout).toContain('already running')
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before)
    expect(box.run('aegis', ['serve'])).toMatchObject({ status: 2, stderr: expect.stringContaining('already running') })
    expect(box.run('aegisctl', ['evidence', 'verify', '--session', 'story']).status).toBe(0)
  }, 120_000)

  it('changes no half of itself for a key that cannot be taken over', () => {
    const file = join(box.home, '.config/aegis/aegis.yaml')
    const before = readFileSync(file, 'utf8')
    const running = box.installer('--policy', 'readonly', '--api-key', 'another-agent-key')
    expect(running).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('-> Run `aegis stop`, then this again.'),
    })
    expect(box.installer('--policy', 'readonly', '--api-key', 'short').status).toBe(2)
    expect(readFileSync(file, 'utf8')).toBe(before)
  }, 60_000)

  it('is removed without the evidence, unless that is asked for', () => {
    expect(box.installer('--uninstall').status).toBe(0)
    expect(existsSync(join(box.home, '.local/bin/aegis'))).toBe(false)
    expect(existsSync(join(box.home, '.local/share/aegis/aegis.db'))).toBe(true)
    const folders = [join(box.home, '.config/aegis'), join(box.home, '.local/share/aegis')] as const
    writeFileSync(join(folders[0], 'mine.txt'), 'not made by Aegis')
    const purged = box.installer('--uninstall', '--purge')
    expect(purged.status).toBe(0)
    const [before = '', after = ''] = purged.stdout.split('removed configuration')
    for (const path of folders) expect([before, after].map((text) => text.includes(path))).toEqual([true, true])
    expect(after).toContain(`left in ${folders[0]}, since Aegis does not know it: mine.txt`)
    expect(readdirSync(folders[0])).toEqual(['mine.txt'])
    expect(existsSync(folders[1])).toBe(false)
  }, 60_000)
})

describe('what stands in the way', () => {
  let box: Machine
  beforeAll(async () => {
    box = await machine()
  })
  afterAll(() => box.clean())

  it('is a policy that there is none of: nothing is written', () => {
    const tried = box.installer('--policy', 'pr-writr')
    expect(tried.status).toBe(2)
    expect(tried.stderr).toContain('did you mean `pr-writer`?')
    expect(existsSync(join(box.home, '.config/aegis'))).toBe(false)
  }, 60_000)

  it('is named with its remedy where a port is taken, and is left alone', async () => {
    const blocker = createServer()
    const port = await new Promise<number>((done) => {
      blocker.listen(0, '127.0.0.1', () => {
        const address = blocker.address()
        done(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
    const ended = await new Promise<{ status: number; said: string }>((done) => {
      const tried = box.installer('--port', String(port), '--admin-port', String(box.port))
      done({ status: tried.status ?? -1, said: tried.stdout + tried.stderr })
    })
    expect(ended.status).not.toBe(0)
    expect(ended.said).toContain(`port ${port} on 127.0.0.1 is in use`)
    expect(ended.said).toContain('--port')
    expect(blocker.listening).toBe(true)
    blocker.close()
  }, 120_000)

  it('is named where a directory cannot be written', () => {
    const file = join(box.home, 'a-file')
    writeFileSync(file, '')
    const env = { PATH: process.env['PATH'] ?? '', HOME: box.home, AEGIS_DATA_DIR: join(file, 'data') }
    const words = [join(ROOT, 'dist/src/cli/aegis.js'), 'init']
    const tried = spawnSync(process.execPath, words, { env, encoding: 'utf8' })
    expect(tried.status).toBe(2)
    expect(tried.stderr).toMatch(/a-file\/data cannot be written \(ENOTDIR\)\n {2}-> .*AEGIS_DATA_DIR/)
  })

  it('is named where an unprivileged user may not write', ({ skip }) => {
    if (process.getuid?.() !== 0) skip('needs root to become another user')
    const box2 = mkdtempSync(join(tmpdir(), 'aegis-nobody-'))
    chmodSync(box2, 0o755)
    const env = { PATH: process.env['PATH'] ?? '', HOME: box2 }
    const words = [join(ROOT, 'dist/src/cli/aegis.js'), 'init']
    const tried = spawnSync(process.execPath, words, { env, encoding: 'utf8', uid: 65_534, gid: 65_534, cwd: '/' })
    if (tried.stderr.includes('Cannot find module')) skip('the checkout is closed to other users')
    expect(tried.stderr).toContain('cannot be written (EACCES)')
    expect(tried.status).toBe(2)
  })

  it.each([
    [['--polcy', 'x'], 'unknown option --polcy'],
    [['--policy'], '--policy needs a value'],
    [['--purge'], '--purge goes with --uninstall'],
  ])('is a wrong option: %j', (words, message) => {
    const tried = box.installer(...words)
    expect(tried.status).toBe(2)
    expect(tried.stderr).toContain(message)
  })
})

describe('the programs', () => {
  it('are plain sh and Node: the installer passes a strict shell', () => {
    execFileSync('sh', ['-n', join(ROOT, 'install.sh')])
    expect(readFileSync(join(ROOT, 'starter-kit/install.sh'), 'utf8')).toContain('../install.sh')
  })
})
