import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { composePolicies } from '../../src/compose/policies.ts'
import type { Principal } from '../../src/core/ids.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { type OpenLedger, openLedger } from '../../src/ledger/ledger.ts'
import { openPolicySet, type PolicySet, type PolicyVersions } from '../../src/policy-set/index.ts'
import { openStores, type Stores } from '../../src/store/open.ts'
import { frozenClock, random } from '../support/drafts.ts'
import { startPostgres, type TestDatabase } from '../support/postgres.ts'

const server = await startPostgres()
afterAll(async () => server?.close())

const text = (decision: string, note = '') =>
  `${note}version: 1\nname: team\ndefault_decision: ${decision}\nrules:\n  - { tool: shell.rm, decision: block }\n`
const quiet = () => undefined
const log = { info: quiet, warn: quiet, error: quiet }
const ALICE = { principal: 'key_alice' as Principal, name: 'alice', owner: 'alice' }

interface Gateway {
  readonly disk: PolicySet
  readonly versions: PolicyVersions
  readonly ledger: OpenLedger
  readonly stores: Stores
  close(): Promise<void>
}

let folder: string
let file: string
let url: string
let database: TestDatabase | null = null
let open: Gateway[] = []

/** A gateway with files of its own, or with those of all. It looks only when it is told to. */
async function gateway(path = file): Promise<Gateway> {
  const clock = frozenClock(Date.now())
  const stores = await openStores(url)
  const ledger = await openLedger({
    ...{ store: stores.ledger, clock, random, minFreeBytes: 0 },
    gateway: `gw-${Math.random()}`,
  })
  const disk = await openPolicySet({ sources: [path], upstreams: [], log, pollEvery: 0 })
  const parts = { disk, store: stores.policyVersions, ledger, reader: stores.ledger, clock, log }
  const versions = await composePolicies({ upstreams: {} }, parts)
  const made: Gateway = {
    ...{ disk, versions, ledger, stores },
    async close() {
      open = open.filter((one) => one !== made)
      versions.close()
      disk.close()
      await ledger.close()
      await stores.close()
    },
  }
  open.push(made)
  return made
}

async function edit({ disk, versions }: Gateway, to: string, path = file): Promise<void> {
  await writeFile(path, to)
  await disk.reload()
  await versions.refresh()
}

async function leaves({ stores }: Gateway): Promise<JsonObject[]> {
  const found: JsonObject[] = []
  for await (const page of stores.ledger.entries(0)) {
    for (const { kind, body } of page) if (kind === 'policy') found.push(JSON.parse(Buffer.from(body).toString()))
  }
  return found
}

const told = async (one: Gateway) =>
  (await leaves(one)).map(({ version, cause, of, by }) => [version, cause, of ?? null, by ?? null])

const KINDS = [
  ['SQLite', async () => join(folder, 'aegis.db')],
  [
    'PostgreSQL',
    async () => {
      database = (await server?.database()) ?? null
      return database?.as('app') ?? ''
    },
  ],
] as const

