import { AegisError } from '../../../core/errors.ts'
import { isObject, type JsonObject, textMember } from '../../../core/json.ts'
import type { Outcome } from '../../../gateway/ports.ts'
import type { McpOptions } from '../endpoint.ts'
import type { RpcId } from '../rpc.ts'
import { type Admitted, createCalls } from './calls.ts'
import type { Clients } from './clients.ts'
import { createParamHeaderCheck } from './param-headers.ts'
import type { RequestHead } from './request-head.ts'
import { discovery, modernOutcome } from './results.ts'
import { createReviewTasks } from './review-tasks.ts'
import type { Leg, Notification } from './running-call.ts'
import { readFilter } from './subscription-filter.ts'
import { createSubscriptions } from './subscriptions.ts'
import type { Suspended } from './suspended.ts'
import { createTasks, demandTasks, withoutTasks, withTasks } from './tasks.ts'

/** Removed with this revision ("Removed methods" of its changelog): unknown here, whatever an upstream would say. */
const REMOVED: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
])

/** What can be said to the client before its answer. */
export interface Voice extends Leg {
  /** False where the client does not read. */
  send(notification: Notification): boolean
}

/** What each request of the stateless era does. */
export interface Requests {
  /** The head as this endpoint takes it. @throws AegisError `header_mismatch` */
  admit(
    head: RequestHead,
    about: { readonly method: string; readonly upstream: string | null; readonly headers: Headers },
  ): RequestHead
  /** @throws AegisError */
  answer(id: RpcId, request: Admitted & { readonly leg: Voice }): Promise<Outcome>
  /** Ends the streams that would not end by themselves. */
  hush(): void
  tick(): void
  /** Ends the tasks under way. */
  close(): Promise<void>
}

export function createRequests(options: McpOptions, suspended: Suspended, clients: Pick<Clients, 'of'>): Requests {
  const { upstreams, reviews } = options
  const calls = createCalls(options, suspended)
  const subscriptions = createSubscriptions(options)
  const paramHeaders = createParamHeaderCheck()
  const tasks = createTasks()
  const reviewTasks = reviews === undefined ? null : createReviewTasks(options, reviews, clients)
  const isOurs = (taskId: string): boolean => reviewTasks?.owns(taskId) === true

  async function relay(request: Admitted): Promise<Outcome> {
    const { method, caller, upstream, head } = request
    const ours = method.startsWith('tasks/') && isOurs(textMember(head.params, 'taskId') ?? '')
    if (ours && reviewTasks !== null) return reviewTasks.answer(request)
    if (upstream !== null && method.startsWith('tasks/')) {
      // An earlier revision has methods of these names that mean something else.
      if (!(await calls.modern(request))) throw notFound(method)
      tasks.demand(upstream, caller.id, textMember(head.params, 'taskId') ?? '')
    }
    const outcome = modernOutcome(method, await calls.serve(request))
    if (method === 'tools/list' && outcome.kind === 'result') paramHeaders.learn(upstream, outcome.result)
    if (method === 'tools/call' && upstream !== null) tasks.note(upstream, caller.id, outcome)
    return outcome
  }

  function listen(id: RpcId, request: Admitted & { readonly leg: Voice }): Promise<Outcome> {
    const { caller, client, upstream, head, leg } = request
    const asked = readFilter(head.params['notifications'])
    if (asked.tasks.size > 0 && !head.tasks) demandTasks({})
    // Ours are looked after by asking for them, and no upstream hears of them; of no other is it known here whose it is.
    const theirs = upstream === null ? [] : [...asked.tasks].filter((task) => !isOurs(task))
    const filter = { ...asked, tasks: new Set(theirs) }
    for (const task of filter.tasks) tasks.demand(upstream ?? '', caller.id, task)
    const all = upstream === null ? upstreams.list().map(({ name }) => name) : [upstream]
    return subscriptions.listen({ id, filter, principal: caller.id, client, upstreams: all, ...leg })
  }

  return {
    admit(head, { method, upstream, headers }) {
      if (method === 'tools/call') paramHeaders.demand(upstream, head.params, headers)
      // The merged endpoint has no tasks: which upstream one belongs to, its id does not say.
      if (upstream !== null) return head
      return { ...head, client: { ...head.client, capabilities: withoutTasks(head.client.capabilities) } }
    },
    async answer(id, request) {
      const { method, endpoint, client, leg } = request
      if (REMOVED.has(method)) throw notFound(method)
      if (method === 'subscriptions/listen') return listen(id, request)
      if (method !== 'server/discover') return relay(request)
      const found = discovery(await endpoint.initialize(client.channel, leg.signal))
      return { kind: 'result', result: reviewTasks === null ? found : offeringTasks(found) }
    },
    hush: () => subscriptions.close(),
    tick: () => reviewTasks?.tick(),
    close: async () => reviewTasks?.close(),
  }
}

/** Whatever its upstream knows of tasks: a call that waits for a person can become one. */
function offeringTasks(discovered: JsonObject): JsonObject {
  const { capabilities } = discovered
  return { ...discovered, capabilities: withTasks(isObject(capabilities) ? capabilities : {}) }
}

function notFound(method: string): AegisError {
  return new AegisError('method_not_found', `\`${method}\` is not offered here in this revision`)
}
