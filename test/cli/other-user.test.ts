import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { captured } from '../support/captured.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-agent-'))
  const agent = { agent_key: 'agent-key', socket: join(folder, 'agents.sock'), service_user: 'aegis' }
  writeFileSync(join(folder, 'agent.json'), JSON.stringify(agent))
  process.env['AEGIS_CONFIG_DIR'] = folder
  process.env['AEGIS_DATA_DIR'] = folder
})
afterEach(() => {
  for (const name of ['AEGIS_CONFIG_DIR', 'AEGIS_DATA_DIR', 'AEGIS_STORE']) delete process.env[name]
  rmSync(folder, { recursive: true })
})

const typed = (line: string) => {
  const [program, ...words] = line.split(' ')
  return captured(() => main(program === 'aegis' ? 'aegis' : 'aegisctl', words))
}

describe('where another user runs the server, the user that agents run as is told whom to ask', () => {
  it.each([
    ['aegis serve --detach', /sudo (?:systemctl start aegis|aegis serve --detach)/],
    ['aegis serve', /sudo (?:systemctl start aegis|aegis serve --detach)/],
    ['aegis stop', /sudo (?:systemctl stop aegis|aegis stop)/],
    ['aegisctl evidence verify --session sess-1', /sudo aegisctl evidence/],
    ['aegisctl evidence sessions', /sudo aegisctl evidence/],
    ['aegisctl evidence recover', /sudo aegisctl evidence recover/],
  ])('%s', async (line, remedy) => {
    const { exit, out, err } = await typed(line)
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(err).toContain('is that of user aegis')
    expect(err).toMatch(remedy)
    expect(err).not.toMatch(/aegis init|no evidence store/)
  })

  it('and may look into any store that is named', async () => {
    const file = join(folder, 'none.db')
    for (const named of [
      () => typed(`aegisctl evidence sessions --store ${file}`),
      () => typed('aegisctl evidence sessions'),
    ]) {
      process.env['AEGIS_STORE'] = file
      expect((await named()).err).toContain(`no evidence store at ${file}`)
    }
  })
})
