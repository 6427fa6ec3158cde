import type { Approval } from '../../src/core/approval.ts'
import { type Allow, type Block, DEFAULT_TERMS, type Review } from '../../src/core/decision.ts'
import type { ActionEnvelope } from '../../src/core/envelope.ts'
import { AegisError } from '../../src/core/errors.ts'
import { type EnvelopeId, type Principal, type Sha256, sessionId, uuidv7 } from '../../src/core/ids.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { ClientChannel, IncomingCall, Outcome, UpstreamInfo, Upstreams } from '../../src/gateway/ports.ts'
import type { Gateway, Reply } from '../../src/gateway/reply.ts'
import type { LedgerEntry } from '../../src/ledger/draft.ts'
import { systemRandom } from './world.ts'

/** What a tool of the list does. */
export type Tool = (call: IncomingCall, signal: AbortSignal) => Promise<JsonObject> | JsonObject

export interface ListedUpstream {
  readonly onReview?: 'refuse' | 'hold'
  /** `initialize` and every list fail, as with an upstream that is down. */
  readonly dead?: boolean
  readonly capabilities?: JsonObject
  readonly tools: Readonly<Record<string, Tool>>
  readonly prompts?: readonly string[]
  /** Any other method. */
  readonly answer?: (
    method: string,
    params: JsonObject | undefined,
    channel: ClientChannel,
  ) => Promise<Outcome> | Outcome
}

/**
 * The two ports of an entrance over a list of functions: for tests of the protocol alone, where every verdict must be
 * had at will. A tool named `blocked_*` is blocked, one named `review_*` waits until `approve` is called.
 */
export function listGateway(list: Readonly<Record<string, ListedUpstream>>) {
  const calls: IncomingCall[] = []
  const released: string[] = []
  const notified: { upstream: string; method: string }[] = []
  const channels = new Map<string, ClientChannel>()
  const approved = new Set<string>()
  const waiting = new Map<EnvelopeId, () => void>()
  const pending = new Map<string, EnvelopeId>()

  function upstreamOf(name: string): ListedUpstream {
    const upstream = list[name]
    if (upstream === undefined) throw new AegisError('no_upstream', `no upstream \`${name}\``)
    if (upstream.dead === true) throw new AegisError('upstream_unreachable', `upstream \`${name}\` is down`)
    return upstream
  }

  async function request(
    name: string,
    message: { method: string; params?: JsonObject },
    channel: ClientChannel,
  ): Promise<Outcome> {
    const upstream = upstreamOf(name)
    channels.set(channel.key, channel)
    if (message.method === 'prompts/list') {
      return { kind: 'result', result: { prompts: (upstream.prompts ?? []).map((prompt) => ({ name: prompt })) } }
    }
    const answer = await upstream.answer?.(message.method, message.params, channel)
    return answer ?? { kind: 'error', error: { code: -32601, message: `Method not found: ${message.method}` } }
  }

  const infos = Object.entries(list).map(
    ([name, { onReview }]): UpstreamInfo => ({
      name,
      catalog: 'none',
      credential: null,
      onReview: onReview ?? 'refuse',
    }),
  )
  const upstreams: Upstreams = {
    list: () => infos,
    get: (name) => infos.find((info) => info.name === name) ?? null,
    async initialize(name, channel) {
      channels.set(channel.key, channel)
      const { capabilities, prompts } = upstreamOf(name)
      const offered = capabilities ?? { tools: {}, ...(prompts === undefined ? {} : { prompts: {} }) }
      return { protocolVersion: '2024-11-05', capabilities: offered, serverInfo: { name, version: '1' } }
    },
    request,
    async notify(upstream, message) {
      notified.push({ upstream, method: message.method })
    },
    async release(key) {
      released.push(key)
      channels.delete(key)
    },
    async close() {},
    execute: () => Promise.reject(new AegisError('internal', 'the list is called through its gateway')),
  }

  const gateway: Gateway = {
    async handle(call, signal) {
      calls.push(call)
      if (call.what.kind === 'request') return requested(call, call.what)
      if (call.what.kind !== 'tool') throw new AegisError('invalid_params', 'not a tool')
      const { upstream, tool } = call.what
      const run = upstreamOf(upstream).tools[tool]
      if (run === undefined) throw new AegisError('invalid_params', `no tool \`${tool}\``)
      const envelope = envelopeOf(call, upstream, tool)
      const same = JSON.stringify(call.what)
      if (tool.startsWith('blocked_')) return refused(envelope)
      if (tool.startsWith('review_') && !approved.delete(same)) return parked(envelope, same)
      const result = await run(call, signal)
      return {
        kind: 'done',
        envelope,
        decision: allow,
        entry: entryOf(envelope),
        outcome: { kind: 'result', result },
        grant: null,
      }
    },
    preview: () => Promise.reject(new AegisError('internal', 'the list does not preview')),
    async tools(upstream, _caller, channel) {
      channels.set(channel.key, channel)
      const tools = Object.keys(upstreamOf(upstream).tools).map((name) => ({
        upstream,
        tool: { name, inputSchema: { type: 'object' } },
      }))
      return { tools, rest: {} }
    },
    greeting: (upstream, channel, signal) => upstreams.initialize(upstream, channel, signal),
    question: async () => null,
    relay: (upstream, message, channel) => request(upstream, message, channel),
  }

  /** A URI or a prompt named `blocked...` is blocked. */
  async function requested(
    call: IncomingCall,
    what: Extract<IncomingCall['what'], { kind: 'request' }>,
  ): Promise<Reply> {
    const { upstream, method, parameters } = what
    const envelope = envelopeOf(call, upstream, method.replace('/', '.'))
    if (String(parameters['uri'] ?? parameters['name']).startsWith('blocked')) return refused(envelope)
    const channel = call.channel ?? channels.values().next().value
    if (channel === undefined) throw new AegisError('internal', 'nobody asks')
    const outcome = await request(upstream, { method, params: parameters }, channel)
    return { kind: 'done', envelope, decision: allow, entry: entryOf(envelope), outcome, grant: null }
  }

  function parked(envelope: ActionEnvelope, same: string): Reply {
    const id = pending.get(same) ?? envelope.id
    pending.set(same, id)
    const decision: Review = { ...allow, verdict: 'review', terms: DEFAULT_TERMS, pending: null }
    return { kind: 'parked', envelope, decision, entry: entryOf(envelope), approval: approvalOf(envelope, id) }
  }

  return {
    gateway,
    upstreams,
    calls,
    released,
    notified,
    channels,
    settled: (id: EnvelopeId, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        waiting.set(id, resolve)
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      }),
    /** Settles everything that waits. */
    approve() {
      for (const [same, id] of pending) {
        approved.add(same)
        waiting.get(id)?.()
      }
      pending.clear()
    },
    held: () => waiting.size,
  }
}

