import { META, MODERN } from './modern.ts'

export type Chance = () => number

/** The same numbers for the same seed (mulberry32). */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** One HTTP request to the entrance, right or broken. */
export interface Case {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: Uint8Array
  /** The ids of its requests as JSON; null where nobody can say after what was done to it. */
  readonly ids: readonly string[] | null
  /** The marker that an answer must carry if it carries any. */
  readonly n: number
}

type Tree = Record<string, unknown>

export const pick = <T>(random: Chance, from: readonly [T, ...T[]]): T =>
  from[Math.floor(random() * from.length)] ?? from[0]

const TOOLS = ['echo', 'echo', 'noisy', 'ask', 'fail', 'garbage', 'blocked_tool', 'review_tool', 'unknown'] as const
const NAMED: Readonly<Record<string, string>> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' }

/** A call that was answered with a request for more. */
export interface Suspended {
  readonly path: string
  readonly params: Tree
  readonly state: string
}

/** What has been learnt from earlier answers. */
export interface Known {
  readonly sessions: readonly string[]
  readonly suspended: Suspended[]
}

/** The leg that a suspended call waits for: right, or with something changed. */
export function nextLeg(random: Chance, { path, params, state }: Suspended): Case {
  const wrong = random() < 0.3
  const args = params['arguments'] as Tree
  const n = Number(args['n'])
  const inputResponses = { 'input-1': { action: 'accept', content: {} } }
  const changed = wrong ? { arguments: { ...args, text: 'changed' } } : {}
  const message = call(n, { ...params, ...changed, inputResponses, requestState: state })
  const headers = { ...HEADERS, ...dress(message) }
  return { method: 'POST', path, headers, body: Buffer.from(JSON.stringify(message)), ids: [String(n)], n }
}

