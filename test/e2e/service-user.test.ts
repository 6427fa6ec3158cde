import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const AGENT = `aegis-a${process.pid}`
const SUCCESSOR = `aegis-b${process.pid}`
const SERVICE = `aegis-s${process.pid}`

/** Why there can be no second user here, or null. */
const unable =
  process.getuid?.() !== 0
    ? 'needs root to make users'
    : lstatSync(join(ROOT, 'node_modules')).isSymbolicLink()
      ? 'the installer does not run where node_modules is a link'
      : spawnSync('useradd', ['--help']).status !== 0 || spawnSync('setpriv', ['--version']).status !== 0
        ? 'needs useradd and setpriv'
        : null

/** A machine's folders, below one of root's that everybody may pass through, as / is. */
const base = unable === null ? mkdtempSync(join(tmpdir(), 'aegis-machine-')) : tmpdir()
const [prefix, etc, data, run, home] = ['usr', 'etc', 'var', 'run', 'home'].map((name) => join(base, name)) as [
  string,
  string,
  string,
  string,
  string,
]
const bin = join(prefix, 'bin')
const ENVIRONMENT = {
  PATH: `${bin}:${process.env['PATH'] ?? ''}`,
  HOME: join(base, 'root'),
  npm_config_cache: join(base, 'npm'),
  ...{ AEGIS_PREFIX: prefix, AEGIS_CONFIG_DIR: etc, AEGIS_DATA_DIR: data, AEGIS_RUN_DIR: run },
  AEGIS_UNIT: `aegis-test-${process.pid}`,
}

let uid = -1
let gid = -1

function root(program: string, words: readonly string[], more: Record<string, string> = {}): SpawnSyncReturns<string> {
  return spawnSync(program, words, { env: { ...ENVIRONMENT, ...more }, cwd: home, encoding: 'utf8', timeout: 240_000 })
}

/** As an agent of the installing user does it: their uid, their home, nothing of root's environment. */
function agent(line: string, input = '', more: Record<string, string> = {}): SpawnSyncReturns<string> {
  const env = { PATH: ENVIRONMENT.PATH, HOME: home, ...more }
  return spawnSync('sh', ['-c', line], { env, cwd: home, uid, gid, input, encoding: 'utf8', timeout: 60_000 })
}

const installer = (...words: readonly string[]) => root(join(ROOT, 'install.sh'), words)
const idOf = (name: string, option: '-u' | '-g') => Number(spawnSync('id', [option, name], { encoding: 'utf8' }).stdout)
const agentFile = join(home, '.config/aegis/agent.json')
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

async function freePort(): Promise<number> {
  for (;;) {
    const first = 20_000 + 4 * Math.floor(Math.random() * 3000)
    const tried = await Promise.all([first, first + 1, first + 2].map(isFree))
    if (tried.every(Boolean)) return first
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })
}

