import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN_KEY, AGENT_KEY, type Installation, install, secretOf } from '../../support/installation.ts'
import { noTerminals, onTerminal, type Typed } from '../../support/terminal.ts'

const AEGISCTL = `${process.execPath} ${resolve(import.meta.dirname, '../../../dist/src/cli/aegisctl.js')}`
const PASSPHRASE = 'correct horse battery staple'

let aegis: Installation
/** A folder per case, as another person's configuration directory. */
let config: string
beforeAll(async () => {
  const keys = { rita: { role: 'reviewer', owner: 'rita' }, vera: { role: 'viewer', owner: 'vera' } } as const
  aegis = await install({ keys })
})
afterAll(() => aegis.close())
beforeEach(() => {
  config = mkdtempSync(join(tmpdir(), 'aegis-login-'))
})

const environment = () => ({
  PATH: process.env['PATH'],
  HOME: config,
  AEGIS_CONFIG_DIR: config,
  AEGIS_DATA_DIR: config,
})
const file = () => JSON.parse(readFileSync(join(config, 'client.json'), 'utf8'))

/** As a program starts it: no terminal, stdin a pipe. */
function piped(words: string, input = ''): Promise<{ exit: number; out: string; err: string }> {
  const child = spawn('sh', ['-c', `${AEGISCTL} ${words}`], { env: environment(), detached: true, stdio: 'pipe' })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  child.stdin.end(input)
  return new Promise((done) => child.once('close', (code) => done({ exit: code ?? -1, out, err })))
}

const at = () => `--url ${aegis.urls.admin}`
const typed = (line: string, answers: readonly Typed[] = []) => onTerminal(line, environment(), answers)
const protectRita = (passphrase = PASSPHRASE) =>
  typed(`echo ${secretOf('rita')} | ${AEGISCTL} login --key - --protect ${at()}`, [
    { after: 'New passphrase: ', keys: `${passphrase}\r` },
    { after: 'The same again: ', keys: `${passphrase}\r` },
  ])

async function review(): Promise<string> {
  const parameters = { title: `\u001b[2Jsomething (${Math.random()})`, head: 'feat/x', base: 'main' }
  const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'aegisflow/aegisflow', parameters }
  return (await aegis.post('/admin/v1/actions', action)).body.envelope_id
}
const status = async (id: string) => (await aegis.get(`/admin/v1/approvals/${id}`, ADMIN_KEY)).body.status

describe('aegisctl login', () => {
  it('keeps a key that the server knows, for its owner alone, and whoami says whose it is', async () => {
    expect(await piped(`login --key - ${at()}`, `${secretOf('rita')}\n`)).toMatchObject({ exit: 0, err: '' })
    expect(statSync(join(config, 'client.json')).mode & 0o777).toBe(0o600)
    const me = await piped('whoami')
    expect(me.out).toMatch(/^name +rita\nrole +reviewer\nowner +rita$/m)
    expect(JSON.parse((await piped('whoami --json')).out)).toMatchObject({ name: 'rita', role: 'reviewer' })
  })

  it.each([
    ['a key that the server does not know', '--key -', 'no-such-key', 3, 'does not know this key'],
    ["an agent's key, which settles nothing", '--key -', AGENT_KEY, 1, 'key of an agent'],
    ['nothing', '--key -', '', 2, 'stdin holds no key'],
    ['two keys', '--key -', 'one two', 2, 'stdin holds no key'],
    ['a key on the command line, where every user reads it', '--key abcdefghijkl', '', 2, '--key takes `-`'],
    ['a key to be typed where there is no terminal', '', '', 2, 'no terminal'],
  ])('keeps nothing of %s', async (_, words, input, exit, message) => {
    expect(await piped(`login ${words} ${at()}`, input)).toMatchObject({ exit, err: expect.stringContaining(message) })
    expect(existsSync(join(config, 'client.json'))).toBe(false)
  })
})

