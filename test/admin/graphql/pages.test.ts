import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '../../support/graphql.ts'
import { type Installation, install, secretOf } from '../../support/installation.ts'

let aegis: Installation
beforeAll(async () => {
  aegis = await install({
    keys: { vera: { role: 'viewer', owner: 'vera' }, other: { role: 'agent', owner: 'agent:other' } },
  })
  for (let at = 0; at < 7; at++) {
    const parameters = { title: `t${at}`, head: 'feat/x', base: 'main' }
    const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'acme/site', parameters }
    await aegis.post('/admin/v1/actions', { ...action, session: `s${at}` })
  }
})
afterAll(() => aegis.close())

const ask = (query: string, variables: object, key = secretOf('vera')) =>
  graphql(aegis.urls.admin, key, query, { ...variables })

const LISTS = {
  approvals:
    'query ($first: Int, $after: String) { list: approvals(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }',
  sessions:
    'query ($first: Int, $after: String) { list: sessions(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }',
  entries:
    'query ($first: Int, $after: String) { list: entries(filter: { kinds: ["review"] }, first: $first, after: $after) { edges { cursor node { id: eid } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }',
} as const

interface Edge {
  readonly cursor: string
  readonly node: { readonly id: string }
}

describe.each(Object.entries(LISTS))('the list of %s', (_, query) => {
  it('gives every item once, however its pages are cut, from each cursor on', async () => {
    const { body } = await ask(query, { first: 100 })
    const all: Edge[] = body.data.list.edges
    expect(all).toHaveLength(7)
    expect(body.data.list.pageInfo).toEqual({
      ...{ hasNextPage: false, hasPreviousPage: false },
      ...{ startCursor: all[0]?.cursor, endCursor: all[6]?.cursor },
    })
    for (const [at, { cursor }] of all.entries()) {
      const { list } = (await ask(query, { first: 3, after: cursor })).body.data
      expect(list.edges).toEqual(all.slice(at + 1, at + 4))
      expect(list.pageInfo).toMatchObject({ hasNextPage: at + 4 < 7, hasPreviousPage: true })
    }
  })

  it('takes no cursor of another list, of another reader, or that somebody made', async () => {
    const { body } = await ask(query, { first: 1 })
    const { endCursor } = body.data.list.pageInfo
    const others = await Promise.all(
      Object.values(LISTS)
        .filter((one) => one !== query)
        .map((one) => ask(one, { first: 1, after: endCursor })),
    )
    const bent = `${endCursor.slice(0, -2)}${endCursor.at(-2) === 'A' ? 'B' : 'A'}${endCursor.slice(-1)}`
    const made = ['', 'x', Buffer.from('0').toString('base64url'), bent, 'A'.repeat(5000)]
    const answers = [
      ...others,
      await ask(query, { first: 1, after: endCursor }, aegis.agentKey),
      ...(await Promise.all(made.map((after) => ask(query, { first: 1, after })))),
    ]
    for (const answer of answers) {
      expect(answer.body.data.list).toBeNull()
      expect(answer.body.errors[0]).toMatchObject({
        path: ['list'],
        extensions: { code: 'invalid_request', path: 'after' },
      })
    }
  })

  it.each([0, -1, 101, 1_000_000])('has pages of 1 to 100, not of %d', async (first) => {
    const { body } = await ask(query, { first })
    expect(body.data?.list ?? null).toBeNull()
    expect(body.errors[0].extensions).toMatchObject({ code: 'invalid_request', path: 'first' })
  })
})

it('policy versions are listed newest first, with a cursor of their own', async () => {
  const query =
    'query ($after: String) { policyVersions(first: 1, after: $after) { edges { cursor node { version inForce names sources { file text } } } pageInfo { hasNextPage } } }'
  const { body } = await ask(query, {})
  const [edge] = body.data.policyVersions.edges
  expect(edge.node).toMatchObject({ version: 1, inForce: true, names: ['pr-writer'] })
  expect(edge.node.sources[0].text).toContain('pr-writer')
  expect((await ask(query, { after: edge.cursor })).body.data.policyVersions.edges).toEqual([])
  for (const after of ['x', 'dmVyc2lvbjow', `${edge.cursor}AA`]) {
    expect((await ask(query, { after })).body.errors[0].extensions).toMatchObject({ code: 'invalid_request' })
  }
})

it('a session names its entries, by id or by label', async () => {
  const query =
    '{ session(id: "s3") { id label entryCount counts { name count } entries { edges { node { kind session hash body } } knownUpTo } } }'
  const { session } = (await ask(query, {})).body.data
  expect(session).toMatchObject({ label: 's3', entryCount: 1, counts: [{ name: 'review', count: 1 }] })
  expect(session.entries.edges).toHaveLength(1)
  expect(session.entries.edges[0].node).toMatchObject({ kind: 'review', session: session.id, body: { kind: 'review' } })
})

it('finds entries by everything a filter names, and says what is wrong with one that finds nothing', async () => {
  const query = 'query ($filter: EntryFilter) { entries(filter: $filter) { edges { node { tool } } } }'
  const found = async (filter: object) => (await ask(query, { filter })).body.data.entries.edges.length
  expect(await found({ tool: 'github.*', session: 's1', since: '2020-01-01T00:00:00Z' })).toBe(1)
  expect(await found({ target: 'acme/site' })).toBe(7)
  expect(await found({ until: '2020-01-01T00:00:00Z' })).toBe(0)
  for (const filter of [{ kinds: ['revew'] }, { tool: 'a*b' }, { since: 'yesterday' }, { session: 'none' }]) {
    const { body } = await ask(query, { filter })
    expect(['invalid_request', 'not_found']).toContain(body.errors[0].extensions.code)
  }
})
