import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0))
    })
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

const GITHUB = { protocol: 'git', target: 'aegisflow/aegisflow', session: 'seven' }

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
    'forge-app.pem',
    'aegis.yaml',
  ])('keeps %s to its owner', (name) => {
    expect(statSync(join(box.home, '.config/aegis', name)).mode & 0o777).toBe(0o600)
  })

  it('connects the editor it was asked to, in the current folder', () => {
    expect(JSON.parse(readFileSync(join(box.project, '.mcp.json'), 'utf8'))).toHaveProperty('mcpServers.aegis')
  })

  it("answers the seed's calls, and the session's seven entries verify", async () => {
    const act = (body: object) => ask(box.port + 1, '/admin/v1/test-action', { session: 'seven', ...body })
    expect(await act({ ...GITHUB, tool: 'github.get_file_contents', capability: 'read' })).toMatchObject({
      decision: 'allow',
      matched_rule: 'git:github.get_*',
      policy: 'pr-writer',
      evidence_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(
      await act({ protocol: 'shell', tool: 'shell.pytest', target: '/workspace', capability: 'execute' }),
    ).toMatchObject({
      decision: 'allow',
      matched_rule: 'shell:shell.pytest',
    })
    expect(
      await act({ protocol: 'shell', tool: 'shell.rm', target: '/workspace', capability: 'delete' }),
    ).toMatchObject({
      decision: 'block',
      error: { code: -32001, data: { suggested_alternative: 'use git clean -fdx via shell.git' } },
    })
    const parameters = { title: 'fix', head: 'claude/fix-flaky-evidence-test', base: 'main' }
    const request = { ...GITHUB, tool: 'github.create_pull_request', capability: 'write', parameters }
    const parked = await act(request)
    expect(parked).toMatchObject({ decision: 'review', error: { code: -32002 } })
    const id = String(parked['envelope_id'])
    expect(box.run('aegisctl', ['pending']).stdout).toContain(id)
    expect(box.run('aegisctl', ['pending', id]).stdout).toContain('"head": "claude/fix-flaky-evidence-test"')
    const approved = box.run('aegisctl', ['approve', id, '--reviewer', 'alice', '--comment', 'fine'])
    expect(JSON.parse(approved.stdout)).toMatchObject({ status: 'approved', reviewer: 'alice', channel: 'cli' })
    expect(box.run('aegisctl', ['approve', id, '--comment', 'again'])).toMatchObject({ status: 1 })
    expect(await act({ ...request, approval_ref: id })).toMatchObject({
      decision: 'allow',
      matched_rule: `approved:${id}`,
      credential: { type: 'github_app_installation', scope: 'pull_requests:write,contents:read', expires_in: 600 },
      result: { pr_number: 1247 },
    })
    const verified = box.run('aegisctl', ['evidence', 'verify', '--session', 'seven'])
    expect(verified.stdout).toContain('valid: true, total_entries: 7, audit log integrity verified')
    expect(verified.status).toBe(0)
  }, 60_000)

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
      /^TIME,AGENT,SESSION,KIND,TOOL,RULE,ENVELOPE\r\n/,
    )
    expect(JSON.parse(box.run('aegisctl', ['session', 'seven', '--json']).stdout)).toHaveLength(7)
    expect(box.run('aegis', ['sessions']).stdout).toContain('seven')
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

  it('gives the calls of the README the decisions it tells', async () => {
    const bodies = [...README.matchAll(/^ask '(\{[^']+\})'/gm)].map(([, body = '']) => JSON.parse(body) as object)
    const decisions: unknown[] = []
    for (const body of bodies) decisions.push((await ask(box.port + 1, '/admin/v1/test-action', body))['decision'])
    expect(decisions).toEqual(['allow', 'allow', 'block', 'review'])
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
    expect(box.run('aegisctl', ['evidence', 'verify', '--bundle', 'aegis-demo-evidence.json']).status).toBe(0)
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
    expect(box.run('aegisctl', ['evidence', 'verify', '--session', 'seven']).status).toBe(0)
  }, 120_000)

  it('is removed without the evidence, unless that is asked for', () => {
    expect(box.installer('--uninstall').status).toBe(0)
    expect(existsSync(join(box.home, '.local/bin/aegis'))).toBe(false)
    expect(existsSync(join(box.home, '.local/share/aegis/aegis.db'))).toBe(true)
    expect(box.installer('--uninstall', '--purge').status).toBe(0)
    expect(existsSync(join(box.home, '.local/share/aegis'))).toBe(false)
    expect(existsSync(join(box.home, '.config/aegis'))).toBe(false)
  }, 60_000)
})

describe('what stands in the way', () => {
  let box: Machine
  beforeAll(async () => {
    box = await machine()
  })
  afterAll(() => box.clean())

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

  it('is a policy that there is none of: nothing is written', () => {
    const tried = box.installer('--policy', 'pr-writr')
    expect(tried.status).toBe(2)
    expect(tried.stderr).toContain('did you mean `pr-writer`?')
    expect(existsSync(join(box.home, '.config/aegis'))).toBe(false)
  }, 60_000)

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
