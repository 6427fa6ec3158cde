import { Client as ModernClient, StreamableHTTPClientTransport as ModernHttp } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CompleteResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Governed, governed, REPOSITORY } from '../support/governed.ts'

const POLICY = `version: 1
name: team
default_decision: block
rules:
  - { tool: github.create_issue, decision: block, reason: people write issues }
  - { tool: "github.{get,list,search}_*", decision: allow }
  - { tool: [github.create_branch, github.resources.read], decision: allow }
`
const [OWNER = '', REPO = ''] = REPOSITORY.split('/')
const README = { owner: OWNER, repo: REPO, path: 'README.md' }
const ISSUE = { owner: OWNER, repo: REPO, title: 'an issue' }

let house: Governed
let room: string
let secret: string
let key: string

beforeAll(async () => {
  house = await governed({ policy: POLICY })
  const made = await admin('/admin/v1/rooms', { repository: REPOSITORY, owner: 'olga' })
  room = made.id
  const issued = await admin(`/admin/v1/rooms/${room}/keys`, { name: 'claude', role: 'DEVELOPER' })
  secret = issued.secret
  key = issued.id
})
afterAll(() => house.close())

async function admin(path: string, body: object) {
  const answer = await house.aegis.post(path, body, house.aegis.adminKey)
  expect(answer.body).not.toHaveProperty('error')
  return answer.body
}

const set = (what: string, body: object) => admin(`/admin/v1/rooms/${room}/${what}`, body)

async function agent(query = '', token = secret): Promise<Client> {
  const client = new Client({ name: 'agent', version: '1' })
  const url = new URL(`${house.aegis.urls.mcp}/mcp/github${query}`)
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers: { 'x-agent-key': token } } }))
  return client
}

/** The texts of a result, or the message of the error. */
async function said(client: Client, name: string, args: object): Promise<string[]> {
  try {
    const { content } = await client.callTool({ name, arguments: { ...args } })
    return Array.isArray(content) ? content.map((one) => String(one.text)) : []
  } catch (error) {
    return [String(error)]
  }
}

describe('the key of a room', () => {
  it('reads and writes its repository, as the policy lets it', async () => {
    const client = await agent()
    expect((await said(client, 'get_file_contents', README)).join()).toContain('README.md')
    const branch = { owner: OWNER, repo: REPO, branch: 'agent/one', from_branch: 'main' }
    expect((await said(client, 'create_branch', branch)).join()).toContain('refs/heads/agent/one')
    await client.close()
  })

  it.each([
    ['get_file_contents', { owner: OWNER, repo: 'other', path: 'README.md' }],
    ['get_file_contents', { owner: 'someone', repo: REPO, path: 'README.md' }],
    ['create_branch', { owner: OWNER, repo: `${REPO}-`, branch: 'x', from_branch: 'main' }],
    ['search_repositories', { query: 'aegisflow' }],
    ['search_code', { q: `repo:${REPOSITORY} token` }],
  ])('reaches nothing else with %s %j, though the policy allows it', async (tool, args) => {
    const client = await agent()
    const [text = ''] = await said(client, tool, args)
    expect(text).toContain('-32001')
    expect(text).toContain(`the key is for ${REPOSITORY}, not for`)
    await client.close()
  })

  it('may not read it as a resource of another either', async () => {
    const client = await agent()
    const other = client.readResource({ uri: 'repo://someone/else/contents/README.md' })
    await expect(other).rejects.toThrow(`the key is for ${REPOSITORY}`)
    await client.close()
  })

  it('completes no names, which are those of other repositories too', async () => {
    const client = await agent()
    const ref = { type: 'ref/resource', uri: 'repo://{owner}/{repo}/contents{/path*}' }
    const ask = client.request(
      { method: 'completion/complete', params: { ref, argument: { name: 'repo', value: '' } } },
      CompleteResultSchema,
    )
    await expect(ask).rejects.toThrow('a key of a room completes no names')
    await client.close()
  })

  it('is refused before the actions API, rooms and approvals as any agent', async () => {
    for (const path of ['/admin/v1/rooms', `/admin/v1/rooms/${room}`, `/admin/v1/rooms/${room}/keys`]) {
      expect((await house.aegis.get(path, secret)).status).toBe(403)
    }
    const move = await house.aegis.post(`/admin/v1/rooms/${room}/mode`, { mode: 'observe' }, secret)
    expect(move.status).toBe(403)
    const act = { protocol: 'git', tool: 'github.get_file_contents', target: 'someone/else', parameters: { path: 'a' } }
    expect((await house.aegis.post('/admin/v1/test-action', act, secret)).body).toMatchObject({
      decision: 'block',
      matched_rule: `room:${room}`,
    })
  })

  it('meets a change of its map with the very next call', async () => {
    const client = await agent()
    const read = () => said(client, 'get_file_contents', README)
    expect((await read()).join()).toContain('README.md')
    await set('tools', { role: 'DEVELOPER', tool: 'get_file_contents', allowed: false })
    expect((await read()).join()).toContain('github.get_file_contents is not for the role DEVELOPER in this room')
    await set('tools', { role: 'DEVELOPER', tool: 'get_file_contents', allowed: null })
    expect((await read()).join()).toContain('README.md')
    await client.close()
  })
})

