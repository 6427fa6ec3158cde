import { type Protocol, SURFACES } from '../envelope.ts'
import { hint } from '../spelling.ts'
import type { Door } from './document.ts'
import { literalHead, writtenOut } from './glob-syntax.ts'
import type { PlacedText, Reader } from './reader.ts'

/** Prefixes of canonical tools that exist in every installation, with the protocol the catalog gives their tools. */
const BUILT_IN = {
  shell: 'shell',
  sql: 'sql',
  http: 'http',
  file: 'file',
  filesystem: 'file',
  github: 'git',
  git: 'git',
} as const satisfies Record<string, Protocol>

type BuiltIn = keyof typeof BUILT_IN
const BUILT_IN_NAMES: readonly string[] = Object.keys(BUILT_IN)

/**
 * Notes globs that no tool can ever match: a prefix nobody provides, or a protocol that its tools never have.
 * @param prefixes names of upstreams without a catalog; null where they are not known.
 */
export function checkTools(
  reader: Reader,
  tools: readonly PlacedText[],
  protocol: readonly Door[] | null,
  prefixes: readonly string[] | null,
): void {
  for (const { text, at } of tools) {
    for (const alternative of writtenOut(text)) {
      const message = deadPrefix(alternative, prefixes) ?? deadProtocol(alternative, protocol)
      if (message === null) continue
      reader.problem(at, message)
      break
    }
  }
}

function deadPrefix(glob: string, prefixes: readonly string[] | null): string | null {
  const head = literalHead(glob)
  const possible = [...BUILT_IN_NAMES, ...(prefixes ?? [])].some(
    (name) => `${name}.`.startsWith(head) || head.startsWith(`${name}.`),
  )
  if (possible) return null
  // Without the list of upstreams any prefix may be the name of one.
  if (prefixes === null) return null
  const dot = head.indexOf('.')
  const known = [...BUILT_IN_NAMES, ...prefixes]
  if (dot === -1)
    return `no tool begins with \`${head}\`; a tool is \`<prefix>.<name>\`, with a prefix of ${known.join(', ')}`
  const prefix = head.slice(0, dot)
  return `nothing provides tools named \`${prefix}.*\`, so this rule can never match${hint(prefix, known)}`
}

function deadProtocol(glob: string, protocol: readonly Door[] | null): string | null {
  if (protocol === null || protocol.some((door) => isSurface(door))) return null
  const head = literalHead(glob)
  const name = BUILT_IN_NAMES.find((one) => head.startsWith(`${one}.`))
  if (name === undefined || !isBuiltIn(name)) return null
  const actual = BUILT_IN[name]
  if (protocol.includes(actual)) return null
  return `\`${name}.*\` tools have protocol \`${actual}\`, so this rule for \`${protocol.join(', ')}\` can never match`
}

function isBuiltIn(name: string): name is BuiltIn {
  return Object.hasOwn(BUILT_IN, name)
}

function isSurface(door: Door): boolean {
  return SURFACES.some((surface) => surface === door)
}