describe.skipIf(unable !== null)(`install.sh --service-user${unable === null ? '' : `: ${unable}`}`, () => {
  let port: number
  let first: SpawnSyncReturns<string>
  let serverPid: number

  beforeAll(async () => {
    chmodSync(base, 0o755)
    mkdirSync(join(base, 'root'))
    spawnSync('useradd', ['--create-home', '--home-dir', home, '--shell', '/bin/sh', '--user-group', AGENT])
    uid = idOf(AGENT, '-u')
    gid = idOf(AGENT, '-g')
    port = await freePort()
    const ports = ['--port', String(port), '--admin-port', String(port + 1)]
    first = installer('--service-user', SERVICE, '--agent-user', AGENT, '--editor', 'claude', ...ports)
    if (first.status !== 0) throw new Error(`${first.stdout}${first.stderr}`)
    serverPid = Number(readFileSync(join(data, 'aegis.pid'), 'utf8'))
  }, 300_000)
  afterAll(() => {
    if (existsSync(join(prefix, 'lib/aegis/installed'))) installer('--uninstall', '--purge')
    for (const name of [AGENT, SUCCESSOR, SERVICE]) spawnSync('userdel', [name])
    rmSync(base, { recursive: true, force: true })
  }, 60_000)

  it('ends with a server of a user of its own, and three true checks', () => {
    expect(first.stdout + first.stderr).toContain('✓ github.create_pull_request: review by pr-writer')
    expect(first.status).toBe(0)
    const { stdout } = spawnSync('ps', ['-o', 'user:40=', '-p', String(serverPid)], { encoding: 'utf8' })
    expect(stdout.trim()).toBe(SERVICE)
    expect(first.stdout + first.stderr).not.toContain(read(join(etc, 'client.json')).admin_key)
  })

  it.each([
    [etc, 0o700],
    [data, 0o700],
    [join(etc, 'client.json'), 0o600],
    [join(etc, 'log.key'), 0o600],
    [join(etc, 'installation.key'), 0o600],
    [join(data, 'aegis.sock'), 0o600],
  ])('keeps %s to that user', (path, mode) => {
    const found = statSync(path)
    expect(found.uid).toBe(idOf(SERVICE, '-u'))
    expect(found.mode & 0o777).toBe(mode)
  })

  it('gives the user of the agents the agent key, for them alone, and nothing else', () => {
    expect(statSync(agentFile)).toMatchObject({ uid, gid })
    expect(statSync(agentFile).mode & 0o777).toBe(0o600)
    expect(read(agentFile)).toMatchObject({ socket: join(run, 'agents.sock'), service_user: SERVICE })
    expect(read(agentFile).agent_key).toBe(read(join(etc, 'agent.json')).agent_key)
    expect(existsSync(join(home, '.config/aegis/client.json'))).toBe(false)
    expect(read(join(home, '.mcp.json'))).toMatchObject({ mcpServers: { aegis: { command: 'aegis', args: ['mcp'] } } })
    expect(statSync(join(home, '.mcp.json')).uid).toBe(uid)
  })

  it.each([
    ['reads the admin key', () => `cat ${etc}/client.json`],
    ['lists the keys', () => `ls ${etc}`],
    ["reads the log's private key", () => `cat ${etc}/log.key`],
    ['changes the policy', () => `echo >> ${etc}/aegis.yaml`],
    ['reads the evidence', () => `head -c1 ${data}/aegis.db`],
    ['writes the evidence', () => `printf x | dd of=${data}/aegis.db conv=notrunc`],
    ['removes the evidence', () => `rm -f ${data}/aegis.db`],
    ['moves the evidence away', () => `mv ${data} ${base}/elsewhere`],
    ['stops the server', () => `kill -TERM ${serverPid}`],
    ['asks the server to write its heap', () => `kill -USR1 ${serverPid}`],
    ["reads the server's environment", () => `cat /proc/${serverPid}/environ`],
    ["reads the server's memory", () => `head -c1 /proc/${serverPid}/mem`],
    ["changes the server's program", () => `echo >> ${prefix}/lib/aegis/dist/src/server.js`],
    ['changes a package of the server', () => `echo >> ${prefix}/lib/aegis/node_modules/hono/package.json`],
    ['changes the commands', () => `echo >> ${bin}/aegisctl`],
    ['takes the door of agents away', () => `rm -f ${run}/agents.sock`],
    ['puts a door of its own in its place', () => `mv ${run}/agents.sock ${run}/old`],
    ['becomes the user of the server', () => `setpriv --reuid=${SERVICE} true`],
  ])('stops an agent that %s', (_, line) => {
    const tried = agent(line())
    expect(tried.status).not.toBe(0)
    expect(tried.stderr).toMatch(/[Pp]ermission denied|not permitted/)
  })

  it("lets no agent come by the server's own socket", () => {
    const connect = `require('net').connect('${data}/aegis.sock').on('error', (e) => { console.error(e.code); process.exit(1) })`
    expect(agent(`node -e "${connect}"`)).toMatchObject({ status: 1, stderr: 'EACCES\n' })
    expect(
      agent(`node -e "${connect.replace(`${data}/aegis`, `${run}/agents`)}.on('connect', () => process.exit(0))"`),
    ).toMatchObject({ status: 0 })
  })

  it('judges what the agent does all the same', () => {
    const hook = (command: string) => {
      const tool = { tool_name: 'Bash', tool_input: { command } }
      const event = { hook_event_name: 'PreToolUse', session_id: 's', cwd: '/', ...tool }
      return agent('aegis hook claude-code', JSON.stringify(event))
    }
    expect(hook('pytest')).toMatchObject({ status: 0 })
    expect(hook('rm -rf build')).toMatchObject({ status: 2, stderr: expect.stringContaining('git clean -fdx') })
    const hello = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }
    expect(agent('aegis mcp', `${JSON.stringify(hello)}\n`).stdout).toContain('"protocolVersion":"2025-06-18"')
  })

  async function review(): Promise<string> {
    const parameters = { title: `one more (${Math.random()})`, head: 'feat/x', base: 'main' }
    const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'aegisflow/aegisflow', parameters }
    const answer = await fetch(`http://127.0.0.1:${port + 1}/admin/v1/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': read(agentFile).agent_key },
      body: JSON.stringify(action),
    })
    return String(((await answer.json()) as Record<string, unknown>)['envelope_id'])
  }

  it('records separation `uid` for what root or the service user approves', async () => {
    const approved = root('aegisctl', ['approve', await review(), '--comment', 'looks right'])
    expect(approved.status).toBe(0)
    expect(JSON.parse(approved.stdout)).toMatchObject({ separation: 'uid', channel: 'cli' })
  })

  it('lets no agent approve, with whatever key it has', async () => {
    const id = await review()
    const none = agent(`aegisctl approve ${id} --comment x`)
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining(`Aegis runs as user ${SERVICE} here`) })
    const { agent_key: key } = read(agentFile)
    const own = { AEGIS_ADMIN_URL: `http://127.0.0.1:${port + 1}`, AEGIS_API_KEY: key }
    expect(agent(`aegisctl approve ${id} --comment x`, '', own)).toMatchObject({ status: 1 })
    expect(root('aegisctl', ['deny', id, '--comment', 'no']).status).toBe(0)
  })

  it('claims nothing for what comes by the door of the agents, whoever has the key', async () => {
    const made = root('aegisctl', ['keys', 'create', '--role', 'reviewer', '--name', 'rita', '--owner', 'rita'])
    expect(agent('aegisctl login --key -', made.stdout)).toMatchObject({ status: 0 })
    const warned = agent('aegis doctor')
    expect(warned.stdout).toContain('holds a key that an agent could approve with')
    const approved = agent(`aegisctl approve ${await review()} --comment x`)
    expect(JSON.parse(approved.stdout)).toMatchObject({ separation: 'none' })
    rmSync(join(home, '.config/aegis/client.json'))
  })

  it('finds nothing wrong when either side looks', () => {
    const seen = agent('aegis doctor')
    expect(seen).toMatchObject({ status: 0, stdout: expect.stringContaining('no key that could approve is kept here') })
    const checks = JSON.parse(root('aegis', ['doctor', '--json']).stdout) as { state: string; detail: string }[]
    expect(checks.filter(({ state }) => state === 'fail')).toEqual([])
    expect(checks.at(-1)?.detail).toContain(`the server runs as user ${SERVICE}`)
  })

  it('starts no server for an agent where the other one is down, and makes no installation in its place', () => {
    root('aegis', ['stop'])
    expect(agent('aegis mcp', '{}').stderr).toContain(`the server that user ${SERVICE} runs does not answer`)
    expect(existsSync(join(home, '.local/share/aegis'))).toBe(false)
    expect(agent('aegis init')).toMatchObject({ status: 1, stderr: expect.stringContaining('belongs to the agents') })
    expect(root('aegis', ['serve', '--detach'])).toMatchObject({ status: 0 })
  })

  it('keeps keys and evidence when run again, follows no link that an agent laid, and takes over what it could change', () => {
    const precious = join(base, 'precious')
    const mine = join(home, 'mine.yaml')
    writeFileSync(precious, 'of root', { mode: 0o600 })
    writeFileSync(
      mine,
      'version: 1\nname: mine\ndefault_decision: review\nrules: [{ tool: shell.rm, decision: block }]\n',
    )
    const files = ['agent.json', 'client.json', 'installation.key', 'log.key'].map((name) => join(etc, name))
    const before = files.map((file) => readFileSync(file, 'utf8'))
    rmSync(agentFile)
    symlinkSync(precious, agentFile)
    const bad = join(home, 'bad.yaml')
    writeFileSync(bad, 'version: 1\nname: bad\nrulez: []\n')
    expect(installer('--service-user', SERVICE, '--agent-user', AGENT, '--policy', bad).stderr).toContain(
      'not put in force',
    )
    expect(root('aegisctl', ['status']).stdout).toMatch(/policies +pr-writer/)
    const again = installer('--service-user', SERVICE, '--agent-user', AGENT, '--policy', mine)
    expect(again.stdout + again.stderr).toContain('review by mine')
    expect(again.status).toBe(0)
    expect(readFileSync(precious, 'utf8')).toBe('of root')
    expect(lstatSync(agentFile)).toMatchObject({ uid })
    expect(lstatSync(agentFile).isSymbolicLink()).toBe(false)
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before)
    expect(root('aegisctl', ['logs']).stdout).toContain('shell.rm')
    expect(statSync(join(etc, 'policy.yaml')).uid).toBe(idOf(SERVICE, '-u'))
    expect(readFileSync(join(etc, 'aegis.yaml'), 'utf8')).toContain(`policy: ${etc}/policy.yaml`)
  }, 300_000)

  /** What an agent may make of the folder that its key is put into, and what root is told of it. */
  const laid: readonly (readonly [string, () => string, string])[] = [
    ['a link to a folder of root', () => `ln -s ${base}/roots .config/aegis`, 'it is a link'],
    ['a link to nowhere', () => 'ln -s /nowhere/at/all .config/aegis', 'it is a link'],
    ['a file', () => 'touch .config/aegis', 'it is no folder that they may enter'],
    ['a folder that nobody may write to', () => 'mkdir -m 500 .config/aegis', 'they may not write there'],
    [
      'a folder in the place of the key',
      () => 'mkdir -p .config/aegis/agent.json',
      'agent.json there cannot be replaced',
    ],
  ]
  const putBack = () => agent('chmod -R u+rwx .config; rm -rf .config/aegis')
  const handOn = () => root(join(prefix, 'lib/aegis/install.sh'), ['--hand-on-key'], { AEGIS_PREFIX: '' })

  it('has a server after an upgrade, whatever an agent made of its own folder, and says why the key was not handed on', () => {
    mkdirSync(join(base, 'roots'), { mode: 0o700 })
    putBack()
    agent(`ln -s ${base}/roots .config/aegis`)
    // For the same agents as before: who types the upgrade changes nothing.
    const upgraded = root(join(ROOT, 'install.sh'), ['--service-user', SERVICE], { SUDO_USER: 'nobody' })
    expect(upgraded.status).toBe(1)
    expect(upgraded.stderr).toContain(`could not be put into ${home}/.config/aegis: it is a link`)
    expect(upgraded.stderr).toContain('The server runs')
    expect(upgraded.stderr).toContain(`sudo ${prefix}/lib/aegis/install.sh --hand-on-key`)
    expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
    expect(readdirSync(join(base, 'roots'))).toEqual([])
    agent('rm .config/aegis')
    expect(handOn()).toMatchObject({ status: 0 })
    expect(agent('aegis doctor')).toMatchObject({ status: 0 })
  }, 300_000)

  it.each(laid)('hands the key on through no hindrance: %s', (_, line, why) => {
    putBack()
    agent(line())
    expect(handOn()).toMatchObject({ status: 1, stderr: expect.stringContaining(why) })
    expect(readdirSync(join(base, 'roots'))).toEqual([])
    putBack()
    expect(handOn()).toMatchObject({ status: 0 })
    expect(read(agentFile).agent_key).toBe(read(join(etc, 'agent.json')).agent_key)
  })

  it('starts the server again where an upgrade fails after it was stopped', () => {
    const words = ['--service-user', SERVICE, '--github-app-id', 'x', '--github-app-key', join(base, 'nothing')]
    const failed = installer(...words)
    expect(failed.status).not.toBe(0)
    expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
    const other = join(bin, 'aegis')
    const ours = readFileSync(other, 'utf8')
    writeFileSync(other, 'somebody else’s')
    expect(installer('--service-user', SERVICE).stderr).toContain(`${other} exists and is not ours`)
    writeFileSync(other, ours)
    expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
  }, 300_000)

  it('says, where the key of the agents is rotated, how they get the new one', () => {
    const keys = JSON.parse(root('aegisctl', ['keys', 'list', '--json']).stdout) as Record<string, string>[]
    const id = keys.find(({ role, state }) => role === 'agent' && state === 'active')?.['id'] ?? ''
    const rotated = root('aegisctl', ['keys', 'rotate', id])
    expect(rotated).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`${etc}/agent.json holds the new secret`),
    })
    const [said = '', command = ''] = /still has the old one: sudo (.*) gives them/.exec(rotated.stderr) ?? []
    expect(said + rotated.stderr).not.toContain(rotated.stdout.trim())
    expect(agent('aegis doctor')).toMatchObject({ status: 1 })
    expect(root('sh', ['-c', command])).toMatchObject({ status: 0 })
    expect(read(agentFile).agent_key).toBe(rotated.stdout.trim())
    expect(agent('aegis doctor')).toMatchObject({ status: 0 })
    expect(agent(command)).toMatchObject({ status: 2, stderr: expect.stringContaining('needs root') })
  })

  it.each([
    ['no agents', [], { AEGIS_PREFIX: join(base, 'elsewhere') }, 'whom do the agents run as?'],
    ['agents that are root', ['--agent-user', 'root'], {}, 'cannot be kept from anything'],
    ['agents of the same user', ['--agent-user', SERVICE], {}, 'the server needs another user'],
    ['agents of nobody', ['--agent-user', 'no-such-user-here'], {}, 'there is no user'],
    [
      'folders that an agent could exchange',
      ['--agent-user', AGENT],
      { AEGIS_DATA_DIR: `${home}/data` },
      'others than root may write',
    ],
    ['folders of somebody else', ['--agent-user', AGENT], { AEGIS_DATA_DIR: base }, 'is not of user'],
    [
      'evidence at a place of its own',
      ['--agent-user', AGENT, '--store', `${home}/aegis.db`],
      {},
      'the evidence stays in',
    ],
    ['an unknown editor', ['--agent-user', AGENT, '--editor', 'ed'], {}, '--editor must be one of'],
  ])(
    'refuses %s',
    (_, words, more, message) => {
      const tried = root(join(ROOT, 'install.sh'), ['--service-user', SERVICE, ...words], more)
      expect(tried.stderr).toContain(message)
      expect(tried.status).not.toBe(0)
    },
    120_000,
  )

  it('ends the key of the user that agents ran as before, and takes their copy away', () => {
    const successor = join(base, 'successor')
    spawnSync('useradd', ['--create-home', '--home-dir', successor, '--user-group', SUCCESSOR])
    const { agent_key: before } = read(agentFile)
    const changed = installer('--service-user', SERVICE, '--agent-user', SUCCESSOR)
    expect(changed).toMatchObject({ status: 0, stdout: expect.stringContaining(`removed ${agentFile}`) })
    expect(existsSync(agentFile)).toBe(false)
    const file = join(successor, '.config/aegis/agent.json')
    const whoami = (key: string) => {
      const own = { AEGIS_ADMIN_URL: `http://127.0.0.1:${port + 1}`, AEGIS_API_KEY: key }
      return agent('aegisctl keys list', '', own).stderr
    }
    expect(statSync(file).uid).toBe(idOf(SUCCESSOR, '-u'))
    expect(whoami(before)).toContain('does not know this key')
    expect(whoami(read(file).agent_key)).toContain('role admin')
    expect(agent(`ls ${run}/agents.sock`).stderr).toMatch(/[Pp]ermission denied/)

    // And back: the one who loses it lays a link to a file of root's, which stays what it is.
    const precious = join(base, 'service-key')
    writeFileSync(precious, `"service_user": "${SERVICE}"`, { mode: 0o600 })
    rmSync(file)
    symlinkSync(precious, file)
    const back = installer('--service-user', SERVICE, '--agent-user', AGENT)
    expect(back).toMatchObject({ status: 0, stdout: expect.stringContaining(`! left as it is`) })
    expect(existsSync(precious)).toBe(true)
    expect(agent('aegis doctor')).toMatchObject({ status: 0 })
    expect(readFileSync(join(prefix, 'lib/aegis/installed'), 'utf8')).toContain("former_agents=''")
  }, 300_000)

  describe('where root has an installation of its own beside it', () => {
    const own = (...words: readonly string[]) =>
      root(join(ROOT, 'install.sh'), words, { AEGIS_CONFIG_DIR: '', AEGIS_DATA_DIR: '' })
    const folders = [join(base, 'root/.config/aegis'), join(base, 'root/.local/share/aegis')] as const
    const evidence = [join(folders[1], 'aegis.db'), join(data, 'aegis.db')]

    it('removes neither before it is told which', () => {
      expect(own('--no-start', '--port', String(port + 4), '--admin-port', String(port + 5))).toMatchObject({
        status: 0,
      })
      const asked = own('--uninstall', '--purge')
      expect(asked.status).toBe(2)
      for (const folder of [...folders, etc, data, `--service-user ${SERVICE}`, '--own']) {
        expect(asked.stderr).toContain(folder)
      }
      expect(own('--uninstall', '--purge', '--service-user', 'other')).toMatchObject({ status: 2 })
      expect(installer('--uninstall', '--purge', '--own')).toMatchObject({ status: 2 })
      expect(evidence.map((file) => existsSync(file))).toEqual([true, true])
      expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
    }, 120_000)

    it('removes its own alone with --own, and names the folders before and after', () => {
      const removed = own('--uninstall', '--purge', '--own')
      expect(removed.status).toBe(0)
      expect(removed.stdout).toContain(
        `removing with all keys and evidence what Aegis made in ${folders.join(' and ')}`,
      )
      expect(removed.stdout).toContain(`removed configuration, keys and evidence: ${folders.join(', ')}`)
      expect(folders.map((folder) => existsSync(folder))).toEqual([false, false])
      expect(evidence.map((file) => existsSync(file))).toEqual([false, true])
      expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
    }, 60_000)
  })

  it('is undone without the evidence, unless that is asked for', () => {
    const undone = installer('--uninstall')
    expect(undone.status).toBe(0)
    for (const path of [etc, data, `user ${SERVICE}`, `${prefix}/lib/aegis/installed`]) {
      expect(undone.stdout.slice(undone.stdout.indexOf('kept: '))).toContain(path)
    }
    expect([bin, 'lib/aegis/dist'].map((name) => existsSync(resolve(prefix, name, 'aegis')))).toEqual([false, false])
    expect(existsSync(agentFile)).toBe(false)
    expect(existsSync(run)).toBe(false)
    expect(existsSync(join(data, 'aegis.db'))).toBe(true)
    expect(spawnSync('pgrep', ['-u', SERVICE]).status).toBe(1)
    const [before = '', after = ''] = installer('--uninstall', '--purge').stdout.split('removed configuration')
    for (const path of [etc, data]) expect([before, after].map((text) => text.includes(path))).toEqual([true, true])
    expect([etc, data, join(prefix, 'lib/aegis')].map((path) => existsSync(path))).toEqual([false, false, false])
    expect(spawnSync('id', [SERVICE]).status).not.toBe(0)
  }, 60_000)
})

describe('without root', () => {
  it('--service-user says what it needs', ({ skip }) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: tmpdir() }
    const as = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    const words = [join(ROOT, 'install.sh'), '--service-user', 'aegis']
    const tried = spawnSync('sh', words, { env, encoding: 'utf8', cwd: '/', ...as })
    if (/cannot open|Permission denied/.test(tried.stderr)) skip('the checkout is closed to other users')
    expect(tried).toMatchObject({ status: 2, stderr: expect.stringContaining('--service-user needs root') })
  })
})
