import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Log } from '../../src/core/runtime.ts'
import {
  bundledPolicies,
  findPolicy,
  listPacks,
  loadPolicies,
  openPolicySet,
  type PolicySet,
} from '../../src/policy-set/index.ts'

const policyText = (decision: string, name = 'team') =>
  `version: 1\nname: ${name}\ndefault_decision: ${decision}\nrules:\n  - { tool: shell.rm, decision: block }\n`

let folder: string
let file: string
let open: PolicySet | null = null
const lines: string[] = []
const note = (_fields: Record<string, unknown>, message: string) => void lines.push(message)
const log: Log = { info: note, warn: note, error: note }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aegis-policy-'))
  file = join(folder, 'team.yaml')
  lines.length = 0
  await writeFile(file, policyText('review'))
})
afterEach(async () => {
  open?.close()
  open = null
  await rm(folder, { recursive: true })
})

async function opened(pollEvery = 0): Promise<PolicySet> {
  open = await openPolicySet({ sources: ['team'], upstreams: [], folders: [folder], log, pollEvery })
  return open
}

describe('finding a policy', () => {
  it('takes a pack by its name and a file by its path', async () => {
    expect(await findPolicy('pr-writer', [bundledPolicies()], folder)).toBe(join(bundledPolicies(), 'pr-writer.yaml'))
    expect(await findPolicy('team', [folder], '/')).toBe(file)
    expect(await findPolicy('./team.yaml', [], folder)).toBe(file)
    expect(await findPolicy('team.yaml', [], folder)).toBe(file)
  })

  it('says what there is, and what was meant', async () => {
    await mkdir(join(folder, 'dir.yaml'))
    await expect(findPolicy('./dir.yaml', [], folder)).rejects.toThrow('no policy file ./dir.yaml')
    await expect(findPolicy('pr-wrtier', [bundledPolicies()], folder)).rejects.toMatchObject({
      code: 'config',
      advice: 'did you mean `pr-writer`?',
    })
    await expect(findPolicy('zzz', [folder], folder)).rejects.toMatchObject({ advice: 'there are: dir, team' })
    expect(await listPacks([bundledPolicies()])).toContain('readonly')
  })
})

describe('loading policies', () => {
  it('refuses all where one is broken, with file, line and column', async () => {
    await writeFile(join(folder, 'bad.yaml'), policyText('reveiw'))
    const loading = loadPolicies({ sources: ['team', 'bad'], upstreams: [], folders: [folder] })
    await expect(loading).rejects.toMatchObject({
      code: 'config',
      message: 'policy `team` line 3: unknown decision `reveiw`, did you mean `review`?',
      path: `${join(folder, 'bad.yaml')}:3:19`,
    })
  })

  it('refuses text that is not UTF-8, and a file too large', async () => {
    await writeFile(file, Buffer.from([0x61, 0x3a, 0xff]))
    await expect(loadPolicies({ sources: [file], upstreams: [] })).rejects.toThrow('is not UTF-8')
    await writeFile(file, `# ${'x'.repeat(4 << 20)}`)
    await expect(loadPolicies({ sources: [file], upstreams: [] })).rejects.toThrow('larger than 4 MiB')
  })

  it('reads a file named twice once', async () => {
    expect((await loadPolicies({ sources: ['team', file], upstreams: [], folders: [folder] })).documents).toHaveLength(
      1,
    )
  })
})

describe('the policies in force', () => {
  it('do not open broken', async () => {
    await writeFile(file, 'rules: [')
    await expect(opened()).rejects.toMatchObject({ code: 'config' })
  })

  it('are swapped whole when a file changes, also by an editor that renames', async () => {
    const set = await opened()
    const before = set.current()
    const swapped: string[] = []
    set.onSwap((policy) => swapped.push(policy.digest))
    expect(await set.reload()).toBe('unchanged')
    await writeFile(`${file}.new`, policyText('block'))
    await rename(`${file}.new`, file)
    expect(await set.reload()).toBe('swapped')
    expect(set.current().digest).not.toBe(before.digest)
    expect(swapped).toEqual([set.current().digest])
    expect(lines).toEqual(['policy reloaded'])
  })

  it('stay as they were when a file breaks, loudly, until it is mended', async () => {
    const set = await opened()
    const before = set.current()
    await writeFile(file, policyText('deney'))
    expect(await set.reload()).toBe('refused')
    expect(set.current()).toBe(before)
    expect(set.refused()?.message).toContain('unknown decision `deney`')
    expect(lines).toEqual([
      expect.stringContaining('policy not reloaded, the old one stays in force: policy `team` line 3'),
    ])
    expect(await set.reload()).toBe('refused')
    expect(lines).toHaveLength(1)
    await writeFile(file, policyText('review'))
    expect(await set.reload()).toBe('unchanged')
    expect(set.refused()).toBeNull()
  })

  it('stay as they were when a file vanishes', async () => {
    const set = await opened()
    await rm(file)
    expect(await set.reload()).toBe('refused')
    expect(set.current().name).toBe('team')
    await writeFile(file, policyText('block'))
    expect(await set.reload()).toBe('swapped')
  })

  it('notice a change by themselves', async () => {
    const set = await opened(10)
    const swapped = new Promise<string>((resolve) => set.onSwap((policy) => resolve(policy.digest)))
    await writeFile(file, policyText('block'))
    expect(await swapped).toBe(set.current().digest)
  })
})
