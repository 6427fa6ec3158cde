import { createHash } from 'node:crypto'

/** Longest tool name that model providers take. */
export const MAX_TOOL_NAME = 64
const SEPARATOR = '__'
const SHORTENED = /_[0-9a-f]{12}$/
const MAX_SHORTENED = 10_000

/** A tool of one upstream. */
export interface QualifiedTool {
  readonly upstream: string
  readonly tool: string
}

/** The names of tools where several upstreams share one list: `<upstream>__<tool>`. */
export interface Namespace {
  /** The name to show, or null where another tool already answers to it: what is listed is what would be called. */
  expose(tool: QualifiedTool): string | null
  /** The tool a shown name means. Null for a short name that was not shown yet: list, then ask again. */
  resolve(name: string): QualifiedTool | null
}

export function createNamespace(upstreams: () => readonly { readonly name: string }[]): Namespace {
  /** Names that had to be shortened. Bounded by the tools that upstreams list; the oldest goes first. */
  const shortened = new Map<string, QualifiedTool>()

  // The longest prefix wins, so that `a__b__c` means the tool `c` of `a__b` wherever that upstream exists.
  function byPrefix(name: string): QualifiedTool | null {
    let found: QualifiedTool | null = null
    for (const { name: upstream } of upstreams()) {
      const prefix = upstream + SEPARATOR
      if (name.length > prefix.length && name.startsWith(prefix) && upstream.length > (found?.upstream.length ?? 0)) {
        found = { upstream, tool: name.slice(prefix.length) }
      }
    }
    return found
  }

  // A name that looks shortened means what it was made from or nothing: never some tool that happens to match the prefix.
  const resolve = (name: string): QualifiedTool | null =>
    shortened.get(name) ?? (SHORTENED.test(name) ? null : byPrefix(name))

  return {
    resolve,
    expose(tool) {
      const plain = `${tool.upstream}${SEPARATOR}${tool.tool}`
      if (plain.length <= MAX_TOOL_NAME && same(resolve(plain), tool)) return plain
      const short = shortName(tool)
      const taken = shortened.get(short)
      if (taken !== undefined) return same(taken, tool) ? short : null
      remember(short, tool)
      return short
    },
  }

  function remember(short: string, tool: QualifiedTool): void {
    shortened.set(short, tool)
    if (shortened.size <= MAX_SHORTENED) return
    const oldest = shortened.keys().next()
    if (!oldest.done) shortened.delete(oldest.value)
  }
}

/** The same short name on every start: clients keep permissions by name. */
function shortName({ upstream, tool }: QualifiedTool): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([upstream, tool]))
    .digest('hex')
    .slice(0, 12)
  return `${upstream.slice(0, 24)}${SEPARATOR}${head(tool)}_${hash}`
}

/** Never half of a character, which no client could send back. */
function head(tool: string): string {
  return tool.slice(0, 24).replace(/\p{Surrogate}/u, '')
}

function same(left: QualifiedTool | null, right: QualifiedTool): boolean {
  return left !== null && left.upstream === right.upstream && left.tool === right.tool
}
