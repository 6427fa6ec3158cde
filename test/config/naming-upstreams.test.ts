import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { namingUpstreams } from '../../src/config/naming-upstreams.ts'
import { install } from '../support/installation.ts'
import { startScripted } from '../support/scripted-upstream.ts'

it('an upstream gives its tools its name where no catalog does', () => {
  const upstreams = {
    files: { catalog: 'filesystem' },
    notes: { catalog: 'none' },
    github: { catalog: 'github' },
  } as const
  expect(namingUpstreams(upstreams)).toEqual(['notes'])
})

it('a rule for tools by the name of an upstream that has a catalog would never match: the server does not start with it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-naming-'))
  const upstream = await startScripted('legacy', () => ({ result: {} }))
  const policy = join(folder, 'policy.yaml')
  const starting = (tool: string) => {
    writeFileSync(
      policy,
      `version: 1\nname: p\ndefault_decision: review\nrules:\n  - { tool: "${tool}", decision: allow }\n`,
    )
    const files = { ...upstream.settings, catalog: 'filesystem' as const }
    return install({ policies: [policy], upstreams: { files, notes: upstream.settings } })
  }
  await expect(starting('files.read_*')).rejects.toThrow('nothing provides tools named `files.*`')
  for (const tool of ['filesystem.read_*', 'notes.*']) await (await starting(tool)).close()
  await upstream.close()
  rmSync(folder, { recursive: true, force: true })
})
