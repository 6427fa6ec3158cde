import { describe, expect, it } from 'vitest'
import type { Approval } from '../../../src/core/approval.ts'
import { AegisError } from '../../../src/core/errors.ts'
import type { EnvelopeId, Principal } from '../../../src/core/ids.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import { createReviewTaskIds } from '../../../src/entrances/mcp/index.ts'
import type { ReviewParts } from '../../../src/entrances/mcp/modern/review-parts.ts'
import type { Outcome } from '../../../src/gateway/ports.ts'
import { runningApproval } from '../../support/approval.ts'
import { listGateway } from '../../support/list-gateway.ts'
import { openDoor } from '../../support/mcp-door.ts'
import { askModern, META, MODERN, type ModernRequest } from '../../support/modern.ts'

const TASKS = 'io.modelcontextprotocol/tasks'
const MINE = 'key_one' as Principal
const CAPABILITIES = { elicitation: { form: {} }, extensions: { [TASKS]: {} } }
const ELICIT = { method: 'elicitation/create', params: { message: 'who?', requestedSchema: { type: 'object' } } }
const ALICE = { action: 'accept', content: { name: 'Alice' } }
const text = (value: unknown) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] })

const ids = createReviewTaskIds(new Uint8Array(32).fill(7))
const approvals = new Map<EnvelopeId, Approval>()
const reviews: ReviewParts = {
  ids,
  approval: async (id) => approvals.get(id) ?? null,
  withdraw: async (id) => approvals.get(id) ?? null,
  recorded: async () => ({ status: 'open' }),
}

const listened: JsonObject[] = []
const door = openDoor(
  {
    files: {
      tools: {
        async twice(call, signal) {
          const first = await call.channel?.request('files', ELICIT, signal)
          const second = await call.channel?.request('files', ELICIT, signal)
          return text([first, second])
        },
        async marked(call, signal) {
          return text(await call.channel?.request('files', ELICIT, signal, call.mark))
        },
        /** As an upstream of the stateless era asks: by its answer. */
        rounds({ retry, what }) {
          const { inputResponses, requestState } = retry ?? {}
          if (inputResponses === undefined) {
            return { resultType: 'input_required', inputRequests: { a: ELICIT, b: ELICIT }, requestState: 'state' }
          }
          return text([inputResponses, requestState, what.kind === 'tool' ? what.parameters : null])
        },
        changed: () =>
          Promise.reject(new AegisError('conflict', 'the approval covers another definition of this tool')),
        late(call) {
          const id = call.approvalRef as EnvelopeId
          const spent = {
            ...runningApproval({ ...about('late'), now: door.clock.now() }),
            id,
            status: 'redeemed',
          } as const
          approvals.set(id, spent)
          return Promise.reject(new AegisError('conflict', 'the approval has been used'))
        },
        fails: () => Promise.reject(new Error('secret detail')),
        capabilities: ({ channel }) => text(channel?.client.capabilities),
        borrows: () => ({ resultType: 'task', taskId: ids.of(approvedCall('fails').id, MINE), status: 'working' }),
      },
      answer(method, params) {
        listened.push({ method, ...params })
        return { kind: 'result', result: {} }
      },
    },
  },
  { reviews },
)

const about = (remoteTool: string) => ({ principal: MINE, upstream: 'files', remoteTool })

function approvedCall(tool: string): Approval {
  const approval = runningApproval({ ...about(tool), now: door.clock.now() })
  approvals.set(approval.id, approval)
  return approval
}

const ask = (request: ModernRequest) => askModern(door.app, { meta: { [META.capabilities]: CAPABILITIES }, ...request })
function task(method: string, taskId: string, params: JsonObject = {}) {
  return ask({ method: `tasks/${method}`, params: { taskId, ...params }, headers: { 'mcp-name': taskId } })
}
const start = (tool: string) => ids.of(approvedCall(tool).id, MINE)
const update = (taskId: string, inputResponses: JsonObject) => task('update', taskId, { inputResponses })

