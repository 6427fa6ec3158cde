import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Installation, install, secretOf } from '../support/installation.ts'

const policyFor = (reviewers: number) => `version: 1
name: many-eyes
default_decision: block
rules:
  - { protocol: git, tool: github.create_pull_request, decision: review, approval: { ttl: 30m, reviewers: ${reviewers} } }
`

describe('reviewers who answer at the same moment', () => {
  let folder: string
  let aegis: Installation | null = null

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-reviewers-'))
  })
  afterEach(async () => {
    await aegis?.close()
    rmSync(folder, { recursive: true })
  })

  async function waiting(reviewers: number): Promise<{ house: Installation; id: string }> {
    const file = join(folder, 'many-eyes.yaml')
    writeFileSync(file, policyFor(reviewers))
    const house = await install({
      policies: [file],
      keys: {
        'bob-laptop': { role: 'reviewer', owner: 'bob' },
        'bob-phone': { role: 'reviewer', owner: 'bob' },
        carol: { role: 'reviewer', owner: 'carol' },
        erin: { role: 'reviewer', owner: 'erin' },
      },
    })
    aegis = house
    const parameters = { title: 't', head: 'feat/x', base: 'main' }
    const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'acme/app', parameters }
    const { body } = await house.post('/admin/v1/test-action', action)
    return { house, id: body.envelope_id }
  }

  const approve = (house: Installation, id: string, ...names: readonly string[]) =>
    Promise.all(
      names.map((name) => house.post(`/admin/v1/approvals/${id}/approve`, { comment: 'seen' }, secretOf(name))),
    )
  const statusOf = async (house: Installation, id: string) =>
    (await house.get(`/admin/v1/approvals/${id}`, house.adminKey)).body.status

  it('count as one where two keys belong to one person', async () => {
    const { house, id } = await waiting(3)
    const votes = await approve(house, id, 'bob-laptop', 'bob-phone')
    expect(votes.map(({ status }) => status).sort()).toEqual([200, 409])
    await approve(house, id, 'carol')
    expect(await statusOf(house, id)).toBe('pending')
    await approve(house, id, 'erin')
    expect(await statusOf(house, id)).toBe('approved')
  })

  it('settle it where two were needed, however the id is spelled', async () => {
    const { house, id } = await waiting(2)
    const votes = await Promise.all([
      ...(await approve(house, id, 'carol', 'erin')),
      ...(await approve(house, id.toUpperCase(), 'bob-phone')),
    ])
    expect(votes.filter(({ status }) => status === 200)).toHaveLength(2)
    expect(await statusOf(house, id)).toBe('approved')
  })
})
