import { AegisError } from '../../../core/errors.ts'
import type { Principal } from '../../../core/ids.ts'
import { isObject, type JsonObject, textMember } from '../../../core/json.ts'
import type { Outcome } from '../../../gateway/ports.ts'

/** The extension in which an upstream answers a call with a task ("Tasks", SEP-2663). */
const EXTENSION = 'io.modelcontextprotocol/tasks'
/** Tasks whose owners are remembered; the oldest is forgotten first. */
const REMEMBERED = 10_000

/**
 * Whose tasks are whose. Upstreams know all our clients as one, so that a task is guarded by nothing but its id; what we
 * have seen created belongs to the key that created it.
 */
export interface Tasks {
  /** An upstream's answer to a call of this key. */
  note(upstream: string, principal: Principal, outcome: Outcome): void
  /** @throws AegisError `invalid_params` where it is known to be another key's */
  demand(upstream: string, principal: Principal, taskId: string): void
}

export function createTasks(): Tasks {
  const owners = new Map<string, Principal>()
  const keyOf = (upstream: string, taskId: string): string => JSON.stringify([upstream, taskId])
  return {
    note(upstream, principal, outcome) {
      if (outcome.kind === 'error' || outcome.result['resultType'] !== 'task') return
      const taskId = textMember(outcome.result, 'taskId')
      if (taskId === undefined) return
      const key = keyOf(upstream, taskId)
      if (!owners.has(key)) owners.set(key, principal)
      if (owners.size > REMEMBERED) owners.delete(owners.keys().next().value ?? key)
    },
    demand(upstream, principal, taskId) {
      const owner = owners.get(keyOf(upstream, taskId))
      if (owner === undefined || owner === principal) return
      throw new AegisError('invalid_params', 'unknown task', { path: 'params.taskId' })
    },
  }
}

/** Whether a client takes a task for an answer. */
export function declaresTasks({ extensions }: JsonObject): boolean {
  return isObject(extensions) && extensions[EXTENSION] !== undefined
}

/** The capabilities of a server that may answer so. */
export function withTasks(capabilities: JsonObject): JsonObject {
  const { extensions } = capabilities
  return { ...capabilities, extensions: { [EXTENSION]: {}, ...(isObject(extensions) ? extensions : {}) } }
}

/** @throws AegisError `missing_capability` where the client has not declared the extension */
export function demandTasks(capabilities: JsonObject): void {
  if (declaresTasks(capabilities)) return
  throw new AegisError('missing_capability', 'the client has not declared that it knows tasks', {
    data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } },
  })
}

/** For an endpoint that has no tasks: what is not declared is not answered with one. */
export function withoutTasks(capabilities: JsonObject): JsonObject {
  const { extensions } = capabilities
  if (!isObject(extensions) || extensions[EXTENSION] === undefined) return capabilities
  const { [EXTENSION]: _tasks, ...others } = extensions
  return { ...capabilities, extensions: others }
}
