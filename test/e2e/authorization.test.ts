import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Callers, callers, KNOWN, UNKNOWN } from '../support/callers.ts'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { ask, type Call, ROUTES, routeOf } from '../support/openapi.ts'

let house: Callers
let upstream: CountingUpstream
beforeAll(async () => {
  upstream = await startCountingUpstream()
  const route = { kind: 'http', url: upstream.url, headers: {} } as const
  house = await callers({
    upstreams: { gh: { catalog: 'github', route, credential: null, onReview: 'refuse', timeout: null } },
  })
  await act('mine')
  await act('theirs', house.key('other') ?? '')
})
afterAll(async () => {
  await house.aegis.close()
  await upstream.close()
})

type Target = Pick<Call, 'at' | 'query' | 'body'>

const read = { protocol: 'git', tool: 'github.get_me', target: 'acme/site', capability: 'read' }
const act = (session: string, key = house.aegis.agentKey) =>
  house.aegis.post('/admin/v1/actions', { ...read, session }, key)
const asAdmin = async (id: string, target: Target) =>
  (await ask(house.aegis.urls.admin, { id, key: house.aegis.adminKey, ...target })).body

let count = 0
const fresh = () => `n${++count}`

async function review(): Promise<Target> {
  const parameters = { title: fresh(), head: 'feat/x', base: 'main' }
  const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'acme/site', parameters }
  const { body } = await house.aegis.post('/admin/v1/actions', { ...action, session: 'mine' })
  return { at: { id: body.envelope_id }, body: { comment: 'seen' } }
}
async function entry(): Promise<number> {
  await act('mine')
  return (await asAdmin('listLogs', { query: '?session=mine&limit=1' })).entries[0].n
}
const newKey = async () => (await asAdmin('createKey', { body: { name: fresh(), role: 'viewer' } })).id
const newRoom = async () => {
  const id = fresh()
  return (await asAdmin('createRoom', { body: { id, repository: `acme/${id}`, owner: 'rita' } })).id
}
const anotherReviewer = async () => {
  const owner = fresh()
  return (await asAdmin('createKey', { body: { name: owner, owner, role: 'reviewer' } })).owner
}
const delegation = async () => {
  return (await asAdmin('delegate', { body: { to: await anotherReviewer(), until: '2h' } })).id
}
const mine = { at: { session: 'mine' } }
const site = { at: { room: 'site' } }

const EVERYBODY = '200 200 200 200 200 200'
const THE_AGENT_S = '200 404 404 200 200 200'
const VIEWERS = '403 403 403 200 200 200'
const REVIEWERS = '403 403 403 403 200 200'
const ADMINS = '403 403 403 403 403 200'

/**
 * Who may do what: by operation, what each of agent, another agent, a key of room `site`, viewer, reviewer (owner of both rooms), admin
 * gets. What is asked for is the first agent's, and made anew for each cell.
 */
