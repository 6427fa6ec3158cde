import { writeFileSync } from 'node:fs'
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
    const keys = await ensureKeys(aegis.config, { apiKey: 'another-agent-key', editor: 'claude' })
    expect(keys).toEqual({ agentKey: 'another-agent-key', made: ['agent'] })
    await aegis.restart()
    expect((await aegis.get('/admin/v1/whoami', 'another-agent-key')).body).toMatchObject({ role: 'agent' })
  } finally {
    await aegis.close()
  }
})
