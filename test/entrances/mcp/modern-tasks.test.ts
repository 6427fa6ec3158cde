import { describe, expect, it } from 'vitest'
import type { Principal } from '../../../src/core/ids.ts'
import { createTasks, demandTasks, withoutTasks } from '../../../src/entrances/mcp/modern/tasks.ts'
import { openDoor } from '../../support/mcp-door.ts'
import { askModern } from '../../support/modern.ts'

const alice = 'key_alice' as Principal
const bob = 'key_bob' as Principal
const made = (taskId: string) =>
  ({ kind: 'result', result: { resultType: 'task', taskId, status: 'working' } }) as const

describe('a task of an upstream', () => {
  const tasks = createTasks()
  tasks.note('files', alice, made('one'))

  it('belongs to the key whose call became it', () => {
    tasks.demand('files', alice, 'one')
    expect(() => tasks.demand('files', bob, 'one')).toThrow('unknown task')
  })

  it('is not taken over by naming it again', () => {
    tasks.note('files', bob, made('one'))
    expect(() => tasks.demand('files', bob, 'one')).toThrow('unknown task')
  })

  it('is another one at another upstream, and left to the upstream where nobody saw it made', () => {
    tasks.demand('other', bob, 'one')
    tasks.demand('files', bob, 'from before a restart')
  })

  it('is told of to clients that know tasks, and to no others', () => {
    demandTasks({ extensions: { 'io.modelcontextprotocol/tasks': {} } })
    expect(() => demandTasks({})).toThrow('has not declared')
  })

  it('is not offered where many upstreams share one endpoint', () => {
    const capabilities = { roots: {}, extensions: { 'io.modelcontextprotocol/tasks': {}, other: {} } }
    expect(withoutTasks(capabilities)).toEqual({ roots: {}, extensions: { other: {} } })
  })

  it.each(['/mcp', '/mcp/files'])('is nothing that %s of an earlier revision could have', async (path) => {
    const door = openDoor({ files: { tools: {} } })
    const { status, error } = await askModern(door.app, {
      method: 'tasks/get',
      params: { taskId: 'one' },
      headers: { 'mcp-name': 'one' },
      path,
    })
    expect([status, error?.code]).toEqual([404, -32601])
  })
})