const TABLE: Readonly<Record<string, readonly [statuses: string, target?: Target | (() => Target | Promise<Target>)]>> =
  {
    submitAction: [EVERYBODY, { body: read }],
    testAction: [EVERYBODY, { body: read }],
    simulateAction: [EVERYBODY, { body: read }],
    explainAction: [THE_AGENT_S, async () => ({ at: { id: (await act('mine')).body.envelope_id } })],
    listApprovals: [EVERYBODY, { query: '?status=all' }],
    getApproval: [THE_AGENT_S, review],
    approve: ['403 403 403 403 200 200', review],
    deny: ['403 403 403 403 200 200', review],
    listApprovalBundles: [VIEWERS],
    approveSeveral: [
      '403 403 403 403 200 200',
      async () => ({ body: { ids: [(await review()).at?.['id']], comment: '' } }),
    ],
    listDelegations: [REVIEWERS],
    delegate: ['403 403 403 403 201 201', async () => ({ body: { to: await anotherReviewer(), until: '2h' } })],
    endDelegation: ['403 403 403 403 404 200', async () => ({ at: { delegation: await delegation() } })],
    listSessions: [EVERYBODY],
    listEvidenceSessions: [EVERYBODY],
    exportSession: [THE_AGENT_S, mine],
    signStatement: [THE_AGENT_S, mine],
    getSessionReport: [THE_AGENT_S, mine],
    verifySession: [THE_AGENT_S, mine],
    getCheckpoint: [EVERYBODY],
    listAnchors: [VIEWERS],
    rotateLogKey: [ADMINS],
    listLogs: [VIEWERS],
    listHolds: [VIEWERS],
    searchAudit: [EVERYBODY],
    exportAudit: [EVERYBODY],
    getStats: [EVERYBODY],
    listPolicies: [EVERYBODY],
    listPolicyVersions: [VIEWERS],
    getPolicyVersion: [VIEWERS, { at: { version: '1' } }],
    rollbackPolicy: ['403 403 403 403 403 409', { at: { version: '1' }, body: {} }],
    diffPolicyVersions: [VIEWERS, { query: '?from=1&to=1' }],
    diffPolicies: [VIEWERS, { body: { from: { version: 1 }, to: { version: 1 } } }],
    replayPolicy: [VIEWERS, { body: { policy: { version: 1 } } }],
    listRooms: [VIEWERS],
    createRoom: ['403 403 403 403 403 201', () => ({ body: { repository: `acme/${fresh()}` } })],
    getRoom: [VIEWERS, site],
    removeRoom: [ADMINS, async () => ({ at: { room: await newRoom() } })],
    setRoomMode: [ADMINS, { ...site, body: { mode: 'enforce' } }],
    setRoomPermission: [ADMINS, { ...site, body: { permission: null } }],
    setRoomMember: ['403 403 403 403 200 200', { ...site, body: { member: 'zoe', role: 'DEVELOPER' } }],
    setRoomTool: ['403 403 403 403 200 200', { ...site, body: { role: 'ADMIN', tool: 'push_files', allowed: null } }],
    listRoomKeys: [VIEWERS, site],
    createRoomKey: ['403 403 403 403 201 201', () => ({ ...site, body: { role: 'DEVELOPER', name: fresh() } })],
    revokeRoomKey: [
      '403 403 403 403 200 200',
      async () => {
        const { id } = await asAdmin('createRoomKey', { ...site, body: { role: 'DEVELOPER', name: fresh() } })
        return { at: { room: 'site', key: id } }
      },
    ],
    getRoomReport: [VIEWERS, site],
    listKeys: [ADMINS],
    createKey: ['403 403 403 403 403 201', () => ({ body: { name: fresh(), role: 'viewer' } })],
    rotateKey: ['403 403 403 403 403 201', async () => ({ at: { key: await newKey() }, body: {} })],
    revokeKey: [ADMINS, async () => ({ at: { key: await newKey() } })],
    listCredentials: [ADMINS],
    revokeToken: ['403 403 403 403 403 404', { body: { token: 'abcdef0123' } }],
    listPins: [VIEWERS],
    diffPins: [VIEWERS, { query: '?upstream=gh' }],
    acceptPins: [
      '403 403 403 403 403 409',
      { body: { pins: [{ upstream: 'gh', tool: 'x', digest: 'a'.repeat(64) }] } },
    ],
    rejectPins: [
      '403 403 403 403 403 409',
      { body: { pins: [{ upstream: 'gh', tool: 'x', digest: 'a'.repeat(64) }] } },
    ],
    eraseValues: [ADMINS, async () => ({ body: { entry: await entry(), paths: ['params'], reason: 'asked for' } })],
    holdSession: [ADMINS, { body: { session: 'mine', reason: 'a case' } }],
    unholdSession: [ADMINS, { body: { session: 'mine' } }],
    closeSession: [ADMINS, { body: { session: 'mine' } }],
    pruneLog: [
      '403 403 403 403 403 409',
      { body: { min_index: 256, archive_sha256: 'a'.repeat(64), root: 'a'.repeat(64) } },
    ],
    whoami: [EVERYBODY],
    listLogins: [EVERYBODY],
    endLogin: ['404 404 404 404 404 404', { at: { id: 'none' } }],
    getNotifications: [VIEWERS],
    retryNotification: ['403 403 403 403 403 404', { at: { id: 'none' } }],
    graphql: [EVERYBODY, { body: { query: '{ whoami { name } }' } }],
    getOpenApi: [EVERYBODY],
    getHealth: [EVERYBODY],
    getReady: [EVERYBODY],
    getMetrics: [EVERYBODY],
  }

describe('who may do what over REST', () => {
  it('is said for every operation that there is', () => {
    expect(Object.keys(TABLE).sort()).toEqual(ROUTES.map(({ id }) => id).sort())
  })

  it.each(Object.keys(TABLE))('%s', async (id) => {
    const [statuses, target = {}] = TABLE[id] ?? ['']
    const found: number[] = []
    for (const who of KNOWN) {
      const made = typeof target === 'function' ? await target() : target
      found.push((await ask(house.aegis.urls.admin, { id, key: house.key(who), ...made })).status)
    }
    expect(found.join(' ')).toBe(statuses)
    const open = routeOf(id).role === 'anybody'
    for (const who of UNKNOWN) {
      const made = typeof target === 'function' ? await target() : target
      const { status } = await ask(house.aegis.urls.admin, { id, key: house.key(who), ...made })
      expect([who, status]).toEqual([who, open ? 200 : 401])
    }
  })
})
