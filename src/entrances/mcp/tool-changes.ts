import { isObject, type JsonObject } from '../../core/json.ts'
import { DEFAULT_LISTING } from '../../gateway/ports.ts'
import type { McpOptions } from './endpoint.ts'

export const TOOLS_CHANGED = { method: 'notifications/tools/list_changed' } as const

/** Whether the tools of an upstream come and go here by people's decisions, whatever the upstream says of its own list. */
export function changesHere({ toolsChanged, upstreams }: McpOptions, upstream: string): boolean {
  const listing = upstreams.get(upstream)?.listing ?? DEFAULT_LISTING
  return toolsChanged !== undefined && listing.pins !== 'off'
}

/** The greeting of an upstream whose tools come and go here. */
export function tellingChanges(greeting: JsonObject): JsonObject {
  const { capabilities } = greeting
  if (!isObject(capabilities) || !isObject(capabilities['tools'])) return greeting
  const tools = { ...capabilities['tools'], listChanged: true }
  return { ...greeting, capabilities: { ...capabilities, tools } }
}
