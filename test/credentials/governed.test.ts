import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Governed, governed } from '../support/governed.ts'
import { AGENT_KEY } from '../support/installation.ts'

/** Lets agents write workflows on their own branches, which nobody should: GitHub is the second lock. */
const POLICY = `version: 1
name: too-wide
default_decision: block
rules:
  - { tool: github.actions_run_trigger, method: [run_workflow], decision: block, reason: people deploy }
  - { tool: "github.actions_*", decision: allow }
  - { tool: "github.{push_files,create_or_update_file}", branch: ["agent/**"], decision: allow }
  - { tool: "github.{push_files,create_or_update_file}", branch: ["ask/**"], decision: review }
  - { tool: github.create_branch, decision: allow }
`
const WORKFLOW = { path: '.github/workflows/nightly.yml', content: 'on: schedule\n' }
const push = (branch: string, path: string) => ({
  branch,
  message: 'ci: run nightly',
  files: [{ ...WORKFLOW, path }],
})

let house: Governed
beforeAll(async () => {
  house = await governed({ policy: POLICY })
  for (const branch of ['agent/ci', 'ask/ci']) await house.call('create_branch', { branch, from_branch: 'main' })
})
afterAll(() => house.close())

const holds = (branch: string) => house.git('ls-tree', '-r', '--name-only', branch).split('\n')

describe('a change of a workflow', () => {
  it('is refused by GitHub itself where a rule allowed it and no person did', async () => {
    const { body } = await house.call('push_files', push('agent/ci', WORKFLOW.path))
    expect(body).toMatchObject({ decision: 'allow', outcome: 'error', credential: { scope: 'contents:write' } })
    expect(holds('agent/ci')).not.toContain(WORKFLOW.path)
  })

  it.each([
    '.GitHub/workflows/x.yml',
    '.github/./workflows/x.yml',
  ])('gets the permission for no other spelling: %s', async (path) => {
    const { body } = await house.call('push_files', push('agent/ci', path))
    expect(body.credential?.scope ?? 'contents:write').toBe('contents:write')
  })

  it('passes where a person approved it, with the permission for that call alone', async () => {
    const asked = await house.call('push_files', push('ask/ci', WORKFLOW.path))
    expect(asked.body).toMatchObject({ decision: 'review' })
    expect((await house.approve(asked.body.envelope_id)).status).toBe(200)
    const { body } = await house.call('push_files', push('ask/ci', WORKFLOW.path))
    expect(body).toMatchObject({
      decision: 'allow',
      outcome: 'ok',
      credential: { scope: 'contents:write,workflows:write' },
    })
    expect(holds('ask/ci')).toContain(WORKFLOW.path)
    const plain = await house.call('push_files', push('agent/ci', 'docs/a.md'))
    expect(plain.body).toMatchObject({ outcome: 'ok', credential: { scope: 'contents:write' } })
  })
})

describe('an old name of a tool', () => {
  const parameters = { workflow_id: 'ci.yml', ref: 'main' }

  it('does not get around a rule for the present one', async () => {
    const { body } = await house.call('run_workflow', parameters)
    expect(body).toMatchObject({ decision: 'block', matched_rule: '*:github.actions_run_trigger' })
    const there = await house.call('actions_run_trigger', { ...parameters, method: 'run_workflow' })
    expect(there.body).toMatchObject({ decision: 'block', matched_rule: body.matched_rule })
  })

  it('does not get around it over MCP either', async () => {
    const answer = await fetch(`${house.aegis.urls.mcp}/mcp/github`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${AGENT_KEY}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'run_workflow', arguments: { owner: 'aegisflow', repo: 'aegisflow', ...parameters } },
      }),
    })
    const text = await answer.text()
    expect(text).toContain('-32001')
    expect(text).toContain('people deploy')
  })

  it('is recorded as what it is', async () => {
    const { body } = await house.aegis.get('/admin/v1/logs?limit=3', house.aegis.adminKey)
    const tools = body.entries.map((entry: { action: { tool: string } }) => entry.action.tool)
    expect(new Set(tools)).toEqual(new Set(['github.actions_run_trigger']))
  })
})