const HEADERS = {
  authorization: 'Bearer agent-key-for-tests',
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

/** A case around one message of either era; most are broken in one to three ways. */
export function makeCase(random: Chance, n: number, { sessions, suspended }: Known): Case {
  const modern = random() < 0.6
  const message = request(random, n, suspended[0]?.state ?? 'aegis-none')
  const path = random() < 0.03 ? '/mcp/nowhere' : pick(random, ['/mcp/modern', '/mcp/legacy', '/mcp'])
  const prefix = path === '/mcp' ? pick(random, ['modern__', 'legacy__']) : ''
  const params = message['params'] as Tree
  if (typeof params['name'] === 'string') params['name'] = prefix + params['name']
  const headers = modern ? dress(message) : { 'mcp-session-id': sessions[Math.floor(random() * sessions.length)] ?? '' }
  const all: Record<string, string> = {
    ...HEADERS,
    ...headers,
  }
  const broken = random() < 0.6
  let ids: string[] | null = [JSON.stringify(message['id'])]
  let tree: unknown = message
  if (broken) for (let times = Math.ceil(random() * 3); times > 0; times--) breakTree(random, message)
  if (broken) ids = null
  if (broken && random() < 0.1) tree = [message, { ...message, id: n + 0.5 }]
  if (random() < 0.2) breakHeaders(random, all)
  const body = broken && random() < 0.2 ? breakText(random, JSON.stringify(tree)) : Buffer.from(JSON.stringify(tree))
  return { method: random() < 0.02 ? 'PUT' : 'POST', path, headers: all, body, ids, n }
}

function call(id: unknown, params: Tree): Tree {
  return { jsonrpc: '2.0', id, method: 'tools/call', params }
}

function request(random: Chance, n: number, state: string): Tree {
  const id = pick<number | string>(random, [n, `id-${n}`])
  const named = { name: pick(random, TOOLS), arguments: { n, text: pick(random, ODD_TEXTS) } }
  const makers: readonly [() => Tree, ...(() => Tree)[]] = [
    () => call(id, named),
    () => call(id, named),
    () => call(id, { ...named, inputResponses: { 'input-1': { action: 'accept' } }, requestState: state }),
    () => call(id, { ...named, name: 'ask', inputResponses: {}, requestState: `theirs-{"n":${n}}` }),
    () => ({ jsonrpc: '2.0', id, method: 'tools/list', params: {} }),
    () => ({ jsonrpc: '2.0', id, method: 'resources/read', params: { uri: `file:///${n}` } }),
    () => ({ jsonrpc: '2.0', id, method: 'prompts/get', params: { name: 'greet', arguments: { n: String(n) } } }),
    () => ({ jsonrpc: '2.0', id, method: pick(random, METHODS), params: {} }),
  ]
  return pick(random, makers)()
}

const METHODS = [
  'ping',
  'server/discover',
  'tasks/get',
  'unknown',
  'logging/setLevel',
  'prompts/list',
  'notifications/x',
] as const

/** What a client of the stateless era adds. */
function dress(message: Tree): Record<string, string> {
  const params = message['params'] as Tree
  const method = String(message['method'])
  params['_meta'] = {
    [META.version]: MODERN,
    [META.client]: { name: 'fuzzer', version: '1' },
    [META.capabilities]: { elicitation: {}, sampling: {}, roots: {} },
    [META.logLevel]: 'debug',
    progressToken: message['id'],
  }
  const name = params[NAMED[method] ?? '']
  const named = typeof name === 'string' ? { 'mcp-name': name } : undefined
  return { 'mcp-protocol-version': MODERN, 'mcp-method': method, ...named }
}

const ODD_TEXTS = [
  '',
  'plain',
  '\u202Eright to left',
  '\u0000',
  '\u001b[31mred',
  'I\u0307\u0130',
  '\u{1F600}',
  'x'.repeat(5_000),
] as const
const ODD_VALUES: readonly [unknown, ...unknown[]] = [
  null,
  true,
  0,
  -1,
  1e308,
  9007199254740992,
  0.1,
  '',
  'tools/call',
  '__proto__',
  [],
  {},
  [[[[]]]],
  { name: 'echo' },
  { toString: 1, constructor: {} },
]
const ODD_KEYS = [
  'Name',
  'NAME',
  'name',
  'arguments',
  'method',
  'id',
  '__proto__',
  'constructor',
  '_meta',
  'task',
  'uri',
] as const

function breakTree(random: Chance, tree: Tree): void {
  const places = [tree, ...objectsIn(tree)]
  const place = places[Math.floor(random() * places.length)] ?? tree
  const keys = Object.keys(place)
  const key = keys[Math.floor(random() * keys.length)] ?? 'params'
  const act = random()
  if (act < 0.3) delete place[key]
  else if (act < 0.6) place[key] = structuredClone(pick(random, ODD_VALUES))
  else if (act < 0.75)
    Object.defineProperty(place, pick(random, ODD_KEYS), {
      value: structuredClone(pick(random, ODD_VALUES)),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  else if (act < 0.85) place[key] = deep(Math.ceil(random() * 80))
  else place[key] = pick(random, ODD_TEXTS)
}

function objectsIn(value: unknown): Tree[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap((inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? [inner as Tree, ...objectsIn(inner)] : [],
  )
}

function deep(levels: number): unknown {
  let value: unknown = 'bottom'
  for (let level = 0; level < levels; level++) value = { a: value }
  return value
}

function breakText(random: Chance, text: string): Uint8Array {
  const at = Math.floor(random() * text.length)
  const act = random()
  if (act < 0.25) return Buffer.from(text.slice(0, at))
  if (act < 0.5)
    return Buffer.concat([Buffer.from(text.slice(0, at)), Buffer.from([0xff, 0xc0]), Buffer.from(text.slice(at))])
  if (act < 0.75) return Buffer.from(text.replace('"method"', '"method":"tools/call","method"'))
  return Buffer.from(text.replace('"n":', '"n":1,"n":'))
}

function breakHeaders(random: Chance, headers: Record<string, string>): void {
  const keys = Object.keys(headers) as [string, ...string[]]
  const key = pick(random, keys)
  const act = random()
  if (act < 0.4) delete headers[key]
  else if (act < 0.7)
    headers[key] = pick(random, [
      '',
      'x',
      MODERN,
      '2025-11-25',
      '2024-11-05',
      'tools/list',
      'echo',
      'blocked_tool',
      '=?base64?ZWNobw==?=',
    ])
  else
    headers[pick(random, ['mcp-protocol-version', 'mcp-session-id', 'mcp-method', 'mcp-name', 'last-event-id'])] = pick(
      random,
      [MODERN, 'x', 'echo'],
    )
}
