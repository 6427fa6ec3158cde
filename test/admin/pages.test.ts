import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Installation, install } from '../support/installation.ts'
import { ask } from '../support/openapi.ts'

let aegis: Installation
beforeAll(async () => {
  aegis = await install()
  for (let at = 0; at < 5; at++) {
    const parameters = { title: `t${at}`, head: 'feat/x', base: 'main' }
    const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'acme/site', parameters }
    await aegis.post('/admin/v1/actions', { ...action, session: `s${at}` })
  }
})
afterAll(() => aegis.close())

const get = async (id: string, query: string, key = aegis.adminKey) => ask(aegis.urls.admin, { id, key, query })

describe.each([
  ['listApprovals', 'pending', 'envelope_id'],
  ['listSessions', 'sessions', 'session'],
])('%s', (id, member, name) => {
  const read = async (query: string): Promise<{ names: string[]; next?: string }> => {
    const { body } = await get(id, query)
    return { names: body[member].map((one: Record<string, string>) => one[name]), next: body.next }
  }

  it('turns pages without a hole or a double, and says no `next` on the last one', async () => {
    const all = await read('')
    expect(all.names).toHaveLength(5)
    expect(all.next).toBeUndefined()
    const seen: string[] = []
    for (let after = ''; ; ) {
      const page = await read(`?limit=2${after}`)
      seen.push(...page.names)
      if (page.next === undefined) break
      after = `&after=${page.next}`
    }
    expect(seen).toEqual(all.names)
  })

  it('takes no cursor of another list or of another reader', async () => {
    const { next = '' } = await read('?limit=2')
    const other = id === 'listSessions' ? 'listApprovals' : 'listSessions'
    expect((await get(other, `?after=${next}`)).status).toBe(400)
    expect((await get(id, `?after=${next}`, aegis.agentKey)).status).toBe(400)
    expect((await get(id, '?after=x')).body.error).toMatchObject({ type: 'invalid_request', path: 'after' })
  })
})

it('approvals are asked for by tool', async () => {
  expect((await get('listApprovals', '?tool=github.*')).body.pending).toHaveLength(5)
  expect((await get('listApprovals', '?tool=github.merge_pull_request')).body.pending).toEqual([])
})
