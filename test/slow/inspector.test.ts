import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Served, serve } from '../support/served.ts'
import { getInspector } from './inspector.ts'

const MODULES = resolve(import.meta.dirname, '../../node_modules/@modelcontextprotocol')
const POLICY = `version: 1
name: inspected
default_decision: allow
rules:
  - { tool: "filesystem.*", path: "**/*.env", decision: block, reason: a place of secrets, suggested_alternative: read the example beside it }
  - { protocol: mcp, tool: everything.get-env, decision: block, reason: shows the environment }
  - { protocol: mcp, tool: everything.get-sum, decision: review }
`

const folder = mkdtempSync(join(tmpdir(), 'aegis-inspector-'))
const inspector = await getInspector(folder)
if ('skipped' in inspector) console.warn(`the MCP Inspector is not driven: ${inspector.skipped}`)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf('skipped' in inspector)('the MCP Inspector, through Aegis', () => {
  let aegis: Served
  beforeAll(async () => {
    writeFileSync(join(folder, 'policy.yaml'), POLICY)
    writeFileSync(join(folder, 'secret.env'), 'KEY=value')
    const program = (name: string) => [process.execPath, join(MODULES, name, 'dist/index.js')]
    const everything = { catalog: 'none', command: [...program('server-everything'), 'stdio'] }
    const files = { catalog: 'filesystem', command: [...program('server-filesystem'), folder] }
    aegis = await serve({ settings: { policy: join(folder, 'policy.yaml'), upstreams: { everything, files } } })
  })
  afterAll(() => aegis.close())

  function inspect(path: string, ...words: string[]) {
    if ('skipped' in inspector) throw new Error(inspector.skipped)
    return inspector.run(`${aegis.urls.mcp}${path}`, aegis.agentKey, words)
  }
  const call = (path: string, tool: string, ...args: string[]) =>
    inspect(path, '--method', 'tools/call', '--tool-name', tool, '--tool-arg', ...args)

  it.each([
    ['/mcp/everything', 'echo', 'get-env'],
    ['/mcp', 'everything__echo', 'everything__get-env'],
  ])('lists the tools of %s that may be called', (path, there, hidden) => {
    const listed = inspect(path, '--method', 'tools/list')
    expect(listed.status, listed.stderr).toBe(0)
    const { tools }: { tools: { name: string; inputSchema: object }[] } = JSON.parse(listed.stdout)
    const names = tools.map(({ name }) => name)
    expect(names).toContain(there)
    expect(names).not.toContain(hidden)
    expect(tools.find(({ name }) => name === there)).toHaveProperty('inputSchema.properties.message')
  })

  it.each([
    ['/mcp/everything', 'echo'],
    ['/mcp', 'everything__echo'],
  ])('calls a tool through %s', (path, tool) => {
    const called = call(path, tool, 'message=hällo')
    expect(called.status, called.stderr).toBe(0)
    expect(JSON.parse(called.stdout)).toEqual({ content: [{ type: 'text', text: 'Echo: hällo' }] })
  })

  it.each([
    ['/mcp/files', 'read_text_file'],
    ['/mcp', 'files__read_text_file'],
  ])('is told why a call through %s is blocked, and what to do instead', (path, tool) => {
    const called = call(path, tool, `path=${join(folder, 'secret.env')}`)
    expect(called.status).toBe(1)
    expect(called.stdout).not.toContain('KEY=value')
    expect(JSON.parse(called.stderr).error.message).toContain(
      'policy: filesystem.read_text_file is blocked by inspected policy: a place of secrets. Try: read the example beside it',
    )
  })

  it('waits for a person like every client, and gets its answer after the approval', () => {
    const asked = call('/mcp/everything', 'get-sum', 'a=20', 'b=22')
    expect(asked.status).toBe(1)
    const id = /queued for human review as ([0-9a-f-]{36})/.exec(asked.stderr)?.[1] ?? ''
    expect(aegis.aegisctl('approve', id, '--comment', 'fine').status).toBe(0)
    const called = call('/mcp/everything', 'get-sum', 'a=20', 'b=22')
    expect(called.status, called.stderr).toBe(0)
    expect(called.stdout).toContain('42')
  })

  it('is refused without a key', () => {
    if ('skipped' in inspector) return
    const refused = inspector.run(`${aegis.urls.mcp}/mcp`, 'wrong', ['--method', 'tools/list'])
    expect(refused.status).not.toBe(0)
    expect(refused.stdout).not.toContain('everything__')
  })
})
