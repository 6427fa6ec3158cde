import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { APP_ID, INSTALLATION, type TestForge, testForge } from '../forge/harness.ts'
import { captured } from '../support/captured.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install } from '../support/installation.ts'
import { plainTool, type ShiftingUpstream, settingsOf, startShiftingUpstream } from '../support/shifting-upstream.ts'
import { sqlite } from '../support/sqlite-shell.ts'

let upstream: ShiftingUpstream
let forge: TestForge
let aegis: Installation
const before = { ...process.env }

beforeAll(async () => {
  process.env['LINEAR_TOKEN'] = 'linear-key-0123456789'
  upstream = await startShiftingUpstream()
  upstream.tools = [plainTool('get_file_contents')]
  forge = await testForge()
  const privateKeyFile = join(forge.dataDir, 'app.pem')
  writeFileSync(privateKeyFile, forge.key.privateKeyPem, { mode: 0o600 })
  const app = { type: 'github_app', appId: String(APP_ID), privateKeyFile, apiUrl: forge.url } as const
  aegis = await install({
    upstreams: { github: { ...settingsOf(upstream), catalog: 'github', credential: 'other,github' } },
    credentials: {
      github: { ...app, installationId: null, installations: { AegisFlow: INSTALLATION } },
      other: { ...app, installationId: null, installations: { acme: 43 } },
      linear: { type: 'static', from: { env: 'LINEAR_TOKEN' } },
      'other,github': { type: 'first_of', names: ['other', 'github'] },
    },
  })
  process.env['AEGIS_CONFIG_DIR'] = aegis.folder
  process.env['AEGIS_DATA_DIR'] = aegis.folder
  process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
  process.env['AEGIS_API_KEY'] = ADMIN_KEY
})

afterAll(async () => {
  await aegis.close()
  process.env = before
  await upstream.close()
})

afterEach(() => {
  process.env['AEGIS_API_KEY'] = ADMIN_KEY
})

const credentials = (...words: string[]) => captured(() => main('aegisctl', ['credentials', ...words]))

/** An agent reads a file, and the token of its read stays for the next one. */
async function readFile(owner: string): Promise<string> {
  const answer = await fetch(`${aegis.urls.mcp}/mcp/github`, {
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
      params: { name: 'get_file_contents', arguments: { owner, repo: 'aegisflow', path: 'README.md' } },
    }),
  })
  return answer.text()
}

const listed = async () => JSON.parse((await credentials('--json')).out)

it('shows what is configured and, where nothing runs, that no token is out', async () => {
  const { exit, out } = await credentials()
  expect(exit).toBe(0)
  expect(out).toMatch(/^CREDENTIAL +TYPE +APP +INSTALLATIONS +API\n/)
  expect(out).toMatch(new RegExp(`github +github_app +${APP_ID} +AegisFlow ${INSTALLATION} +${forge.url}\n`))
  expect(out).toMatch(/linear +static +\$LINEAR_TOKEN\n/)
  expect(out).toMatch(/other,github +first_of +first of other, github\n/)
  expect(out).toContain('\nno token is out\n')
})

it('shows a token that is out by its hash, and ends it', async () => {
  await readFile('aegisflow')
  const { tokens } = await listed()
  expect(tokens).toEqual([
    {
      token_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      state: 'live',
      scope: 'contents:read',
      envelope_id: expect.any(String),
      app_id: String(APP_ID),
      installation_id: INSTALLATION,
      api_url: forge.url,
      issued: expect.any(String),
      deadline: expect.any(String),
      attempts: 0,
      next_attempt: expect.any(String),
    },
  ])
  const prefix = tokens[0].token_sha256.slice(0, 12)
  expect((await credentials()).out).toMatch(new RegExp(`${prefix} +live +contents:read`))

  expect(await credentials('revoke', prefix.toUpperCase())).toMatchObject({ exit: 0, out: `revoked: ${prefix}\n` })
  expect((await listed()).tokens).toEqual([])
  // The next read is given another one, not the one that has ended.
  await readFile('aegisflow')
  const [next] = (await listed()).tokens
  expect(next.token_sha256).not.toBe(tokens[0].token_sha256)
  expect(JSON.parse((await credentials('revoke', next.token_sha256, '--json')).out)).toEqual({
    token_sha256: next.token_sha256,
    revoked: true,
  })
})

it('leaves in the log who had issued it and when GitHub confirmed its end', async () => {
  const [[body] = []] = sqlite(
    aegis.config.store,
    "SELECT cast(body AS TEXT) FROM ledger_entry WHERE kind = 'credential' AND session IS NULL ORDER BY n LIMIT 1;",
  )
  expect(JSON.parse(body ?? '')).toEqual({
    app_id: String(APP_ID),
    env: expect.stringMatching(/^[0-9a-f-]{36}$/),
    gw: expect.any(String),
    installation_id: INSTALLATION,
    issued: expect.any(String),
    kind: 'credential',
    log: expect.any(String),
    revoked: expect.any(String),
    scope: 'contents:read',
    token_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    ts: expect.any(String),
    type: 'github_app_installation',
    v: expect.any(String),
  })
  const session = sqlite(aegis.config.store, 'SELECT session FROM ledger_entry WHERE session IS NOT NULL LIMIT 1;')
  const path = encodeURIComponent(session[0]?.[0] ?? '')
  const verified = await aegis.post(`/admin/v1/evidence/sessions/${path}/verify`, {}, ADMIN_KEY)
  expect(verified.body).toMatchObject({ valid: true })
})

it.each([
  ['abc', 'first 8 or more hex digits'],
  ['not-a-hash', 'first 8 or more hex digits'],
  ['0000000000', 'no live token'],
])('revokes nothing for %j', async (prefix, message) => {
  const { exit, err } = await credentials('revoke', prefix)
  expect(exit).not.toBe(0)
  expect(err).toContain(message)
})

it('is for administrators: an agent learns neither what is out nor whose installations there are', async () => {
  process.env['AEGIS_API_KEY'] = AGENT_KEY
  for (const words of [[], ['revoke', '00000000']]) {
    const { exit, out, err } = await credentials(...words)
    expect(exit).not.toBe(0)
    expect(out).toBe('')
    expect(err).toContain('this needs a key with role admin')
  }
})

it('lends nothing for an owner that no App in the list is installed for', async () => {
  expect(await readFile('mallory')).toContain('has no installation for the owner mallory')
})

it('shows no secret', async () => {
  await readFile('aegisflow')
  const { out } = await credentials('--json')
  expect(out).not.toMatch(/ghs_|PRIVATE|app\.pem/)
})

it('says that a token is not revoked yet where GitHub cannot be reached, and keeps it in the queue', async () => {
  await readFile('aegisflow')
  const [{ token_sha256: hash }] = (await listed()).tokens
  await forge.stop()
  const { exit, out } = await credentials('revoke', hash)
  expect(exit).toBe(1)
  expect(out).toBe(`not revoked yet: ${hash.slice(0, 12)}; it is tried again until GitHub confirms it\n`)
  expect((await listed()).tokens[0]).toMatchObject({ token_sha256: hash, state: 'ending', attempts: 1 })
})
