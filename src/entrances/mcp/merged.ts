import { AegisError, asAegisError } from '../../core/errors.ts'
import { isObject, type JsonObject, textMember } from '../../core/json.ts'
import type { Outcome } from '../../gateway/ports.ts'
import { createCursors } from './cursor.ts'
import { type Ask, type Endpoint, type McpOptions, message, type Peer } from './endpoint.ts'
import { createNamespace, type QualifiedTool } from './namespace.ts'
import { toolName } from './single.ts'
import { callRequest, callTool } from './tool-call.ts'

/** Tools or prompts on one page. Generous, for some clients never ask for a second one. */
const PAGE = 250
/** Milliseconds one upstream may take to list what it has before the others are shown without it. */
const LIST_TIMEOUT_MS = 10_000
/** Pages of one upstream's prompts followed at most: an upstream that never ends its list is cut off. */
const MAX_PAGES = 100

const INSTRUCTIONS =
  'Tools of several servers behind one policy, named <server>__<tool>. A refusal that begins with `policy:` means that ' +
  'policy blocks the call: follow the alternative it names. One that begins with `approval required:` means that a ' +
  'person must approve it: ask for that, then make the identical call again.'

type Named = { readonly name: string; readonly item: JsonObject }

/**
 * `/mcp`: the tools and prompts of all upstreams in one list. Resources are left to `/mcp/<upstream>`: their URIs carry
 * no upstream's name, and two upstreams may use the same one for different things.
 */
