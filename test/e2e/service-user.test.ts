import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AGENT,
  agent,
  agentFile,
  base,
  bin,
  data,
  etc,
  home,
  type Installed,
  idOf,
  installService,
  prefix,
  ROOT,
  read,
  removeService,
  root,
  run,
  SERVICE,
  unable,
} from '../support/service-machine.ts'

describe.skipIf(unable !== null)(`install.sh --service-user${unable === null ? '' : `: ${unable}`}`, () => {
  let first: Installed['first']
  let port: number
  let serverPid: number

  beforeAll(async () => {
    ;({ first, port, serverPid } = await installService())
  }, 300_000)
  afterAll(removeService, 60_000)

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
    const [uid, gid] = [idOf(AGENT, '-u'), idOf(AGENT, '-g')]
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
