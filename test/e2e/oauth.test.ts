import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  ClientCredentialsProvider,
  discoverOAuthProtectedResourceMetadata,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'
import { type Served, serve } from '../support/served.ts'

const POLICY = `version: 1
name: oauth
default_decision: block
rules:
  - { tool: "github.get_*", decision: allow }
  - { tool: github.create_pull_request, decision: review, approval: { independent: true } }
`
const FILE = { name: 'get_file_contents', arguments: { owner: 'acme', repo: 'app', path: 'README.md' } }
const PULL = {
  name: 'create_pull_request',
  arguments: { owner: 'acme', repo: 'app', title: 't', head: 'feat/x', base: 'main' },
}

let folder: string
let issuer: Issuer
let upstream: CountingUpstream
let aegis: Served
const given: string[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-oauth-'))
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  issuer = await startIssuer()
  upstream = await startCountingUpstream()
  const url = { catalog: 'github', url: upstream.url }
  const oauth = [{ issuer: issuer.issuer, scopes: ['mcp:use'], sponsor_claim: 'email' }]
  aegis = await serve({
    settings: { policy: join(folder, 'policy.yaml'), upstreams: { github: url, other: { ...url } }, auth: { oauth } },
  })
}, 60_000)
afterAll(async () => {
  await aegis.close()
  await upstream.close()
  await issuer.close()
  rmSync(folder, { recursive: true, force: true })
})

const here = (path = '/mcp/github') => aegis.urls.mcp + path

async function token(claims: Record<string, unknown> = {}): Promise<string> {
  const made = await issuer.token({ aud: here(), scope: 'mcp:use', ...claims })
  given.push(made)
  return made
}