export function mergedEndpoint(options: McpOptions): Endpoint {
  const { gateway, upstreams, log, version } = options
  const namespace = createNamespace(() => upstreams.list())
  const cursors = createCursors(options.random.bytes(32))

  /** Asks every upstream at once. One that fails is left out: a dead upstream must not take the others with it. */
  async function gather(
    list: string,
    signal: AbortSignal,
    ask: (upstream: string, signal: AbortSignal) => Promise<Named[]>,
  ) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)])
    const found = await Promise.all(
      upstreams.list().map(async ({ name }) => {
        try {
          return await ask(name, limited)
        } catch (error) {
          signal.throwIfAborted()
          log.warn({ upstream: name, error: asAegisError(error).message }, `upstream left out of merged ${list}`)
          return []
        }
      }),
    )
    return unique(found.flat())
  }

  async function toolsOf(upstream: string, peer: Peer, signal: AbortSignal): Promise<Named[]> {
    peer.session?.touched.add(upstream)
    const { tools } = await gateway.tools(upstream, peer.caller, peer.channel, signal)
    return tools.flatMap(({ tool }) =>
      rename(namespace.expose({ upstream, tool: textMember(tool, 'name') ?? '' }), tool),
    )
  }

  async function promptsOf(upstream: string, peer: Peer, signal: AbortSignal): Promise<Named[]> {
    peer.session?.touched.add(upstream)
    if (!(await offers(upstream, 'prompts', peer, signal))) return []
    const prompts = await allPrompts(upstream, peer, signal)
    return prompts.flatMap((prompt) =>
      rename(namespace.expose({ upstream, tool: textMember(prompt, 'name') ?? '' }), prompt),
    )
  }

  async function offers(upstream: string, capability: string, peer: Peer, signal: AbortSignal): Promise<boolean> {
    const { capabilities } = await upstreams.initialize(upstream, peer.channel, signal)
    return isObject(capabilities) && capabilities[capability] !== undefined
  }

  async function allPrompts(upstream: string, peer: Peer, signal: AbortSignal): Promise<JsonObject[]> {
    const prompts: JsonObject[] = []
    let params: JsonObject = {}
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const outcome = await quietly(upstream, message('prompts/list', params), peer, signal)
      if (outcome.kind === 'error') throw new AegisError('upstream_unreachable', outcome.error.message)
      const { prompts: listed, nextCursor } = outcome.result
      if (Array.isArray(listed)) prompts.push(...listed.filter(isObject))
      if (typeof nextCursor !== 'string') break
      params = { cursor: nextCursor }
    }
    return prompts
  }

  const quietly = (upstream: string, ask: ReturnType<typeof message>, peer: Peer, signal: AbortSignal) =>
    gateway.relay(upstream, ask, peer.channel, { signal, onNotification: ignore })

  function page(list: 'tools' | 'prompts', ask: Ask, all: readonly Named[]): Outcome {
    const cursor = ask.params?.['cursor']
    const after = cursor === undefined ? '' : cursors.open(list, cursor)
    const rest = all.filter(({ name }) => name > after)
    const shown = rest.slice(0, PAGE)
    const last = shown.at(-1)
    const more = rest.length > PAGE && last !== undefined ? { nextCursor: cursors.seal(list, last.name) } : {}
    return { kind: 'result', result: { [list]: shown.map(({ item }) => item), ...more } }
  }

  /** Which tool or prompt a shown name means. A short name from before a restart is found by listing again. */
  async function route(name: string, relist: () => Promise<unknown>): Promise<QualifiedTool> {
    const known = namespace.resolve(name)
    if (known !== null) return known
    await relist()
    const found = namespace.resolve(name)
    if (found !== null) return found
    throw new AegisError('no_upstream', `no upstream has \`${name.slice(0, 128)}\``, {
      advice: 'names are <upstream>__<tool>: see tools/list',
    })
  }

  const listTools = (ask: Ask, peer: Peer) =>
    gather('tools', ask.signal, (upstream, signal) => toolsOf(upstream, peer, signal))
  const listPrompts = (ask: Ask, peer: Peer) =>
    gather('prompts', ask.signal, (upstream, signal) => promptsOf(upstream, peer, signal))

  async function getPrompt(ask: Ask, peer: Peer): Promise<Outcome> {
    const { upstream, tool } = await route(toolName(ask.params), () => listPrompts(ask, peer))
    peer.session?.touched.add(upstream)
    const params = { ...ask.params, name: tool }
    return callRequest(options, { upstream, method: 'prompts/get' }, { ...ask, params }, peer)
  }

  /** Told to every upstream that logs. One that cannot be told now stays at its own level. */
  async function setLevel(ask: Ask, peer: Peer): Promise<Outcome> {
    await gather('logging', ask.signal, async (upstream, signal) => {
      peer.session?.touched.add(upstream)
      if (await offers(upstream, 'logging', peer, signal)) {
        await quietly(upstream, message(ask.method, ask.params), peer, signal)
      }
      return []
    })
    return { kind: 'result', result: {} }
  }

  return {
    async initialize() {
      return {
        capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, logging: {} },
        serverInfo: { name: 'aegis', title: 'Aegis', version },
        instructions: INSTRUCTIONS,
      }
    },

    async answer(ask, peer) {
      switch (ask.method) {
        case 'tools/call': {
          const found = await route(toolName(ask.params), () => listTools(ask, peer))
          peer.session?.touched.add(found.upstream)
          return callTool(options, found, ask, peer)
        }
        case 'tools/list':
          return page('tools', ask, await listTools(ask, peer))
        case 'prompts/list':
          return page('prompts', ask, await listPrompts(ask, peer))
        case 'prompts/get':
          return getPrompt(ask, peer)
        case 'logging/setLevel':
          return setLevel(ask, peer)
        default:
          throw new AegisError('method_not_found', `\`${ask.method}\` is not offered here`, {
            advice:
              'the merged endpoint has tools and prompts; use /mcp/<upstream> for everything else of one upstream',
          })
      }
    },

    async notified(notification, session) {
      const told = [...session.touched].map((upstream) =>
        upstreams.notify(upstream, message(notification.method, notification.params), session.channel),
      )
      await Promise.allSettled(told)
    },
  }
}

const ignore = (): void => undefined

function rename(name: string | null, item: JsonObject): Named[] {
  return name === null ? [] : [{ name, item: { ...item, name } }]
}

/** Sorted by name, each name once. */
function unique(all: readonly Named[]): Named[] {
  const byName = new Map(all.map((named) => [named.name, named]))
  return [...byName.values()].sort((left, right) => (left.name < right.name ? -1 : 1))
}
