import { AegisError } from '../../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../../core/json.ts'
import type { Notification } from './running-call.ts'

/** What a client listens for ("Notification Filter"). */
export interface Filter {
  /** Of `CHANGES`. */
  readonly lists: ReadonlySet<string>
  readonly resources: ReadonlySet<string>
  readonly tasks: ReadonlySet<string>
}

export const TOOLS_LIST = 'toolsListChanged'

const CHANGES: Readonly<Record<string, { readonly notification: string; readonly capability: string }>> = {
  [TOOLS_LIST]: { notification: 'notifications/tools/list_changed', capability: 'tools' },
  promptsListChanged: { notification: 'notifications/prompts/list_changed', capability: 'prompts' },
  resourcesListChanged: { notification: 'notifications/resources/list_changed', capability: 'resources' },
}

/** Resources or tasks of one stream. */
const MAX_NAMES = 256

/** @throws AegisError `invalid_params` */
export function readFilter(value: Json | undefined): Filter {
  if (!isObject(value)) throw invalid('`notifications` must be an object', 'params.notifications')
  return {
    lists: new Set(Object.keys(CHANGES).filter((key) => value[key] === true)),
    resources: names(value, 'resourceSubscriptions'),
    tasks: names(value, 'taskIds'),
  }
}

function names(value: JsonObject, key: string): ReadonlySet<string> {
  const listed = value[key]
  if (listed === undefined) return new Set()
  if (!Array.isArray(listed) || listed.length > MAX_NAMES || !listed.every((one) => typeof one === 'string')) {
    throw invalid(`\`${key}\` must be at most ${MAX_NAMES} texts`, `params.notifications.${key}`)
  }
  return new Set(listed)
}

/** As it stands in a request or an acknowledgement. */
export function filterText({ lists, resources, tasks }: Filter): JsonObject {
  return {
    ...Object.fromEntries([...lists].map((list) => [list, true])),
    ...(resources.size > 0 ? { resourceSubscriptions: [...resources] } : {}),
    ...(tasks.size > 0 ? { taskIds: [...tasks] } : {}),
  }
}

/** What an upstream with these capabilities tells of the lists. */
export function offered(filter: Filter, capabilities: JsonObject): ReadonlySet<string> {
  const tells = (list: string): boolean => {
    const capability = capabilities[CHANGES[list]?.capability ?? '']
    return isObject(capability) && capability['listChanged'] === true
  }
  return new Set([...filter.lists].filter(tells))
}

/** Whether the client asked for this notification: a stream carries nothing else. */
export function wants({ lists, resources, tasks }: Filter, { method, params }: Notification): boolean {
  if (method === 'notifications/resources/updated') return resources.has(textMember(params ?? {}, 'uri') ?? '')
  if (method === 'notifications/tasks') return tasks.has(textMember(params ?? {}, 'taskId') ?? '')
  return [...lists].some((list) => CHANGES[list]?.notification === method)
}

/** What was asked for and agreed to: an upstream that agrees to more has not been asked for it. */
export function common(asked: Filter, agreed: Filter): Filter {
  const both = (wanted: ReadonlySet<string>, given: ReadonlySet<string>): ReadonlySet<string> =>
    new Set([...wanted].filter((name) => given.has(name)))
  return {
    lists: both(asked.lists, agreed.lists),
    resources: both(asked.resources, agreed.resources),
    tasks: both(asked.tasks, agreed.tasks),
  }
}

export function union(filters: readonly Filter[]): Filter {
  return {
    lists: new Set(filters.flatMap(({ lists }) => [...lists])),
    resources: new Set(filters.flatMap(({ resources }) => [...resources])),
    tasks: new Set(filters.flatMap(({ tasks }) => [...tasks])),
  }
}

function invalid(message: string, path: string): AegisError {
  return new AegisError('invalid_params', message, { path })
}
