import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ensureKeys } from '../../src/cli/setup/key-files.ts'
import { ADMIN_KEY, AGENT_KEY, install } from '../support/installation.ts'

it('the installer replaces an agent key that has expired', async () => {
  const aegis = await install()
  try {
    const { clientFile, agentFile } = aegis.config.places
    writeFileSync(clientFile, JSON.stringify({ admin_key: ADMIN_KEY }))
    writeFileSync(agentFile, JSON.stringify({ agent_key: AGENT_KEY }))
    const { principal } = (await aegis.get('/admin/v1/whoami', AGENT_KEY)).body
    await aegis.post(`/admin/v1/keys/${principal}/rotate`, {}, ADMIN_KEY)
    await aegis.stop()
    const keys = await ensureKeys(aegis.config, { apiKey: 'another-agent-key', agent: 'claude' })
    expect(keys).toEqual({ agentKey: 'another-agent-key', made: ['agent'] })
    await aegis.restart()
    expect((await aegis.get('/admin/v1/whoami', 'another-agent-key')).body).toMatchObject({ role: 'agent' })
  } finally {
    await aegis.close()
  }
})

it('a new agent key ends the old one, which whoever agents ran as before may have kept', async () => {
  const aegis = await install()
  try {
    const { clientFile, agentFile } = aegis.config.places
    writeFileSync(clientFile, JSON.stringify({ admin_key: ADMIN_KEY }))
    writeFileSync(agentFile, JSON.stringify({ agent_key: AGENT_KEY }))
    await aegis.stop()
    const again = { renewAgent: true, apiKey: AGENT_KEY }
    await expect(ensureKeys(aegis.config, again)).rejects.toThrow('the agent key given is the one that is to be ended')
    const { agentKey, made } = await ensureKeys(aegis.config, { renewAgent: true, agent: 'claude-code', owner: 'bob' })
    expect(made).toEqual(['agent'])
    expect(JSON.parse(readFileSync(agentFile, 'utf8')).agent_key).toBe(agentKey)
    await aegis.restart()
    expect((await aegis.get('/admin/v1/whoami', AGENT_KEY)).status).toBe(401)
    const { keys } = (await aegis.get('/admin/v1/keys', ADMIN_KEY)).body
    expect(keys).toContainEqual(
      expect.objectContaining({
        owner: 'agent:claude-code',
        sponsor: 'bob',
        state: 'active',
        prefix: agentKey.slice(0, 16),
      }),
    )
    expect((await aegis.get('/admin/v1/whoami', ADMIN_KEY)).body).toMatchObject({ role: 'admin' })
  } finally {
    await aegis.close()
  }
})

it('the installer puts no key in the plain beside one that is behind a passphrase', async () => {
  const aegis = await install()
  try {
    const { clientFile, agentFile } = aegis.config.places
    const locked = { admin_url: 'http://127.0.0.1:1', protected_key: { v: 1, name: 'rita' } }
    writeFileSync(clientFile, JSON.stringify(locked))
    writeFileSync(agentFile, JSON.stringify({ agent_key: AGENT_KEY }))
    await aegis.stop()
    expect((await ensureKeys(aegis.config, {})).made).toEqual([])
    expect((await ensureKeys(aegis.config, { apiKey: 'another-agent-key' })).made).toEqual(['agent'])
    const kept = JSON.parse(readFileSync(clientFile, 'utf8'))
    expect(kept).toMatchObject({ protected_key: locked.protected_key })
    expect(kept).not.toHaveProperty('admin_key')
  } finally {
    await aegis.close()
  }
})

it('agents that run as another user are told their own socket and whose the server is, never the own one of the server', async () => {
  const aegis = await install()
  try {
    await aegis.stop()
    const { clientFile, agentFile, socket } = aegis.config.places
    const localAgents = { uid: 65_533, socket: '/run/aegis/agents.sock' }
    await ensureKeys({ ...aegis.config, localAgents }, { owner: 'alice', agent: 'claude' })
    const agent = JSON.parse(readFileSync(agentFile, 'utf8'))
    expect(agent).toMatchObject({ socket: localAgents.socket, service_user: expect.any(String) })
    expect(JSON.parse(readFileSync(clientFile, 'utf8'))).toMatchObject({ socket })
    await aegis.restart()
    const admin = JSON.parse(readFileSync(clientFile, 'utf8')).admin_key
    expect((await aegis.get('/admin/v1/whoami', admin)).body).toMatchObject({ name: 'admin', owner: 'alice' })
    expect((await aegis.get('/admin/v1/whoami', agent.agent_key)).body).toMatchObject({ owner: 'agent:claude' })
  } finally {
    await aegis.close()
  }
})