const NO_HASH = '0'.repeat(64) as Sha256

const allow: Allow = {
  verdict: 'allow',
  rule: { policy: 'list', index: 0, label: 'mcp:*' },
  policySha256: NO_HASH,
  findings: [],
  reason: '',
  blastRadius: { level: 'low', score: 0, reasons: [] },
  obligations: [],
}

function refused(envelope: ActionEnvelope): Reply {
  const decision: Block = {
    ...allow,
    verdict: 'block',
    rule: { policy: 'pr-writer', index: 1, label: 'mcp:*.blocked_*' },
    reason: 'not on this list',
    suggestion: 'call echo',
  }
  return { kind: 'refused', envelope, decision, entry: entryOf(envelope) }
}

function envelopeOf(call: IncomingCall, upstream: string, tool: string): ActionEnvelope {
  const parameters = call.what.kind === 'tool' ? call.what.parameters : {}
  const resource = {
    target: tool,
    operands: [],
    repository: null,
    branch: { kind: 'none' },
    base: null,
    paths: [],
    pull: null,
  } as const
  const act = { protocol: 'mcp', tool: `${upstream}.${tool}`, capability: 'write', resource, doubt: null } as const
  const { id, owner, role } = call.caller
  return {
    id: uuidv7(Date.now(), systemRandom),
    receivedAt: Date.now(),
    surface: 'mcp',
    subject: {
      principal: id,
      owner,
      role,
      agent: call.agent ?? '',
      session: sessionId(id, call.sessionLabel ?? 'none'),
    },
    action: { ...act, parameters, route: { upstream, tool }, acts: [act] },
    resource,
    task: null,
    justification: null,
    approvalRef: null,
  }
}

function entryOf(envelope: ActionEnvelope): LedgerEntry {
  const session = envelope.subject.session
  return {
    n: 1,
    session,
    seq: 1,
    kind: 'allow',
    env: envelope.id,
    eid: 'e',
    ts: '2026-04-06T14:22:00.000Z',
    hash: NO_HASH,
  }
}

function approvalOf(envelope: ActionEnvelope, id: EnvelopeId): Approval {
  return {
    id,
    status: 'pending',
    digest: NO_HASH,
    principal: envelope.subject.principal as Principal,
    owner: '',
    session: envelope.subject.session,
    agent: '',
    protocol: 'mcp',
    tool: envelope.action.tool,
    capability: 'write',
    target: '',
    upstream: null,
    remoteTool: null,
    parameters: null,
    salts: {},
    blast: 'low',
    findings: [],
    matchedRule: 'mcp:*',
    policy: 'list',
    policySha256: NO_HASH,
    terms: DEFAULT_TERMS,
    justification: null,
    queuedAt: 1_775_485_458_000,
    expiresAt: 1_775_487_258_000,
    votes: [],
    resolution: null,
  }
}