describe('what an upstream asks in the middle of a task', () => {
  it('of an earlier revision is put to the client question by question, each under a name of its own', async () => {
    const taskId = start('twice')
    const asked = await task('get', taskId)
    expect(asked.result).toMatchObject({ status: 'input_required', inputRequests: { '1.input-1': ELICIT } })
    expect((await task('get', taskId)).result).toEqual(asked.result)
    await update(taskId, { 'input-1': ALICE, other: ALICE })
    expect((await task('get', taskId)).result).toMatchObject({ status: 'input_required' })
    expect((await update(taskId, { '1.input-1': ALICE })).result).toEqual({ resultType: 'complete' })
    await expect
      .poll(async () => (await task('get', taskId)).result?.['inputRequests'])
      .toEqual({ '1.input-2': ELICIT })
    await update(taskId, { '1.input-2': ALICE })
    await expect.poll(async () => (await task('get', taskId)).result?.['status']).toBe('completed')
    const answer = { kind: 'result', result: ALICE }
    expect((await task('get', taskId)).result).toMatchObject({ result: text([answer, answer]) })
  })

  it('of the stateless era is put to the client too, and the same call is made again with all that it says', async () => {
    const taskId = start('rounds')
    const open = { '1.a': ELICIT, '1.b': ELICIT }
    expect((await task('get', taskId)).result).toMatchObject({ status: 'input_required', inputRequests: open })
    await update(taskId, { '1.b': ALICE })
    await expect.poll(async () => (await task('get', taskId)).result?.['inputRequests']).toEqual({ '1.a': ELICIT })
    await update(taskId, { '1.a': ALICE })
    await expect.poll(async () => (await task('get', taskId)).result?.['status']).toBe('completed')
    const said = [{ b: ALICE, a: ALICE }, 'state', { path: 'a' }]
    expect((await task('get', taskId)).result).toMatchObject({ result: text(said) })
  })

  it('is put to the task it belongs to, though the client has others', async () => {
    const taskIds = [start('marked'), start('marked'), start('marked')]
    for (const taskId of taskIds) {
      const asked = { status: 'input_required', inputRequests: { '1.input-1': ELICIT } }
      expect((await task('get', taskId)).result).toMatchObject(asked)
    }
    for (const [index, taskId] of taskIds.entries()) {
      const answer = { action: 'accept', content: { index } }
      await update(taskId, { '1.input-1': answer })
      await expect.poll(async () => (await task('get', taskId)).result?.['status']).toBe('completed')
      const said = { kind: 'result', result: answer }
      expect((await task('get', taskId)).result).toMatchObject({ result: text(said) })
    }
  })

  it('is over when the task is cancelled', async () => {
    const taskId = start('twice')
    expect((await task('get', taskId)).result).toMatchObject({ status: 'input_required' })
    await task('cancel', taskId)
    expect((await task('get', taskId)).result).toMatchObject({ status: 'cancelled' })
    await update(taskId, { '1.input-1': ALICE })
    expect((await task('get', taskId)).result).toMatchObject({ status: 'cancelled' })
  })
})

describe('a task', () => {
  it('that could not be carried out has failed, with no word that nobody should see', async () => {
    const { result } = await task('get', start('fails'))
    expect(result).toMatchObject({ status: 'failed', error: { code: -32603 } })
    expect(JSON.stringify(result)).not.toContain('secret detail')
  })

  it('whose approval does not cover the call any more has failed, and says why', async () => {
    const { result } = await task('get', start('changed'))
    expect(result).toMatchObject({ status: 'failed', statusMessage: expect.stringContaining('another definition') })
  })

  it('whose approval another process has just used is what the evidence says of it', async () => {
    const { result } = await task('get', start('late'))
    expect(result).toMatchObject({ status: 'working', statusMessage: expect.stringContaining('in another process') })
  })

  it('ends with the answer of the upstream, which is not told that it could answer with a task of its own', async () => {
    const { result } = await task('get', start('capabilities'))
    expect(result).toMatchObject({ status: 'completed', result: text({ elicitation: { form: {} }, extensions: {} }) })
  })

  it('is forgotten a while after its end', async () => {
    const taskId = start('capabilities')
    expect((await task('get', taskId)).result).toMatchObject({ status: 'completed' })
    approvals.clear()
    expect((await task('get', taskId)).error).toMatchObject({ code: -32602 })
    const old = start('capabilities')
    door.clock.advance(3_600_000)
    expect((await task('get', old)).error).toMatchObject({ code: -32602 })
  })

  it('of an upstream under a name of ours is refused: it would be taken for another call', async () => {
    const { error } = await ask({ method: 'tools/call', params: { name: 'borrows' } })
    expect(error).toMatchObject({ code: -32000, message: expect.stringContaining('under a name of ours') })
  })

  it('of ours is never named to an upstream', async () => {
    const taskId = start('twice')
    const before = listened.length
    await task('get', taskId)
    await task('result', taskId)
    await task('cancel', taskId)
    expect(listened.slice(before)).toEqual([])
  })

  it.each([
    ['/mcp/files', { taskIds: ['theirs'], toolsListChanged: true }],
    ['/mcp', { toolsListChanged: true }],
  ])('is not listened to at an upstream that is reached by %s, which hears of no task that is not surely its own', async (path, notifications) => {
    const asked: (JsonObject | undefined)[] = []
    const list = {
      files: {
        tools: {},
        answer(_: string, params: JsonObject | undefined): Outcome {
          asked.push(params)
          return { kind: 'error', error: { code: -32601, message: 'no' } }
        },
      },
    }
    const { gateway, upstreams } = listGateway(list)
    const initialize = async () => ({ protocolVersion: MODERN, capabilities: {} })
    const { app } = openDoor(list, { reviews, gateway, upstreams: { ...upstreams, initialize } })
    const taskIds = [ids.of(approvedCall('twice').id, MINE), 'theirs']
    const gone = AbortSignal.timeout(200)
    const params = { notifications: { taskIds, toolsListChanged: true } }
    const meta = { [META.capabilities]: CAPABILITIES }
    await askModern(app, { method: 'subscriptions/listen', path, params, meta, signal: gone }).catch(() => undefined)
    expect(asked).toEqual([{ notifications }])
  })
})
