import { describe, expect, it } from 'vitest'
import { rateBlastRadius } from '../../../src/core/blast-radius.ts'
import { describeAction } from '../../../src/core/catalog/index.ts'

const STORY = [
  {
    protocol: 'git',
    tool: 'github.get_file_contents',
    target: 'aegisflow/aegisflow',
    capability: 'read',
    level: 'low',
  },
  { protocol: 'shell', tool: 'shell.pytest', target: '/workspace', capability: 'execute', level: 'medium' },
  { protocol: 'shell', tool: 'shell.rm', target: '/workspace', capability: 'delete', level: 'high' },
  {
    protocol: 'git',
    tool: 'github.create_pull_request',
    target: 'aegisflow/aegisflow',
    capability: 'write',
    level: 'high',
  },
]

describe('the four calls of the story', () => {
  it.each(STORY)('describes $tool on $target as one act', ({ protocol, tool, target, capability, level }) => {
    const described = describeAction({ protocol, tool, target, capability, parameters: {} })
    expect(described).toMatchObject({ protocol, tool, capability })
    expect(described.acts).toHaveLength(1)
    expect(described.resource).toBe(described.acts[0].resource)
    expect(rateBlastRadius(described.acts).level).toBe(level)
  })

  it('takes owner and repository from the target', () => {
    const { parameters, resource, acts } = describeAction({ ...pull(), target: 'aegisflow/aegisflow' })
    expect(parameters).toEqual({ owner: 'aegisflow', repo: 'aegisflow', title: 't', head: 'claude/fix', base: 'main' })
    expect(resource).toMatchObject({
      target: 'aegisflow/aegisflow',
      repository: { owner: 'aegisflow', name: 'aegisflow' },
      branch: { kind: 'named', name: 'claude/fix' },
      base: 'main',
    })
    expect(acts[0].doubt).toBeNull()
  })

  it('reads the target of a shell command as its arguments', () => {
    const described = describeAction({
      protocol: 'shell',
      tool: 'shell.rm',
      target: '/workspace',
      capability: null,
      parameters: {},
    })
    expect(described.resource).toMatchObject({
      target: 'rm /workspace',
      operands: ['/workspace'],
      paths: ['/workspace'],
    })
    expect(described.parameters).toEqual({ command: 'rm /workspace' })
  })
})

function pull() {
  const parameters = { title: 't', head: 'claude/fix', base: 'main' }
  return { protocol: 'git', tool: 'github.create_pull_request', target: '', capability: 'write', parameters }
}
