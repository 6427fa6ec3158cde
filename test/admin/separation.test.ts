import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ownSocketSeparation, separationOf } from '../../src/admin/separation.ts'

describe('what separates a reviewer from the agent', () => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))

  it.each([
    ...own,
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '::ffff:127.0.0.1',
  ])('is nothing where they come from this machine, by %s', (address) => {
    expect(separationOf(address)).toBe('none')
    if (!address.includes(':')) expect(separationOf(`::ffff:${address}`)).toBe('none')
  })

  it('is nothing where they hung up before they were asked for', () => {
    expect(separationOf(undefined)).toBe('none')
  })

  it.each(['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::7', '2001:db8::7%eth0'])('is a host for %s', (address) => {
    expect(separationOf(address)).toBe('host')
  })
})

describe('what separates a reviewer who comes over the own socket of the server', () => {
  const ours = process.getuid?.() ?? -1
  const agents = ours + 1
  const open: Server[] = []
  afterAll(() => {
    for (const server of open) server.close()
  })

  async function door(modes: { folder?: number; socket?: number } = {}): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'aegis-door-'))
    const path = join(folder, 's')
    const server = createServer()
    open.push(server)
    await new Promise<void>((listening) => server.listen(path, listening))
    chmodSync(path, modes.socket ?? 0o600)
    chmodSync(folder, modes.folder ?? 0o700)
    return path
  }

  it("is the user, where the kernel lets in only ours and agents have another's", async () => {
    expect(ownSocketSeparation(await door(), agents)).toBe('uid')
  })

  it.each([
    ['agents may be anybody', null],
    ['agents are root, whom nothing keeps out', 0],
    ['agents run as we do', ours],
  ])('is nothing where %s', async (_, uid) => {
    expect(ownSocketSeparation(await door(), uid)).toBe('none')
  })

  it.each([
    ['the group may enter the folder', { folder: 0o710 }],
    ['everybody may list the folder', { folder: 0o701 }],
    ['the group may connect, as an access control list would also show', { socket: 0o660 }],
    ['everybody may connect', { socket: 0o666 }],
  ])('is nothing where %s', async (_, modes) => {
    expect(ownSocketSeparation(await door(modes), agents)).toBe('none')
  })

  it("is nothing where socket or folder are somebody else's", async () => {
    expect(ownSocketSeparation(await door(), agents, ours + 2)).toBe('none')
  })

  it('is nothing where what stands there is no socket, leads elsewhere or is gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'aegis-door-'))
    writeFileSync(join(folder, 'file'), '', { mode: 0o600 })
    mkdirSync(join(folder, 'folder'), { mode: 0o700 })
    symlinkSync(await door(), join(folder, 'link'))
    for (const name of ['file', 'folder', 'link', 'nothing', 'file/below']) {
      expect(ownSocketSeparation(join(folder, name), agents)).toBe('none')
    }
  })
})
