import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { makeServed, type Served, serve } from '../support/served.ts'

const MIB = 1024 * 1024
const ACTION = {
  protocol: 'git',
  tool: 'github.get_file_contents',
  target: 'acme/app',
  parameters: { path: 'README.md' },
  session: 'surroundings',
  execute: true,
}
const policy = (decision: string) => `version: 1
name: team
default_decision: review
rules:
  - { tool: "github.get_*", decision: ${decision}, reason: said so }
`

let folder: string
let upstream: CountingUpstream
let answering: () => Promise<void>
const installed: Served[] = []
const mounted: string[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-around-'))
  answering = async () => {}
  upstream = await startCountingUpstream({ before: () => answering() })
})
afterEach(async () => {
  for (const aegis of installed.splice(0)) await aegis.close()
  await upstream.close()
  for (const path of mounted.splice(0)) spawnSync('umount', ['-l', path])
  rmSync(folder, { recursive: true, force: true })
})

function keep(aegis: Served): Served {
  installed.push(aegis)
  return aegis
}

const settings = (more: object = {}) => ({ upstreams: { github: { catalog: 'github', url: upstream.url } }, ...more })

async function eventually(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 200; round += 1) {
    if (await what()) return
    await sleep(50)
  }
  expect(await what()).toBe(true)
}

/** A file system of its own, or the reason why there is none. */
function mountSmall(path: string, size: string): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux to mount a small tmpfs'
  mkdirSync(path, { recursive: true })
  const ended = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', path], { encoding: 'utf8' })
  if (ended.status !== 0) return `mount refused: ${ended.stderr.trim()}`
  mounted.push(path)
  return null
}

describe('a policy file with a mistake', () => {
  const MISTAKES: [string, string, RegExp][] = [
    ['a misspelt decision', policy('alow'), /policy\.yaml|line 5/],
    ['an unknown key', policy('allow').replace('reason', 'raeson'), /raeson/],
    ['no YAML at all', 'version: 1\nrules: [', /policy/],
    ['no file', '', /policy\.yaml/],
  ]

  it.each(MISTAKES)('ends a start with the place of it: %s', (_, text, message) => {
    const file = join(folder, 'policy.yaml')
    if (text !== '') writeFileSync(file, text)
    const aegis = keep(makeServed({ settings: settings({ policy: file }) }))
    const { status, stderr } = aegis.aegis('serve')
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)])
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it.each(MISTAKES)('leaves the old policy in force, loudly, while the server runs: %s', async (_, text) => {
    const file = join(folder, 'policy.yaml')
    writeFileSync(file, policy('block'))
    const aegis = keep(await serve({ settings: settings({ policy: file }) }))
    const decision = async () => (await aegis.post('/admin/v1/test-action', ACTION)).body.decision
    expect(await decision()).toBe('block')
    if (text === '') rmSync(file)
    else writeFileSync(file, text)
    await eventually(() => aegis.said().includes('policy not reloaded, the old one stays in force'))
    expect(await decision()).toBe('block')
    expect(upstream.calls).toEqual([])
    writeFileSync(file, policy('allow'))
    await eventually(async () => (await decision()) === 'allow')
  })
})

describe('a server that cannot start', () => {
  it.each(['port', 'admin_port'])('names the busy %s and the remedy, and writes nothing', async (which) => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const address = blocker.address()
    const busy = typeof address === 'object' && address !== null ? address.port : 0
    const listen = { port: 0, admin_port: 0, [which]: busy }
    const aegis = keep(makeServed({ settings: settings({ listen }) }))
    await expect(aegis.start()).rejects.toThrow(
      new RegExp(`port ${busy} on 127.0.0.1 is in use by another program\\n.*--port 8090 --admin-port 8091`),
    )
    blocker.close()
    await once(blocker, 'close')
    await aegis.start()
  })

  it('leaves a running server of the same installation alone', async () => {
    const aegis = keep(await serve({ settings: settings() }))
    const { status, stderr } = aegis.aegis('serve')
    expect([status, stderr]).toEqual([2, expect.stringContaining('a server of this installation is already running')])
    const { body } = await aegis.post('/admin/v1/test-action', ACTION)
    expect(body).toMatchObject({ decision: 'allow', outcome: 'ok' })
    expect(aegis.aegisctl('status').status).toBe(0)
  })

  it('names the data directory that may only be read', ({ skip }) => {
    const data = join(folder, 'data')
    const missing = mountSmall(data, '8m')
    if (missing !== null) return skip(missing)
    const aegis = keep(makeServed({ settings: settings(), dataDir: data }))
    expect(spawnSync('mount', ['-o', 'remount,ro', data]).status).toBe(0)
    const { status, stderr } = aegis.aegis('serve')
    expect([status, stderr]).toEqual([2, expect.stringContaining(data)])
    expect(stderr).toMatch(/AEGIS_DATA_DIR/)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})

describe('a full disk', () => {
  /** Leaves this many bytes of the disk free. */
  function fill(disk: string, free: number): string {
    const ballast = join(disk, 'ballast')
    const { bavail, bsize } = statfsSync(disk)
    try {
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - free)))
    } catch {
      // A checkpoint took some of it meanwhile: what could be written fills the rest.
    }
    return ballast
  }

  it('lets nothing through that it cannot record, keeps what happened, and goes on when there is room', async ({
    skip,
  }) => {
    const disk = join(folder, 'disk')
    const missing = mountSmall(disk, '80m')
    if (missing !== null) return skip(missing)
    const aegis = keep(await serve({ settings: settings(), dataDir: disk }))
    const act = async () => aegis.post('/admin/v1/test-action', ACTION)
    expect((await act()).body).toMatchObject({ decision: 'allow', outcome: 'ok' })

    // Below the floor: refused before anything is sent, and said by the probe.
    const low = fill(disk, 8 * MIB)
    const refused = await act()
    expect([refused.status, refused.body.error]).toEqual([
      503,
      expect.objectContaining({ code: -32010, message: expect.stringContaining('MiB are free') }),
    ])
    expect(upstream.calls).toHaveLength(1)
    rmSync(low)
    expect((await act()).body).toMatchObject({ decision: 'allow', outcome: 'ok' })

    // Full to the last byte while a call is under way: its answer is held back, its result is not lost.
    let full = ''
    answering = async () => {
      full = fill(disk, 0)
    }
    const text = JSON.stringify(ACTION.parameters)
    const swallowed = await aegis.post('/admin/v1/test-action', { ...ACTION, parameters: { ...JSON.parse(text) } })
    answering = async () => {}
    expect(upstream.calls).toHaveLength(3)
    expect([swallowed.status, swallowed.body.error]).toEqual([
      503,
      expect.objectContaining({ code: -32010, message: expect.stringContaining('may have happened') }),
    ])
    expect((await act()).status).toBe(503)
    expect((await fetch(`${aegis.urls.admin}/ready`)).status).toBe(503)
    expect(upstream.calls).toHaveLength(3)

    rmSync(full)
    expect((await act()).body).toMatchObject({ decision: 'allow', outcome: 'ok' })
    expect(upstream.calls).toHaveLength(4)
    expect((await fetch(`${aegis.urls.admin}/ready`)).status).toBe(200)
    const verified = aegis.aegisctl('evidence', 'verify', '--session', 'surroundings')
    expect(verified.stdout).toContain('valid: true, total_entries: 8,')
    expect(verified.stdout).not.toContain('UNRESOLVED')
  })
})
