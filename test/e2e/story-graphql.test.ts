import { afterAll, beforeAll, expect, it } from 'vitest'
import { graphql, subscribe } from '../support/graphql.ts'
import { type Installation, install, secretOf } from '../support/installation.ts'

let aegis: Installation
beforeAll(async () => {
  aegis = await install({ keys: { alice: { role: 'reviewer', owner: 'alice' } } })
})
afterAll(() => aegis.close())

const ALICE = secretOf('alice')
const ask = (query: string, variables = {}, key = ALICE) => graphql(aegis.urls.admin, key, query, variables)

it('the story of a reviewed pull request is told through GraphQL alone, from -32002 to verified evidence', async () => {
  const act = (action: object) => aegis.post('/admin/v1/test-action', { session: 'story', ...action })
  const target = 'aegisflow/aegisflow'
  const pullRequest = {
    protocol: 'git',
    tool: 'github.create_pull_request',
    target,
    capability: 'write',
    parameters: { title: 'fix: stabilize flaky test', head: 'claude/fix-flaky-evidence-test', base: 'main' },
    agent: 'claude-code',
    justification: 'fixes an intermittent failure',
  }
  const asked = await subscribe(
    aegis.urls.admin,
    ALICE,
    'subscription { approvalRequested { missed approval { id status tool target parameters justification } } }',
  )
  const resolved = await subscribe(
    aegis.urls.admin,
    ALICE,
    'subscription { approvalResolved { approval { id status resolution { comment reviewer { name channel } } } entry { kind } } }',
  )
  await act({ protocol: 'git', tool: 'github.get_file_contents', target, capability: 'read' })
  await act({ protocol: 'shell', tool: 'shell.pytest', target: '/workspace', capability: 'execute' })
  expect(
    (await act({ protocol: 'shell', tool: 'shell.rm', target: '/workspace', capability: 'delete' })).body.error.code,
  ).toBe(-32001)
  const parked = await act(pullRequest)
  expect(parked.body.error.code).toBe(-32002)
  const id = parked.body.envelope_id

  expect(await asked.next()).toEqual({
    data: {
      approvalRequested: {
        missed: 0,
        approval: {
          ...{ id, status: 'pending', tool: pullRequest.tool, target },
          parameters: { owner: 'aegisflow', repo: 'aegisflow', ...pullRequest.parameters },
          justification: pullRequest.justification,
        },
      },
    },
  })
  const mutation = `mutation ($id: ID!, $comment: String) {
    approve(id: $id, comment: $comment) { evidenceHash approval { status resolution { reviewer { name channel separation } } } }
  }`
  const approved = await ask(mutation, { id, comment: 'diff looks correct, scoped to the test file' })
  expect(approved.body).toEqual({
    data: {
      approve: {
        evidenceHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        approval: {
          status: 'approved',
          resolution: { reviewer: { name: 'alice', channel: 'graphql', separation: 'none' } },
        },
      },
    },
  })
  expect(await resolved.next()).toMatchObject({
    data: { approvalResolved: { approval: { id, status: 'approved' }, entry: { kind: 'approve' } } },
  })
  expect((await ask(mutation, { id })).body).toMatchObject({
    data: { approve: null },
    errors: [{ path: ['approve'], extensions: { code: 'conflict', status: 409, advice: expect.any(String) } }],
  })

  const retried = await act({ ...pullRequest, approval_ref: id })
  expect(retried.body).toMatchObject({ decision: 'allow', matched_rule: `approved:${id}` })

  const { body } = await ask(`{
    evidence(session: "story") { valid totalEntries manifestHash brokenLink }
    entries(filter: { session: "story" }, first: 10) { edges { node { kind tool envelope ref } } pageInfo { hasNextPage } }
    approval(id: "${id}") { status reviewersNeeded }
    stats { pending decisions { name count } }
  }`)
  expect(body.errors).toBeUndefined()
  expect(body.data.evidence).toMatchObject({ valid: true, brokenLink: null, manifestHash: expect.any(String) })
  const kinds = body.data.entries.edges.map(({ node }: { node: { kind: string } }) => node.kind)
  expect(kinds.reverse().slice(0, 6)).toEqual(['allow', 'allow', 'block', 'review', 'approve', 'allow'])
  expect(body.data.evidence.totalEntries).toBe(kinds.length)
  expect(body.data.approval).toEqual({ status: 'redeemed', reviewersNeeded: 0 })
  expect(body.data.stats.pending).toBe(0)
  asked.close()
  resolved.close()
})
