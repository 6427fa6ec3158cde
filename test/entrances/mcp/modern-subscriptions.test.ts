import { describe, expect, it } from 'vitest'
import type { ListedUpstream } from '../../support/list-gateway.ts'
import { openDoor } from '../../support/mcp-door.ts'
import { askModern, META, modernRequest } from '../../support/modern.ts'

const relayed: string[] = []
const files: ListedUpstream = {
  capabilities: { tools: { listChanged: true }, prompts: {}, resources: { subscribe: true, listChanged: true } },
  tools: {},
  prompts: [],
  answer(method, params) {
    relayed.push(`${method} ${params?.['uri']}`)
    const known = params?.['uri'] !== 'file:///secret'
    return known ? { kind: 'result', result: {} } : { kind: 'error', error: { code: -32602, message: 'unknown' } }
  },
}
const second: ListedUpstream = { capabilities: { tools: { listChanged: true } }, tools: {} }
const dead: ListedUpstream = { dead: true, tools: {} }

interface Told {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: unknown
}

/** A stream that is listened to, and what has come on it. */
async function listen(door: ReturnType<typeof openDoor>, notifications: object, path = '/mcp/files', id = 'sub') {
  const { headers, body } = modernRequest({ method: 'subscriptions/listen', params: { notifications }, id })
  const controller = new AbortController()
  const response = await door.app.request(path, { method: 'POST', headers, body, signal: controller.signal })
  const told: Told[] = []
  const read = async () => {
    for await (const chunk of response.body ?? []) {
      const data = /^data: (.+)$/m.exec(new TextDecoder().decode(chunk))?.[1]
      if (data !== undefined) told.push(JSON.parse(data))
    }
  }
  const done = read().catch(() => undefined)
  await expect.poll(() => told.length).toBeGreaterThan(0)
  const notify = (method: string, params?: Record<string, string>, upstream = 'files') => {
    for (const channel of door.channels.values())
      channel.notify(upstream, params === undefined ? { method } : { method, params })
  }
  return { told, done, notify, close: () => controller.abort() }
}

const meta = { [META.subscription]: 'sub' }

describe('subscriptions/listen', () => {
  it('begins by saying what will be told, and then tells that and nothing else', async () => {
    const door = openDoor({ files })
    const { told, notify, close } = await listen(door, { toolsListChanged: true, promptsListChanged: true })
    expect(told).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { _meta: meta, notifications: { toolsListChanged: true } },
      },
    ])
    notify('notifications/resources/list_changed')
    notify('notifications/prompts/list_changed')
    notify('notifications/message', { level: 'error' })
    notify('notifications/tools/list_changed', undefined, 'another')
    notify('notifications/tools/list_changed')
    await expect.poll(() => told.length).toBe(2)
    expect(told[1]).toMatchObject({ method: 'notifications/tools/list_changed', params: { _meta: meta } })
    close()
  })

  it('subscribes to resources at an upstream of an earlier revision, and leaves what nobody listens to', async () => {
    const door = openDoor({ files })
    relayed.length = 0
    const filter = { resourceSubscriptions: ['file:///a', 'file:///secret'] }
    const one = await listen(door, filter)
    const two = await listen(door, { resourceSubscriptions: ['file:///a'] }, '/mcp/files', 'two')
    expect(one.told[0]).toMatchObject({ params: { notifications: { resourceSubscriptions: ['file:///a'] } } })
    expect(door.notified).toContainEqual({ upstream: 'files', method: 'notifications/initialized' })
    one.notify('notifications/resources/updated', { uri: 'file:///b' })
    one.notify('notifications/resources/updated', { uri: 'file:///a' })
    await expect.poll(() => two.told.length).toBe(2)
    expect(one.told[1]).toMatchObject({ params: { uri: 'file:///a', _meta: meta } })
    one.close()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(relayed).not.toContain('resources/unsubscribe file:///a')
    two.close()
    await expect.poll(() => relayed).toContain('resources/unsubscribe file:///a')
  })

  it('hears all upstreams on the merged endpoint, less those that are down', async () => {
    const door = openDoor({ files, second, dead })
    const { told, notify, close } = await listen(door, { toolsListChanged: true }, '/mcp')
    notify('notifications/tools/list_changed', undefined, 'second')
    await expect.poll(() => told.length).toBe(2)
    close()
  })

  it('fails where the one upstream it is for is down', async () => {
    const { error } = await askModern(openDoor({ dead }).app, {
      method: 'subscriptions/listen',
      params: { notifications: {} },
      path: '/mcp/dead',
    })
    expect(error?.code).toBe(-32000)
  })

  it('ends with an answer when the server stops', async () => {
    const door = openDoor({ files })
    const { told, done } = await listen(door, { toolsListChanged: true })
    await door.entrance.close()
    await done
    expect(told.at(-1)).toEqual({ jsonrpc: '2.0', id: 'sub', result: { resultType: 'complete', _meta: meta } })
  })

  it.each([
    ['no filter', { notifications: undefined }, -32602],
    ['a filter that is a list', { notifications: [] }, -32602],
    ['resources that are no texts', { notifications: { resourceSubscriptions: [1] } }, -32602],
    ['more than 256 resources', { notifications: { resourceSubscriptions: Array(257).fill('a:b') } }, -32602],
  ])('is refused with %s', async (_, params, code) => {
    const { error } = await askModern(openDoor({ files }).app, { method: 'subscriptions/listen', params })
    expect(error?.code).toBe(code)
  })

  it('needs a client that reads event streams', async () => {
    const { status } = await askModern(openDoor({ files }).app, {
      method: 'subscriptions/listen',
      params: { notifications: {} },
      headers: { accept: 'application/json' },
    })
    expect(status).toBe(406)
  })

  it('is open 16 times for one client at most', async () => {
    const door = openDoor({ files })
    const open = await Promise.all(Array.from({ length: 16 }, (_, at) => listen(door, {}, '/mcp/files', `s${at}`)))
    const { error } = await askModern(door.app, { method: 'subscriptions/listen', params: { notifications: {} } })
    expect(error?.message).toContain('16 streams')
    for (const { close } of open) close()
  })
})
