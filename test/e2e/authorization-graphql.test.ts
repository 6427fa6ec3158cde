import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphqlSchema } from '../../src/admin/graphql/schema.ts'
import { type Callers, callers, KNOWN, UNKNOWN, type Who } from '../support/callers.ts'
import { graphql, subscribe } from '../support/graphql.ts'

let house: Callers
beforeAll(async () => {
  house = await callers()
  await act('mine')
  await act('theirs', house.key('other') ?? '')
})
afterAll(() => house.aegis.close())

const read = { protocol: 'git', tool: 'github.get_me', target: 'acme/site', capability: 'read' }
const act = (session: string, key = house.aegis.agentKey) =>
  house.aegis.post('/admin/v1/actions', { ...read, session }, key)

let count = 0
const fresh = () => `n${++count}`

async function review(): Promise<string> {
  const parameters = { title: fresh(), head: 'feat/x', base: 'main' }
  const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'acme/site', parameters }
  return (await house.aegis.post('/admin/v1/actions', { ...action, session: 'mine' })).body.envelope_id
}
async function newKey(): Promise<string> {
  return (await house.aegis.post('/admin/v1/keys', { name: fresh(), role: 'viewer' }, house.aegis.adminKey)).body.id
}

const EVERYBODY = 'ok ok ok ok ok ok'
const THE_AGENT_S = 'ok not_found not_found ok ok ok'
const VIEWERS = 'forbidden forbidden forbidden ok ok ok'
const REVIEWERS = 'forbidden forbidden forbidden forbidden ok ok'
const ADMINS = 'forbidden forbidden forbidden forbidden forbidden ok'

type Operation = string | (() => Promise<string>)

/** By field of the schema's roots, as the table of REST: agent, another agent, a key of room `site`, viewer, reviewer, admin. */
const TABLE: Readonly<Record<string, readonly [codes: string, operation: Operation]>> = {
  'Query.whoami': [EVERYBODY, '{ whoami { principal } }'],
  'Query.approvals': [EVERYBODY, '{ approvals(status: all) { edges { node { id } } } }'],
  'Query.approval': [THE_AGENT_S, async () => `{ approval(id: "${await review()}") { id parameters } }`],
  'Query.sessions': [EVERYBODY, '{ sessions { edges { node { id } } } }'],
  'Query.session': [THE_AGENT_S, '{ session(id: "mine") { entries { edges { node { n } } } } }'],
  'Query.entries': [EVERYBODY, '{ entries { edges { node { n } } } }'],
  'Query.evidence': [THE_AGENT_S, '{ evidence(session: "mine") { valid } }'],
  'Query.checkpoint': [EVERYBODY, '{ checkpoint { note } }'],
  'Query.policies': [EVERYBODY, '{ policies { name } }'],
  'Query.policyVersions': [VIEWERS, '{ policyVersions { edges { node { version sources { text } } } } }'],
  'Query.rooms': [VIEWERS, '{ rooms { id } }'],
  'Query.room': [VIEWERS, '{ room(id: "acme/site") { id } }'],
  'Query.stats': [EVERYBODY, '{ stats { entries } }'],
  'Mutation.approve': [REVIEWERS, async () => `mutation { approve(id: "${await review()}") { evidenceHash } }`],
  'Mutation.deny': [REVIEWERS, async () => `mutation { deny(id: "${await review()}") { evidenceHash } }`],
  'Mutation.createKey': [
    ADMINS,
    async () => `mutation { createKey(key: { name: "${fresh()}", role: viewer }) { secret } }`,
  ],
  'Mutation.revokeKey': [ADMINS, async () => `mutation { revokeKey(id: "${await newKey()}") { state } }`],
  'Mutation.updateRoom': [ADMINS, 'mutation { updateRoom(room: "site", change: { mode: enforce }) { version } }'],
  'Mutation.rollbackPolicy': [
    'forbidden forbidden forbidden forbidden forbidden conflict',
    'mutation { rollbackPolicy(version: 1) { version } }',
  ],
  'Subscription.approvalRequested': [EVERYBODY, 'subscription { approvalRequested { missed } }'],
  'Subscription.approvalResolved': [EVERYBODY, 'subscription { approvalResolved { missed } }'],
  'Subscription.entryAppended': [THE_AGENT_S, 'subscription { entryAppended(session: "mine") { entry { session } } }'],
}

/** What somebody gets: `ok`, or the code of the refusal. */
async function outcome(who: Who, operation: string): Promise<string> {
  const admin = house.aegis.urls.admin
  const key = house.key(who) ?? ''
  if (!operation.startsWith('subscription')) {
    const { status, body } = await graphql(admin, key, operation)
    if (status === 401) return 'unauthenticated'
    return body.errors?.[0].extensions.code ?? (Object.values(body.data)[0] === null ? 'nothing' : 'ok')
  }
  const open = await subscribe(admin, key, operation)
  if (open.status === 401) return 'unauthenticated'
  // Whoever is refused is told at once; who is not has nothing to be told yet.
  const quiet = new Promise<null>((resolve) => setTimeout(() => resolve(null), 300))
  const first = await Promise.race([open.next(), quiet])
  open.close()
  return first?.errors?.[0].extensions.code ?? 'ok'
}

describe('who may do what over GraphQL', () => {
  it('is said for every field of the schema’s roots', () => {
    const schema = graphqlSchema()
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
    const fields = roots.flatMap((root) =>
      Object.keys(root?.getFields() ?? {}).map((field) => `${root?.name}.${field}`),
    )
    expect(Object.keys(TABLE).sort()).toEqual(fields.sort())
  })

  it.each(Object.keys(TABLE))('%s', async (field) => {
    const [codes, operation] = TABLE[field] ?? ['', '']
    const made = () => (typeof operation === 'string' ? operation : operation())
    const found: string[] = []
    for (const who of KNOWN) found.push(await outcome(who, await made()))
    expect(found.join(' ')).toBe(codes)
    for (const who of UNKNOWN) expect([who, await outcome(who, await made())]).toEqual([who, 'unauthenticated'])
  })

  it('an agent finds nothing of others in its lists', async () => {
    const lists = `{
      approvals(status: all) { edges { node { principal } } }
      sessions { edges { node { principal entries { edges { node { session } } } } } }
      entries { edges { node { session } } }
    }`
    await review()
    const { body: own } = await graphql(house.aegis.urls.admin, house.key('other') ?? '', lists)
    const { body: me } = await graphql(house.aegis.urls.admin, house.key('other') ?? '', '{ whoami { principal } }')
    const said = JSON.stringify(own.data)
    expect(own.data.sessions.edges.length).toBeGreaterThan(0)
    expect(own.data.entries.edges.length).toBeGreaterThan(0)
    expect(own.data.approvals.edges).toEqual([])
    const principals = [...said.matchAll(/key_[0-9a-f]+/g)].map(([principal]) => principal)
    expect(new Set(principals)).toEqual(new Set([me.data.whoami.principal]))
  })
})