describe.each(KINDS)('policy versions in %s', (kind, place) => {
  beforeEach(async (context) => {
    if (kind === 'PostgreSQL' && server === null) context.skip()
    folder = await mkdtemp(join(tmpdir(), 'aegis-versions-'))
    file = join(folder, 'team.yaml')
    await writeFile(file, text('review'))
    url = await place()
  })
  afterEach(async () => {
    for (const one of [...open]) await one.close()
    await database?.drop()
    database = null
    await rm(folder, { recursive: true, force: true })
  })

  it('begin with what lies on disk, and say so in the log before anything is decided', async () => {
    const one = await gateway()
    expect(one.versions.version()).toMatchObject({ number: 1, cause: 'start', by: null, names: ['team'] })
    const [leaf] = await leaves(one)
    const { digest, sourcesSha256: sources, leaf: n } = one.versions.version()
    expect(leaf).toMatchObject({ kind: 'policy', version: 1, sha256: digest, sources_sha256: sources, names: ['team'] })
    expect((await one.stores.ledger.entry(n ?? -1))?.kind).toBe('policy')
    expect(one.versions.version().sources).toEqual([{ file: 'team.yaml', text: text('review') }])
  })

  it('are no more for a restart, and no more for a note in the file', async () => {
    const first = await gateway()
    await edit(first, text('review', '# only a note\n'))
    expect(first.versions.version().number).toBe(1)
    await first.close()
    const second = await gateway()
    expect(second.versions.version().number).toBe(1)
    expect(await told(second)).toEqual([[1, 'start', null, null]])
  })

  it('follow the files, whether they change while it runs or while it does not', async () => {
    const first = await gateway()
    await edit(first, text('block'))
    expect(first.versions.version()).toMatchObject({ number: 2, cause: 'reload' })
    await first.close()
    await writeFile(file, text('allow'))
    const second = await gateway()
    expect(second.versions.version()).toMatchObject({ number: 3, cause: 'start' })
    expect(second.versions.current().digest).toBe(second.disk.current().digest)
  })

  it('go back to an earlier one by a new one that names who asked, and stay there over a restart', async () => {
    const first = await gateway()
    const before = first.versions.current().digest
    await edit(first, text('allow'))
    const version = await first.versions.rollback(1, ALICE, 2)
    expect(version).toMatchObject({ number: 3, cause: 'rollback', of: 1, by: ALICE })
    expect(first.versions.current().digest).toBe(before)
    expect((await told(first)).at(-1)).toEqual([3, 'rollback', 1, 'key_alice'])
    await first.close()
    const second = await gateway()
    expect(second.versions.version().number).toBe(3)
    expect(second.versions.current().digest).toBe(before)
  })

  it('leave a rollback as soon as the files change again, also to what is in force and away from it', async () => {
    const one = await gateway()
    await edit(one, text('allow'))
    await one.versions.rollback(1, ALICE, null)
    await edit(one, text('allow', '# a note changes nothing\n'))
    expect(one.versions.version().number).toBe(3)
    await edit(one, text('review'))
    expect(one.versions.version().number).toBe(3)
    await edit(one, text('allow'))
    expect(one.versions.version()).toMatchObject({ number: 4, cause: 'reload' })
  })

  it('refuse a rollback to what is in force, to what is not there, and against another version than was seen', async () => {
    const one = await gateway()
    await edit(one, text('allow'))
    await expect(one.versions.rollback(2, ALICE, null)).rejects.toMatchObject({ code: 'conflict' })
    await expect(one.versions.rollback(9, ALICE, null)).rejects.toMatchObject({ code: 'not_found' })
    await expect(one.versions.rollback(1, ALICE, 1)).rejects.toMatchObject({ code: 'conflict', path: 'expected' })
    expect(await told(one)).toHaveLength(2)
  })

  it('refuse a rollback to texts that do not compile any more, with the reason', async () => {
    const one = await gateway()
    const { number: _, leaf: __, ...rest } = one.versions.version()
    const sources = [{ file: 'team.yaml', text: text('reveiw') }]
    const { sourcesSha256 } = await import('../../src/policy-set/index.ts')
    const hash = sourcesSha256(sources)
    const digest = one.versions.version().digest
    const change = {
      version: 2,
      sha256: digest,
      sourcesSha256: hash,
      names: [],
      cause: 'start',
      of: null,
      by: null,
    } as const
    const leaf = await one.ledger.policyChanged(change)
    await one.stores.policyVersions.add({ ...rest, number: 2, sources, sourcesSha256: hash, leaf })
    await expect(one.versions.rollback(2, ALICE, null)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('unknown decision `reveiw`'),
    })
    expect(one.versions.version().number).toBe(1)
  })

  it('put no row of the database into force that the log does not tell of', async () => {
    const one = await gateway()
    const { digest, sourcesSha256: _, sources: __, ...rest } = one.versions.version()
    const { sourcesSha256 } = await import('../../src/policy-set/index.ts')
    const sources = [{ file: 'team.yaml', text: text('allow') }]
    const forged = {
      ...rest,
      sources,
      sourcesSha256: sourcesSha256(sources),
      digest,
      number: 2,
      cause: 'reload',
    } as const
    await one.stores.policyVersions.add(forged)
    await one.versions.refresh()
    expect(one.versions.version().number).toBe(1)
    expect(one.versions.behind()).toMatchObject({ message: expect.stringContaining('not those that were recorded') })
    await expect(one.versions.rollback(2, ALICE, null)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('finish what a gateway that died had begun, once', async () => {
    const one = await gateway()
    const { number: _, ...rest } = one.versions.version()
    await one.stores.policyVersions.add({ ...rest, number: 2, at: Date.now() - 60_000, cause: 'reload', leaf: null })
    await one.versions.refresh()
    expect(one.versions.version()).toMatchObject({ number: 2, cause: 'reload' })
    await one.versions.refresh()
    expect((await told(one)).map(([number]) => number)).toEqual([1, 2])
  })

  it('end up at one of two rollbacks at once, and tell of both', async () => {
    const one = await gateway()
    await edit(one, text('allow'))
    await edit(one, text('block'))
    await Promise.all([one.versions.rollback(1, ALICE, null), one.versions.rollback(2, ALICE, null)])
    expect(one.versions.version()).toMatchObject({ number: 5, of: 2 })
    expect((await told(one)).map(([number]) => number)).toEqual([1, 2, 3, 4, 5])
  })

  it('let one of two rollbacks through that were both asked for against the same version', async () => {
    const one = await gateway()
    await edit(one, text('allow'))
    await edit(one, text('block'))
    const asked = [one.versions.rollback(1, ALICE, 3), one.versions.rollback(2, ALICE, 3)]
    const outcomes = (await Promise.allSettled(asked)).map(({ status }) => status)
    expect(outcomes.sort()).toEqual(['fulfilled', 'rejected'])
  })

  it('tell of every policy that ever decided, whatever happens in which order', async () => {
    const steps = fc.array(
      fc.oneof(fc.constantFrom('review', 'allow', 'block'), fc.integer({ min: 1, max: 4 }), fc.constant(null)),
      {
        maxLength: 8,
      },
    )
    const decided = new Set<string>()
    let one = await gateway()
    const runs = kind === 'PostgreSQL' ? 4 : 12
    await fc.assert(
      fc.asyncProperty(steps, async (each) => {
        for (const step of each) {
          if (typeof step === 'string') await edit(one, text(step))
          else if (step !== null) await one.versions.rollback(step, ALICE, null).catch(() => undefined)
          else {
            await one.close()
            one = await gateway()
          }
          decided.add(one.versions.current().digest)
        }
        const known = await leaves(one)
        expect(known.map(({ version }) => version)).toEqual(known.map((_, at) => at + 1))
        expect([...decided].every((digest) => known.some(({ sha256 }) => sha256 === digest))).toBe(true)
        expect(known.at(-1)?.['sha256']).toBe(one.versions.current().digest)
      }),
      { numRuns: runs },
    )
  })
})

describe.skipIf(server === null)('policy versions of several gateways', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aegis-versions-'))
    file = join(folder, 'team.yaml')
    await writeFile(file, text('review'))
    database = (await server?.database()) ?? null
    url = database?.as('app') ?? ''
  })
  afterEach(async () => {
    for (const one of [...open]) await one.close()
    await database?.drop()
    database = null
    await rm(folder, { recursive: true, force: true })
  })

  it('are one version where all see the same files, recorded once', async () => {
    const all = await Promise.all([gateway(), gateway(), gateway()])
    await writeFile(file, text('block'))
    await Promise.all(all.map(({ disk }) => disk.reload()))
    await Promise.all(all.map(({ versions }) => versions.refresh()))
    expect(all.map(({ versions }) => versions.version().number)).toEqual([2, 2, 2])
    const [one] = all
    expect(await told(one)).toHaveLength(2)
  })

  it('are in force everywhere after a look, a rollback before a file that another sees late too', async () => {
    const [one, two] = await Promise.all([gateway(), gateway()])
    await edit(one, text('allow'))
    await one.versions.rollback(1, ALICE, 2)
    // The other sees the change of the file only now: it is the one that was rolled back.
    await two.disk.reload()
    await two.versions.refresh()
    expect(two.versions.version()).toMatchObject({ number: 3, of: 1 })
    expect(two.versions.current().digest).toBe(one.versions.current().digest)
  })

  it('have both of a rollback and a reload at once, one after the other, and all gateways at the later one', async () => {
    const [one, two] = await Promise.all([gateway(), gateway()])
    await edit(one, text('allow'))
    await two.versions.refresh()
    await Promise.all([one.versions.rollback(1, ALICE, null), edit(two, text('block'))])
    await Promise.all([one.versions.refresh(), two.versions.refresh()])
    expect(one.versions.version().number).toBe(4)
    expect(two.versions.current().digest).toBe(one.versions.current().digest)
  })
})
