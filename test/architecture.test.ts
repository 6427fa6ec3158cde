import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/** The house (ARCHITECTURE.md): a file imports from its own folder or from a lower rank; folders of equal rank never see each other. */
const RANKS: Readonly<Record<string, number>> = {
  core: 0,
  ledger: 1,
  github: 1,
  'policy-set': 2,
  identity: 2,
  facts: 2,
  approvals: 2,
  credentials: 2,
  rooms: 2,
  'evidence-report': 2,
  'tool-pins': 2,
  search: 2,
  notifications: 2,
  observability: 2,
  anchors: 2,
  gateway: 3,
  'executors/mcp': 4,
  'executors/github': 4,
  'entrances/mcp': 4,
  'entrances/hook': 4,
  store: 4,
  config: 4,
  oversight: 4,
  admin: 5,
  'admin/dashboard': 6,
  'admin/graphql': 6,
  'admin/slack': 6,
  compose: 7,
  'server.ts': 8,
  cli: 9,
}

/** Each package has one home (or, for the server's framework, the few rooms that speak HTTP). */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  unbash: ['core/shell'],
  diff: ['core/changes.ts'],
  yaml: ['policy-set', 'config'],
  libsql: ['store'],
  'drizzle-orm': ['store'],
  pg: ['store'],
  hono: ['entrances/mcp', 'admin', 'server.ts'],
  '@hono/node-server': ['server.ts'],
  undici: ['executors/mcp'],
  '@octokit/auth-app': ['credentials'],
  jose: ['identity/oauth', 'identity/people', 'credentials'],
  pino: ['observability'],
  'prom-client': ['observability'],
  commander: ['cli'],
  '@modelcontextprotocol/sdk': ['cli/demo'],
  'graphql-yoga': ['admin/graphql'],
  graphql: ['admin/graphql'],
}

/**
 * Inside the ledger: what each room may see of the others. `verify` is what is shipped as `aegis-proxy/verify`: it and what it sees know
 * no store, no writer and no key that signs, so that a verdict rests on nothing but the text and the pinned keys. `audit` verifies what
 * is stored and knows the port to read it by.
 */
const LEDGER_ROOMS: Readonly<Record<string, readonly string[]>> = {
  format: [],
  merkle: [],
  notes: ['merkle'],
  verify: ['format', 'merkle', 'notes'],
  audit: ['format', 'merkle', 'notes', 'verify', 'store.ts', 'erasures.ts'],
  bundle: ['format', 'merkle', 'notes', 'store.ts', 'erasures.ts', 'session-manifest.ts'],
  signing: ['format', 'merkle', 'notes', 'store.ts'],
}
/** Where private keys are: nothing that verifies, or that verifying rests on, sees it. */
const SIGNER = 'ledger/notes/sign.ts'
const NEVER_SIGN = new Set(['format', 'merkle', 'notes', 'verify', 'audit'])

/** What may touch the world: nothing in ranks 0 and 1 but hashing. */
const PURE_BUILTINS = new Set(['node:crypto', 'node:buffer'])

const SRC = resolve(import.meta.dirname, '../src')

interface Import {
  readonly file: string
  readonly target: string
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name))
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(/^(?:import|export)\s+(?:[\w*{}\s,$]+?\s+from\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...found].map((match) => ({ file: relative(SRC, file), target: match[1] ?? match[2] ?? '' }))
}

/** The room of a file: the longest listed prefix of its path. */
function room(path: string): string {
  const parts = path.split('/')
  for (let length = Math.min(2, parts.length); length > 0; length--) {
    const name = parts.slice(0, length).join('/')
    if (name in RANKS) return name
    if (name.endsWith('.ts') && name.slice(0, -3) in RANKS) return name.slice(0, -3)
  }
  return path
}

/** The room of a file inside the ledger, or the file itself where it stands in none; empty outside. */
function ledgerRoom(path: string): string {
  const [first, second = ''] = path.split('/')
  return first === 'ledger' ? second : ''
}

function packageOf(target: string): string {
  const parts = target.split('/')
  return target.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? target)
}

const all = sources(SRC).flatMap(importsOf)
const local = all.filter(({ target }) => target.startsWith('.'))
const builtin = all.filter(({ target }) => target.startsWith('node:') || builtinModules.includes(target))
const packages = all.filter((one) => !local.includes(one) && !builtin.includes(one))

describe('the house', () => {
  it('has a rank for every room', () => {
    const homeless = sources(SRC)
      .map((file) => relative(SRC, file))
      .filter((file) => !(room(file) in RANKS))
    expect(homeless).toEqual([])
  })

  it('lets a file import only from its own room or from a lower rank', () => {
    const wrong = local.filter(({ file, target }) => {
      const from = room(file)
      const to = room(relative(SRC, resolve(SRC, dirname(file), target)))
      return from !== to && (RANKS[to] ?? Number.POSITIVE_INFINITY) >= (RANKS[from] ?? -1)
    })
    expect(wrong).toEqual([])
  })

  it('gives every package one home', () => {
    const homeless = packages.filter(
      ({ file, target }) => !(HOMES[packageOf(target)] ?? []).some((home) => file.startsWith(home)),
    )
    expect(homeless).toEqual([])
  })

  it('keeps ranks 0 and 1 free of the world', () => {
    const worldly = builtin.filter(({ file, target }) => (RANKS[room(file)] ?? 9) <= 1 && !PURE_BUILTINS.has(target))
    expect(worldly).toEqual([])
  })

  it('lets who verifies see nothing that writes, stores or signs', () => {
    const wrong = local.flatMap(({ file, target }) => {
      const seen = relative(SRC, resolve(SRC, dirname(file), target))
      const [from = '', to = ''] = [ledgerRoom(file), ledgerRoom(seen)]
      const hidden = from !== to && to !== '' && LEDGER_ROOMS[from]?.includes(to) === false
      return hidden || (seen === SIGNER && NEVER_SIGN.has(from)) ? [`${file} -> ${seen}`] : []
    })
    expect(wrong).toEqual([])
  })

  it('has one door to the ledger that nothing inside it uses', () => {
    const inside = local.filter(({ file, target }) => file.startsWith('ledger/') && target.endsWith('/ledger.ts'))
    expect(inside).toEqual([])
  })

  it('has no circles among files', () => {
    expect(circles(local)).toEqual([])
  })
})

/** Circles through imports that run at load time would be a knot; those through types are one as well for a reader. */
function circles(edges: readonly Import[]): string[][] {
  const next = new Map<string, string[]>()
  for (const { file, target } of edges) {
    const to = relative(SRC, resolve(SRC, dirname(file), target))
    next.set(file, [...(next.get(file) ?? []), to])
  }
  const found: string[][] = []
  const done = new Set<string>()
  function visit(file: string, path: string[]): void {
    if (path.includes(file)) {
      found.push([...path.slice(path.indexOf(file)), file])
      return
    }
    if (done.has(file)) return
    for (const to of next.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of next.keys()) visit(file, [])
  return found
}
