import {
  CONTEXT_FACTS,
  type Fact,
  type FactKey,
  type Facts,
  type FactValues,
  ROOM_MODES,
  ROOM_ROLES,
} from '../core/facts.ts'
import { isObject, type Json } from '../core/json.ts'
import type { Position, Tree, TreeEntry } from '../core/policy/index.ts'
import { hint } from '../core/spelling.ts'
import { toJson } from './tree-json.ts'

export type Note = (at: Position, message: string) => void

type ContextFact = (typeof CONTEXT_FACTS)[number]

const REPOSITORY = { owner: 'aegisflow', name: 'aegisflow' }
const SHA = '0123456789abcdef0123456789abcdef01234567'

/** An ordinary world: a case says only what is different in its own. */
const ORDINARY: { readonly [K in ContextFact]: NonNullable<FactValues[K]> } = {
  repository: { id: 1, repository: REPOSITORY, defaultBranch: 'main', private: true, archived: false },
  branch: { name: 'main', isDefault: true, sha: SHA, protected: false, requiredChecks: [] },
  pull: {
    number: 1,
    url: 'https://github.com/aegisflow/aegisflow/pull/1',
    state: 'open',
    draft: false,
    title: 'change',
    author: 'aegis[bot]',
    base: 'main',
    headRef: 'change',
    headSha: SHA,
    headRepository: REPOSITORY,
  },
  checks: { sha: SHA, state: 'green', failing: [], pending: [] },
  reviews: { sha: SHA, approvedBy: [], changesRequestedBy: [] },
  changes: { files: [], complete: true },
  taint: { untrusted: [], private: [] },
  rewriting: { possible: true },
  room: {
    id: 'room',
    repository: REPOSITORY,
    role: 'DEVELOPER',
    confined: false,
    tools: {},
    permission: null,
    mode: 'enforce',
  },
}

/** Members that hold one of some words. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'pull.state': ['open', 'closed', 'merged'],
  'checks.state': ['green', 'pending', 'red', 'none'],
  'room.role': ROOM_ROLES,
  'room.mode': ROOM_MODES,
}

/** One file of the fact `changes`, where a case says only its path. */
const ORDINARY_FILE = { previousPath: null, status: 'modified', additions: 1, deletions: 0, added: '' }

/** The facts of a case: `checks: { state: red }`, or `checks: unknown`. */
export function readCaseFacts(entry: TreeEntry | undefined, note: Note): Facts {
  if (entry === undefined) return {}
  if (entry.value.kind !== 'mapping') {
    note(entry.value.at, '`facts` is a mapping of facts by name, such as { checks: { state: red } }')
    return {}
  }
  const found: [FactKey, Fact<FactValues[FactKey]>][] = []
  for (const { key, keyAt, value } of entry.value.entries) {
    const name = CONTEXT_FACTS.find((one) => one === key)
    if (name === undefined) note(keyAt, `unknown fact \`${key}\`${hint(key, CONTEXT_FACTS)}`)
    else found.push([name, readFact(name, value, note)])
  }
  return Object.fromEntries(found)
}

function readFact(name: ContextFact, tree: Tree, note: Note): Fact<FactValues[FactKey]> {
  if (tree.kind === 'scalar' && tree.value === 'unknown') return { known: false, reason: 'the case says so' }
  if (tree.kind === 'scalar' && tree.value === null && name === 'room') return { known: true, value: null }
  if (tree.kind !== 'mapping') {
    note(tree.at, `\`${name}\` is a mapping of what differs from the ordinary, or \`unknown\``)
    return { known: false, reason: 'not readable' }
  }
  const ordinary: Readonly<Record<string, unknown>> = {
    ...ORDINARY[name],
    ...(name === 'rewriting' ? { reason: '' } : {}),
  }
  const changed: Record<string, Json> = {}
  for (const { key, keyAt, value } of tree.entries) {
    const member = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const given = factMember(name, member, toJson(value))
    if (!Object.hasOwn(ordinary, member))
      note(keyAt, `\`${name}\` has no \`${key}\`${hint(key, Object.keys(ordinary).map(snake))}`)
    else if (typeof given === 'string' && WORDS[`${name}.${member}`]?.includes(given) === false)
      note(value.at, `\`${name}.${key}\` is not \`${given}\`${hint(given, WORDS[`${name}.${member}`] ?? [])}`)
    else if (kindOf(given) === kindOf(ordinary[member]) || given === null) changed[member] = given
    else note(value.at, `\`${name}.${key}\` is ${kindOf(ordinary[member])}, not ${kindOf(given)}`)
  }
  return { known: true, value: Object.assign({}, ORDINARY[name], changed) }
}

function factMember(name: ContextFact, member: string, given: Json): Json {
  if (name !== 'changes' || member !== 'files' || !Array.isArray(given)) return given
  return given.map((file: Json) => {
    if (isObject(file)) return { ...ORDINARY_FILE, ...file }
    return { ...ORDINARY_FILE, path: typeof file === 'string' ? file : '' }
  })
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
