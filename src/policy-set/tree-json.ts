import type { Json } from '../core/json.ts'
import type { Tree } from '../core/policy/index.ts'

/** The plain value of a piece of YAML. */
export function toJson(tree: Tree): Json {
  if (tree.kind === 'scalar') return tree.value
  if (tree.kind === 'list') return tree.items.map(toJson)
  const object: Record<string, Json> = Object.create(null)
  for (const { key, value } of tree.entries) object[key] = toJson(value)
  return object
}
