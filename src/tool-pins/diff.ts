import { isObject, type Json } from '../core/json.ts'

/** One place of a definition that differs. `null`: not there. Texts are an upstream's: to be escaped before they are shown. */
export interface Change {
  /** `description`, `inputSchema.properties.path.type`. */
  readonly path: string
  readonly before: string | null
  readonly after: string | null
}

/**
 * What a person must look at before accepting: each member that differs, by its path. Without a `before` all that there is.
 * Both are canonical JSON; a definition too long to be kept differs as a whole.
 */
export function definitionDiff(before: string | null, after: string | null): readonly Change[] {
  const old = before === null ? new Map<string, string>() : flatten(before)
  const fresh = after === null ? new Map([['(definition)', '(too long to be kept)']]) : flatten(after)
  const paths = [...new Set([...old.keys(), ...fresh.keys()])]
  return paths
    .map((path) => ({ path, before: old.get(path) ?? null, after: fresh.get(path) ?? null }))
    .filter(({ before: was, after: is }) => was !== is)
}

/** Leaves by their path: text as it is, everything else as JSON. */
function flatten(text: string): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>()
  const visit = (value: Json, path: string): void => {
    const members = Array.isArray(value) ? [...value.entries()] : isObject(value) ? Object.entries(value) : []
    if (members.length === 0) leaves.set(path, typeof value === 'string' ? value : JSON.stringify(value))
    for (const [key, member] of members)
      visit(member as Json, path === '' ? part(String(key)) : `${path}.${part(String(key))}`)
  }
  visit(JSON.parse(text) as Json, '')
  return leaves
}

/** A member whose name holds a dot must not read like a path of two. */
function part(key: string): string {
  return /^[\w$-]+$/.test(key) ? key : JSON.stringify(key)
}
