import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql, subscribe } from '../../support/graphql.ts'
import { type Installation, install, secretOf } from '../../support/installation.ts'

let aegis: Installation
beforeAll(async () => {
  aegis = await install({
    keys: {
      vera: { role: 'viewer', owner: 'vera' },
      leaver: { role: 'viewer', owner: 'leaver' },
      other: { role: 'agent', owner: 'agent:other' },
    },
    limits: { streams: { own: 2, all: 10 } },
  })
})
afterAll(() => aegis.close())

const APPENDED =
  'subscription ($session: ID) { entryAppended(session: $session) { missed entry { kind session tool } } }'
const read = { protocol: 'git', tool: 'github.get_me', target: 'acme/site', capability: 'read' }
const act = (session: string, key = aegis.agentKey) => aegis.post('/admin/v1/test-action', { ...read, session }, key)
const follow = (key: string, session?: string) => subscribe(aegis.urls.admin, key, APPENDED, { session })
const sessionOf = (result: { data: { entryAppended: { entry: { session: string } } } }) =>
  result.data.entryAppended.entry.session.replace(/^.*\//, '')
/** As long as the promise allows, and some for a busy machine. */
const within = async <T>(promise: Promise<T>) =>
  Promise.race([promise, new Promise<string>((resolve) => setTimeout(() => resolve('nothing came'), 8000).unref())])

describe('a subscription', () => {
  it('shows viewers everything, agents what is their own, and of one session no other', async () => {
    const all = await follow(secretOf('vera'))
    const mine = await follow(aegis.agentKey)
    await act('a', secretOf('other'))
    await act('b')
    expect([sessionOf(await all.next()), sessionOf(await all.next())]).toEqual(['a', 'b'])
    expect(sessionOf(await mine.next())).toBe('b')
    const one = await follow(aegis.agentKey, 'b')
    await act('c')
    await act('b')
    expect(sessionOf(await one.next())).toBe('b')
    for (const open of [all, mine, one]) open.close()
  })

  it('to what is another’s ends before it begins, with the reason', async () => {
    await act('theirs', secretOf('other'))
    const refused = await follow(aegis.agentKey, 'theirs')
    expect((await refused.next()).errors[0].extensions).toMatchObject({ code: 'not_found' })
    expect(await refused.next()).toBeNull()
  })

  it('gives its place back when its client goes, and no client has more than its share', async () => {
    const key = secretOf('vera')
    for (let round = 0; round < 3; round++) {
      const open = [await follow(key), await follow(key)]
      await act('x')
      for (const one of open) expect(await one.next()).toMatchObject({ data: { entryAppended: { missed: 0 } } })
      const third = await follow(key)
      expect((await third.next()).errors[0].extensions).toMatchObject({ code: 'too_many', limit: 'streams' })
      for (const one of open) one.close()
      await expect
        .poll(async () => {
          const again = await follow(key)
          const refused = again.next().then((first) => first?.errors !== undefined)
          await act('y')
          const over = await refused
          again.close()
          return over
        })
        .toBe(false)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })

  it('ends when its key is revoked, and says so', async () => {
    const open = await follow(secretOf('leaver'))
    const { body } = await graphql(aegis.urls.admin, secretOf('leaver'), '{ whoami { principal } }')
    const revoke = 'mutation ($id: ID!) { revokeKey(id: $id) { state } }'
    const ended = open.next()
    await graphql(aegis.urls.admin, aegis.adminKey, revoke, { id: body.data.whoami.principal })
    expect(await within(ended)).toMatchObject({ errors: [{ extensions: { code: 'unauthenticated', status: 401 } }] })
    expect(await within(open.next())).toBeNull()
  })

  it('is answered as a stream of events or not at all', async () => {
    const { status, body } = await graphql(aegis.urls.admin, aegis.adminKey, APPENDED)
    expect(status).toBe(400)
    expect(body.errors[0].extensions).toMatchObject({ code: 'invalid_request', path: 'accept' })
  })

  it('ends with the server, which stops without waiting for it', async () => {
    const open = await follow(secretOf('vera'))
    const ended = open.next()
    await aegis.restart()
    expect(await within(ended)).toBeNull()
  })
})