function rpc(method: string, bearer: string | null, path = '/mcp/github', params?: unknown): Promise<Response> {
  return fetch(here(path), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
}

describe('an agent with an access token', () => {
  it('finds the authorization server by itself, gets a token for this endpoint, and works', async () => {
    const authProvider = new ClientCredentialsProvider({
      clientId: 'agent',
      clientSecret: 'not-looked-at-here',
      expectedIssuer: issuer.issuer,
    })
    const client = new Client({ name: 'agent', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(here()), { authProvider }))
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('get_file_contents')
    expect(await client.callTool(FILE)).toHaveProperty('content')
    await client.close()
    given.push(authProvider.tokens()?.access_token ?? '')
  })

  it('works with clients of the first SDK', async () => {
    const client = new ClientV1({ name: 'agent', version: '1' })
    const headers = { authorization: `Bearer ${await token()}` }
    await client.connect(new HttpV1(new URL(here()), { requestInit: { headers } }) as never)
    expect(await client.callTool(FILE)).toHaveProperty('content')
    await client.close()
  })

  it('stands in the evidence as its issuer and subject, and its label opens no chain of others', async () => {
    const bearer = await token({ sub: 'team/alice' })
    await rpc('tools/call', bearer, '/mcp/github', FILE)
    const { body } = await aegis.get('/admin/v1/sessions', aegis.adminKey)
    const found = body.sessions.filter(({ principal }: { principal: string }) => principal.startsWith('oauth:'))
    expect(found.length).toBeGreaterThan(0)
    for (const { principal, session } of found) {
      expect(principal).toMatch(/^oauth:[0-9a-f]{12}:[^/]+$/)
      expect(session.split('/')).toHaveLength(2)
    }
    for (const { session } of found) expect(aegis.aegisctl('evidence', 'verify', '--session', session).status).toBe(0)
  })

  it('is reviewed like any agent, and a reviewer is independent only of a known person', async () => {
    const known = await token({ sub: 'with-person', email: 'dana' })
    const unknown = await token({ sub: 'without-person' })
    for (const bearer of [known, unknown]) await rpc('tools/call', bearer, '/mcp/github', PULL)
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    const statuses: Record<string, number> = {}
    for (const { envelope_id } of body.pending) {
      const { body: entry } = await aegis.get(`/admin/v1/logs?envelope=${envelope_id}`, aegis.adminKey)
      const answer = await aegis.post(`/admin/v1/approvals/${envelope_id}/approve`, {}, aegis.adminKey)
      statuses[String(entry.entries[0].session).split('/')[0]?.split(':')[2] ?? ''] = answer.status
    }
    expect(statuses).toEqual({ 'with-person': 200, 'without-person': 403 })
    expect(await (await rpc('tools/call', known, '/mcp/github', PULL)).json()).toHaveProperty('result')
  })

  it('has no business at the admin plane, whatever its token says', async () => {
    const bearer = await token({ role: 'admin', aud: [here(), aegis.urls.admin] })
    const headers = { authorization: `Bearer ${bearer}` }
    for (const path of ['/admin/v1/whoami', '/admin/v1/approvals', '/admin/v1/sessions']) {
      expect((await fetch(aegis.urls.admin + path, { headers })).status).toBe(401)
    }
  })

  it('leaves room for keys', async () => {
    expect((await rpc('tools/call', aegis.agentKey, '/mcp/github', FILE)).status).toBe(200)
  })
})

describe('a caller without a good token', () => {
  it('is told where the metadata are, and these are as clients demand', async () => {
    const answer = await rpc('ping', null)
    expect(answer.status).toBe(401)
    const metadata = await discoverOAuthProtectedResourceMetadata(here())
    expect(answer.headers.get('www-authenticate')).toContain(
      `resource_metadata="${aegis.urls.mcp}/.well-known/oauth-protected-resource/mcp/github"`,
    )
    expect(metadata).toMatchObject({ resource: here(), authorization_servers: [issuer.issuer] })
    const root = await fetch(`${aegis.urls.mcp}/.well-known/oauth-protected-resource`)
    expect(await root.json()).toMatchObject({ resource: here('/mcp') })
  })

  it('learns from the metadata nothing about which upstreams there are', async () => {
    const of = (name: string) => fetch(`${aegis.urls.mcp}/.well-known/oauth-protected-resource/mcp/${name}`)
    expect((await of('github')).status).toBe((await of('nowhere')).status)
    for (const name of ['..%2fx', 'a/b', '%0d%0aX', 'A'.repeat(500)]) expect((await of(name)).status).toBe(404)
  })

  it.each([
    ['an expired one', { exp: 1 }, 401, 'invalid_token'],
    ['one for another upstream', { aud: '/mcp/other' }, 401, 'invalid_token'],
    ['one for somebody else', { aud: 'https://files.example.com' }, 401, 'invalid_token'],
    ['one without the scope', { scope: 'openid' }, 403, 'insufficient_scope'],
  ])('%s is refused in the words of RFC 6750', async (_, claims, status, error) => {
    const aud = 'aud' in claims && claims.aud.startsWith('/') ? { aud: here(claims.aud) } : {}
    const answer = await rpc('tools/call', await token({ ...claims, ...aud }), '/mcp/github', FILE)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('www-authenticate')).toContain(`error="${error}"`)
    expect(answer.headers.get('www-authenticate')).toContain('scope="mcp:use"')
  })

  it('cannot bring one in the address, not even a good one', async () => {
    const good = await token()
    for (const name of ['access_token', 'token', 'api_key']) {
      expect((await rpc('ping', null, `/mcp/github?${name}=${good}`)).status).toBe(401)
      expect((await rpc('ping', good, `/mcp/github?${name}=${good}`)).status).toBe(401)
    }
  })

  it('cannot bring one as a key, twice, or in more than 8,192 characters', async () => {
    const good = await token()
    const huge = await token({ filler: 'x'.repeat(7000) })
    const ask = (headers: string[]) =>
      new Promise<number>((resolve, reject) => {
        const { hostname, port } = new URL(here())
        const usual = ['host', `${hostname}:${port}`, 'content-type', 'application/json', 'connection', 'close']
        const all = [...usual, ...headers]
        const call = request({ hostname, port, path: '/mcp/github', method: 'POST', headers: all }, (answer) => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        })
        call.on('error', reject)
        call.end('{"jsonrpc":"2.0","id":1,"method":"ping"}')
      })
    expect(await ask(['authorization', `Bearer ${good}`])).toBe(200)
    expect(await ask(['x-api-key', good])).toBe(401)
    expect(await ask(['authorization', `Bearer ${good}`, 'x-api-key', aegis.agentKey])).toBe(401)
    expect(await ask(['authorization', `Bearer ${huge}`])).toBe(401)
    expect(await ask(['authorization', `DPoP ${good}`])).toBe(401)
  })

  it('cannot use the session of another subject', async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } }
    const opened = await rpc('initialize', await token({ sub: 'one' }), '/mcp/github', params)
    const id = opened.headers.get('mcp-session-id') ?? ''
    const ping = async (sub: string) => {
      const headers = { 'content-type': 'application/json', 'mcp-session-id': id }
      const authorization = `Bearer ${await token({ sub })}`
      const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
      return (await fetch(here(), { method: 'POST', headers: { ...headers, authorization }, body })).status
    }
    expect(await ping('one')).toBe(200)
    expect(await ping('two')).toBe(404)
  })
})

describe('a token that came in', () => {
  it('goes nowhere: not to an upstream, not into the log, not onto the disk', async () => {
    expect(given.length).toBeGreaterThan(5)
    const data = join(aegis.folder, 'data')
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const kept = files.map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1')).join('\n')
    const everything = [upstream.heard.join('\n'), aegis.said(), kept]
    expect(upstream.heard.length).toBeGreaterThan(5)
    for (const signature of given.map((one) => one.slice(one.lastIndexOf('.') + 1))) {
      for (const text of everything) expect(text.includes(signature)).toBe(false)
    }
    expect(upstream.calls.every(({ authorization }) => authorization === undefined)).toBe(true)
  })
})