describe.skipIf(noTerminals !== null)(`aegisctl login --protect${noTerminals ?? ''}`, () => {
  it('keeps the key behind a passphrase that the screen never shows', async () => {
    const { screen, exit } = await protectRita()
    expect(exit).toBe(0)
    expect(screen).not.toContain(PASSPHRASE)
    expect(screen).toContain('client.json: key rita (reviewer)')
    expect(readFileSync(join(config, 'client.json'), 'utf8')).not.toContain(secretOf('rita'))
    expect(file()).toMatchObject({ protected_key: { v: 1, name: 'rita', role: 'reviewer', url: aegis.urls.admin } })
    expect(file()).not.toHaveProperty('admin_key')
  })

  it('approves what the screen shows, once the person has said so', async () => {
    await protectRita()
    const id = await review()
    const { screen, exit } = await typed(`${AEGISCTL} approve ${id} --comment 'looks right'`, [
      { after: 'Passphrase of the key rita: ', keys: `${PASSPHRASE}\r` },
      { after: '[y/N] ', keys: 'y\r' },
    ])
    expect({ screen, exit }).toMatchObject({ exit: 0 })
    expect(screen).toContain('tool          github.create_pull_request')
    expect(screen).toContain('\\u001b[2Jsomething')
    expect(screen).toContain('"separation": "none"')
    expect(screen).not.toContain(PASSPHRASE)
    expect(await status(id)).toBe('approved')
  })

  it('says that an approval is settled before it shows or asks anything', async () => {
    await protectRita()
    const id = await review()
    await aegis.post(`/admin/v1/approvals/${id}/deny`, { comment: 'no' }, ADMIN_KEY)
    const answers = [{ after: 'Passphrase of the key rita: ', keys: `${PASSPHRASE}\r` }]
    const { screen, exit } = await typed(`${AEGISCTL} approve ${id} --comment x`, answers)
    expect({ screen, exit }).toMatchObject({ exit: 1, screen: expect.stringContaining('is already denied, by admin') })
    expect(screen).not.toContain('[y/N]')
    expect(screen).not.toContain('something')
  })

  it.each([
    [
      'where another user runs the server, with that one’s',
      { service_user: 'aegis', socket: '/run/aegis/agents.sock', agent_key: 'k' },
      'sudo aegisctl keys create --role viewer --name rita-reads --owner rita | aegisctl login --key -',
    ],
    ['elsewhere, by asking one', {}, 'an administrator makes one: aegisctl keys create --role viewer'],
  ])('tells how an administrator makes a key that only reads: %s', async (_, agent, hint) => {
    writeFileSync(join(config, 'agent.json'), JSON.stringify(agent))
    const { screen, exit } = await protectRita()
    expect({ screen, exit }).toMatchObject({ exit: 0, screen: expect.stringContaining(hint) })
  })

  it('tells an administrator to make that key with their own', async () => {
    const { screen } = await typed(`echo ${ADMIN_KEY} | ${AEGISCTL} login --key - --protect ${at()}`, [
      { after: 'New passphrase: ', keys: `${PASSPHRASE}\r` },
      { after: 'The same again: ', keys: `${PASSPHRASE}\r` },
    ])
    expect(screen).toContain(
      '  aegisctl keys create --role viewer --name dana-reads --owner dana | aegisctl login --key -',
    )
  })

  it('denies without a second question', async () => {
    await protectRita()
    const id = await review()
    const answers = [{ after: 'Passphrase of the key rita: ', keys: `${PASSPHRASE}\r` }]
    expect(await typed(`${AEGISCTL} deny ${id} --comment no`, answers)).toMatchObject({ exit: 0 })
    expect(await status(id)).toBe('denied')
  })

  it.each([
    ['knows no passphrase', `guessed by the agent\r`, 3, 'the passphrase is wrong, or the file was changed'],
    ['knows no passphrase and gives up', '\u0003', 2, 'broken off; nothing was sent'],
    ['knows no passphrase and ends its input', '\u0004', 2, 'broken off; nothing was sent'],
    ['sends nothing', '\r', 3, 'the passphrase is wrong'],
  ])('lets no agent approve that makes itself a terminal but %s', async (_, keys, exit, message) => {
    await protectRita()
    const id = await review()
    const tried = await typed(`${AEGISCTL} approve ${id} --comment x`, [
      { after: 'Passphrase of the key rita: ', keys },
    ])
    expect(tried).toMatchObject({ exit, screen: expect.stringContaining(message) })
    expect(tried.screen).toContain('If it was not you who typed this, press Ctrl-C.')
    expect(await status(id)).toBe('pending')
  })

  it('takes the passphrase from no pipe, variable or argument', async () => {
    await protectRita()
    const id = await review()
    const tried = await piped(`approve ${id} --comment x`, `${PASSPHRASE}\ny\n`)
    expect(tried).toMatchObject({ exit: 2, out: '', err: expect.stringContaining('there is no terminal to ask') })
    expect((await piped(`approve ${id} --comment x --passphrase '${PASSPHRASE}'`)).exit).toBe(2)
    expect(await status(id)).toBe('pending')
  })

  it('approves nothing where the person sees something else than expected and says no', async () => {
    await protectRita()
    const id = await review()
    const { screen, exit } = await typed(`${AEGISCTL} approve ${id} --comment 'looks right'`, [
      { after: 'Passphrase of the key rita: ', keys: `${PASSPHRASE}\r` },
      { after: '[y/N] ', keys: '\r' },
    ])
    expect({ screen, exit }).toMatchObject({ exit: 2, screen: expect.stringContaining('not approved') })
    expect(await status(id)).toBe('pending')
  })

  it('sends the key nowhere else when an agent puts its own address into the file', async () => {
    await protectRita()
    const seen: unknown[] = []
    const trap = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.end('{}')
    })
    await new Promise<void>((listening) => trap.listen(0, '127.0.0.1', listening))
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`
    const kept = file()
    const unlock = [{ after: 'Passphrase of the key rita: ', keys: `${PASSPHRASE}\r` }]
    for (const changed of [
      { ...kept, admin_url: url, protected_key: { ...kept.protected_key, url } },
      { ...kept, admin_url: url },
    ]) {
      writeFileSync(join(config, 'client.json'), JSON.stringify(changed))
      await typed(`${AEGISCTL} deny ${await review()} --comment x`, unlock)
      const breakOff = { after: 'New passphrase: ', keys: '\u0003' }
      await typed(`${AEGISCTL} login --change-passphrase`, [...unlock, breakOff])
    }
    trap.close()
    expect(seen).toEqual([])
  })

  it('does with the key in the plain what that may do, and asks for the rest', async () => {
    await protectRita()
    expect(await piped('pending --json')).toMatchObject({ exit: 2, err: expect.stringContaining('no terminal') })
    expect((await piped('login --key -', secretOf('vera'))).exit).toBe(0)
    expect(file()).toMatchObject({ admin_key: secretOf('vera'), protected_key: { name: 'rita' } })
    expect((await piped('pending --json')).exit).toBe(0)
    expect(await piped('status')).toMatchObject({ exit: 0, out: expect.stringMatching(/key +vera/) })
    const tried = await piped(`approve ${await review()} --comment x`)
    expect(tried).toMatchObject({ exit: 2, err: expect.stringContaining('no terminal') })
  })

  it('leaves no key in the plain that could settle as well, and takes the one kept in the plain so far', async () => {
    await piped(`login --key - ${at()}`, secretOf('rita'))
    const choose = ['New passphrase: ', 'The same again: '].map((after) => ({ after, keys: `${PASSPHRASE}\r` }))
    expect(await typed(`${AEGISCTL} login --protect`, choose)).toMatchObject({ exit: 0 })
    expect(file()).not.toHaveProperty('admin_key')
    expect(await piped('login --key -', ADMIN_KEY)).toMatchObject({ out: expect.stringContaining('taken out') })
    expect(file()).toMatchObject({ admin_key: ADMIN_KEY })
    expect(file()).not.toHaveProperty('protected_key')
  })

  it('changes the passphrase', async () => {
    await protectRita()
    const next = 'another four words of mine'
    const changed = await typed(`${AEGISCTL} login --change-passphrase`, [
      { after: 'Passphrase of the key rita: ', keys: `${PASSPHRASE}\r` },
      { after: 'New passphrase: ', keys: `mistyped\u0015${next}!\u007f\r` },
      { after: 'The same again: ', keys: `\u001b[A${next}\r` },
    ])
    expect(changed).toMatchObject({ exit: 0 })
    expect(changed.screen).toContain('Change the passphrase of the key for http')
    const whoami = (keys: string) => typed(`${AEGISCTL} whoami`, [{ after: 'key rita: ', keys: `${keys}\r` }])
    expect(await whoami(PASSPHRASE)).toMatchObject({ exit: 3 })
    expect(await whoami(next)).toMatchObject({ exit: 0, screen: expect.stringMatching(/name +rita/) })
  })

  it.each([
    ['that are not the same', `${PASSPHRASE}x\r`, PASSPHRASE, 'the two passphrases differ'],
    ['that are short', 'short\r', 'short', 'at least 12 characters'],
  ])('takes no two passphrases %s', async (_, again, passphrase, message) => {
    const tried = await typed(`echo ${secretOf('rita')} | ${AEGISCTL} login --key - --protect ${at()}`, [
      { after: 'New passphrase: ', keys: `${passphrase}\r` },
      { after: 'The same again: ', keys: again },
    ])
    expect(tried).toMatchObject({ exit: 2, screen: expect.stringContaining(message) })
    expect(existsSync(join(config, 'client.json'))).toBe(false)
  })

  it('protects no viewer key, which settles nothing', async () => {
    const tried = await typed(`echo ${secretOf('vera')} | ${AEGISCTL} login --key - --protect ${at()}`)
    expect(tried).toMatchObject({ exit: 2, screen: expect.stringContaining('nothing to protect') })
  })
})
