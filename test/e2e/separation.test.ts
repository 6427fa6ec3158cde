import { chmodSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send } from '../../src/cli/client.ts'
import { readSettings } from '../../src/config/read-settings.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install } from '../support/installation.ts'

const ours = process.getuid?.() ?? -1
const AGENTS = ours + 1

function agentsFolder(mode = 0o750): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'aegis-run-')), 'aegis')
  mkdirSync(folder)
  chmodSync(folder, mode)
  return folder
}

describe('a server whose agents run as another user of the machine', () => {
  const socket = join(agentsFolder(), 'agents.sock')
  let box: Installation
  beforeAll(async () => {
    box = await install({ localAgents: { uid: AGENTS, socket } })
  })
  afterAll(() => box.close())

  async function asked(): Promise<string> {
    const parameters = { title: `one more (${Math.random()})`, head: 'feat/x', base: 'main' }
    const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'aegisflow/aegisflow', parameters }
    const { body } = await box.post('/admin/v1/actions', action)
    return body.envelope_id
  }

  async function approved(at: { socket: string | null; url: string }, key = ADMIN_KEY) {
    return send({ ...at, key }, 'POST', `/admin/v1/approvals/${await asked()}/approve`, { comment: 'looks right' })
  }

  it.each([
    ['uid', 'its own socket', () => ({ socket: box.urls.socket, url: '' })],
    ['none', "the agents' socket", () => ({ socket, url: '' })],
    ['none', 'the admin port', () => ({ socket: null, url: box.urls.admin })],
  ])('records separation `%s` for an approval that came over %s', async (separation, _, at) => {
    const { status, body } = await approved(at())
    expect({ status, body }).toMatchObject({ status: 200, body: { separation } })
  })

  it('claims nothing for its own socket while others could reach it', async () => {
    chmodSync(box.urls.socket, 0o666)
    expect(await approved({ socket: box.urls.socket, url: '' })).toMatchObject({ body: { separation: 'none' } })
    chmodSync(box.urls.socket, 0o600)
  })

  it("asks for the same keys at the agents' door as at any other", async () => {
    expect(await approved({ socket, url: '' }, AGENT_KEY)).toMatchObject({ status: 403 })
    expect(await approved({ socket, url: '' }, 'no-such-key')).toMatchObject({ status: 401 })
  })

  it("opens the agents' door to the group of its folder, and takes it away when it stops", async () => {
    expect(lstatSync(socket).mode & 0o777).toBe(0o660)
    await box.stop()
    expect(lstatSync(socket, { throwIfNoEntry: false })).toBeUndefined()
    await box.restart()
  })
})

describe('a server does not start', () => {
  it('as the user its agents run as', async () => {
    const local = { uid: ours, socket: join(agentsFolder(), 's') }
    await expect(install({ localAgents: local })).rejects.toThrow(/must not run as the user agents run as/)
  })

  it.each([
    0o770, 0o757, 0o1777,
  ])('where others could put a socket of theirs in its place (folder %o)', async (mode) => {
    const local = { uid: AGENTS, socket: join(agentsFolder(mode), 's') }
    await expect(install({ localAgents: local })).rejects.toThrow(/only the server's user may write to/)
  })

  it('where the folder for the socket is missing', async () => {
    const local = { uid: AGENTS, socket: join(agentsFolder(), 'gone', 's') }
    await expect(install({ localAgents: local })).rejects.toThrow(/install.sh --service-user again|only the server/)
  })
})

describe('local_agents in aegis.yaml', () => {
  const read = (text: string) => readSettings(`version: 1\n${text}\n`, 'f', { env: {}, resolve: (path) => path })

  it('names the user and the socket of agents', () => {
    const local = read('local_agents: { uid: 1000, socket: /run/aegis/agents.sock }').localAgents
    expect(local).toEqual({ uid: 1000, socket: '/run/aegis/agents.sock' })
    expect(read('').localAgents).toBeNull()
  })

  it.each([
    ['local_agents: { uid: 0, socket: /s }', 'a whole number from 1'],
    ['local_agents: { uid: alice, socket: /s }', 'a whole number from 1'],
    ['local_agents: { uid: 1000 }', '`local_agents.socket` is missing'],
    ['local_agents: { socket: /s }', '`local_agents.uid` is missing'],
    ['local_agents: { uid: 1, socket: agents.sock }', 'absolute path'],
    [`local_agents: { uid: 1, socket: "/${'x'.repeat(103)}" }`, 'absolute path'],
    ['local_agents: { uid: 1, sokcet: /s }', 'socket'],
  ])('is refused as %s', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })
})