describe('a room that only watches', () => {
  it('lets through what it would stop, tells the agent where it warns, and stops it where it enforces', async () => {
    const client = await agent()
    const file = () => said(client, 'create_issue', ISSUE)
    await set('mode', { mode: 'observe' })
    const observed = await file()
    expect(observed).toHaveLength(1)
    expect(observed[0]).toContain('an issue')
    await set('mode', { mode: 'warn' })
    const warned = await file()
    expect(warned).toHaveLength(2)
    expect(warned[0]).toContain('an issue')
    expect(warned[1]).toMatch(/^Aegis, shadow mode: this would have been blocked: .*people write issues/)
    const failing = client.callTool({ name: 'create_issue', arguments: { owner: OWNER, repo: REPO } })
    const failed = await failing.then(JSON.stringify, String)
    expect(failed).toContain('title')
    expect(failed).toContain('Aegis, shadow mode: this would have been blocked')
    await set('mode', { mode: 'enforce' })
    expect((await file()).join()).toContain('people write issues')
    await client.close()
  })

  it('tells modern clients in the same way', async () => {
    await set('mode', { mode: 'warn' })
    const client = new ModernClient({ name: 'modern', version: '1' })
    const url = new URL(`${house.aegis.urls.mcp}/mcp/github`)
    await client.connect(new ModernHttp(url, { requestInit: { headers: { authorization: `Bearer ${secret}` } } }))
    const { content } = await client.callTool({ name: 'create_issue', arguments: ISSUE })
    expect(JSON.stringify(content)).toContain('Aegis, shadow mode: this would have been blocked')
    await client.close()
    await set('mode', { mode: 'enforce' })
  })

  it('still holds the key to its repository and its map', async () => {
    await set('mode', { mode: 'observe' })
    const client = await agent()
    expect((await said(client, 'search_repositories', { query: 'x' })).join()).toContain('the key is for')
    await set('mode', { mode: 'enforce' })
    await client.close()
  })

  it('has a report that tells both', async () => {
    const path = `/admin/v1/rooms/${encodeURIComponent(REPOSITORY)}/report`
    const { body } = await house.aegis.get(path, house.aegis.adminKey)
    expect(body).toMatchObject({ repository: REPOSITORY, complete: true })
    const issues = body.moments.filter(({ tool }: { tool: string }) => tool === 'github.create_issue')
    expect(issues.filter(({ decision }: { decision: string }) => decision === 'allow')).toHaveLength(4)
    for (const issue of issues) expect(issue.would).toBe('blocked')
    // What was allowed anyway is known to be this room's too.
    expect(body.tools.find(({ tool }: { tool: string }) => tool === 'github.create_branch').would.allowed).toBe(1)
    expect(body.would.allowed).toBeGreaterThan(2)
    const { complete, calls, would } = body
    expect([complete, calls]).toEqual([true, would.allowed + would.blocked + would.held + would.rewritten])
  })
})

describe('addresses as clients of other gateways have them', () => {
  it('open a stream for the key in the header; role and account in them count for nothing', async () => {
    await set('tools', { role: 'DEVELOPER', tool: 'create_branch', allowed: false })
    const client = new Client({ name: 'agent', version: '1' })
    const url = new URL(`${house.aegis.urls.mcp}/sse/github?user_id=u1&room_id=${room}&role=OWNER`)
    await client.connect(
      new SSEClientTransport(url, { requestInit: { headers: { 'X-Api-Key': secret, user_id: 'olga' } } }),
    )
    const branch = { owner: OWNER, repo: REPO, branch: 'agent/two', from_branch: 'main' }
    expect((await said(client, 'create_branch', branch)).join()).toContain('not for the role DEVELOPER')
    await client.close()
  })

  it('are refused for another room than the key has, and for a key in them', async () => {
    await expect(agent('?room_id=room_ffffffffffffffff')).rejects.toThrow('not the room of this key')
    await expect(agent(`?room_id=${room}`, house.aegis.agentKey)).rejects.toThrow('belongs to no room')
    await expect(agent(`?room_id=${room}&access_token=${secret}`)).rejects.toThrow('exposed')
    const client = await agent(`?room_id=${room}&role=OWNER`)
    await client.close()
  })
})

describe('who takes a room away', () => {
  it('takes its keys with it, at once', async () => {
    const client = await agent()
    const other = await admin(`/admin/v1/rooms/${room}/keys`, { name: 'second', role: 'OWNER' })
    const asAdmin = { headers: { 'x-api-key': house.aegis.adminKey } }
    const base = `${house.aegis.urls.admin}/admin/v1/rooms/${room}`
    expect((await fetch(`${base}/keys/${key}`, { method: 'DELETE', ...asAdmin })).status).toBe(200)
    expect((await said(client, 'get_file_contents', README)).join()).toMatch(/no valid key|401/)
    expect((await fetch(base, { method: 'DELETE', ...asAdmin })).status).toBe(200)
    await expect(agent('', other.secret)).rejects.toThrow(/no valid key|401/)
  })
})
