import { AegisError } from '../../core/errors.ts'
import { isObject, type JsonObject, textMember } from '../../core/json.ts'
import type { Outcome } from '../../gateway/ports.ts'
import type { Ask, Endpoint, McpOptions, Peer } from './endpoint.ts'
import { message } from './endpoint.ts'
import { demandRelayable } from './relayed.ts'
import { callRequest, callTool, isJudged } from './tool-call.ts'
import { changesHere, tellingChanges } from './tool-changes.ts'

/** Characters; the specification recommends 128. The name stands in every log line of a call. */
const MAX_TOOL_NAME = 512

/** Catalogs whose servers complete owners, repositories, branches and paths: for a room's key, those of its room only would do. */
const OF_REPOSITORIES: ReadonlySet<string | undefined> = new Set(['github', 'git'])

/** `/mcp/<upstream>`: one upstream as it is, but for what policy takes away. */
export function singleEndpoint(options: McpOptions, upstream: string): Endpoint {
  const { gateway, upstreams } = options

  async function listTools(ask: Ask, peer: Peer): Promise<Outcome> {
    // All pages were followed already, so that none of our lists ever ends in a cursor.
    if (ask.params?.['cursor'] !== undefined) {
      throw new AegisError('invalid_params', 'unknown cursor', { path: 'params.cursor', advice: 'list from the start' })
    }
    const { tools, rest } = await gateway.tools(upstream, peer.caller, peer.channel, ask.signal)
    return { kind: 'result', result: { ...rest, tools: tools.map(({ tool }) => tool) } }
  }

  /** @throws AegisError `forbidden`: what is completed is read from other repositories too, and judged by nobody */
  function demandUnconfined(): void {
    if (!OF_REPOSITORIES.has(upstreams.get(upstream)?.catalog)) return
    throw new AegisError('forbidden', 'a key of a room completes no names of repositories, branches or paths')
  }

  return {
    async initialize(channel, signal) {
      const greeting = withoutTasks(await gateway.greeting(upstream, channel, signal))
      return changesHere(options, upstream) ? tellingChanges(greeting) : greeting
    },

    async answer(ask, peer) {
      if (ask.method === 'tools/call') {
        return callTool(options, { upstream, tool: toolName(ask.params) }, ask, peer)
      }
      if (ask.method === 'tools/list') return listTools(ask, peer)
      if (isJudged(ask.method)) return callRequest(options, { upstream, method: ask.method }, ask, peer)
      demandRelayable(ask.method, peer.channel.client.protocolVersion)
      if (ask.method === 'completion/complete' && peer.caller.room !== null) demandUnconfined()
      return gateway.relay(upstream, message(ask.method, ask.params), peer.channel, {
        signal: ask.signal,
        onNotification: peer.tell,
        ...(peer.mark === undefined ? {} : { mark: peer.mark }),
      })
    },

    notified: (notification, session) =>
      upstreams.notify(upstream, message(notification.method, notification.params), session.channel),
  }
}

/** @throws AegisError `invalid_params` */
export function toolName(params: JsonObject | undefined): string {
  const name = params === undefined ? undefined : textMember(params, 'name')
  if (name !== undefined && name !== '' && name.length <= MAX_TOOL_NAME) return name
  throw new AegisError('invalid_params', `\`name\` must be the name of a tool, 1 to ${MAX_TOOL_NAME} characters`, {
    path: 'params.name',
    advice: 'see tools/list',
  })
}

/** We refuse calls as tasks, so the client is not told of them. */
function withoutTasks(result: JsonObject): JsonObject {
  const { capabilities } = result
  if (!isObject(capabilities) || capabilities['tasks'] === undefined) return result
  const { tasks: _tasks, ...rest } = capabilities
  return { ...result, capabilities: rest }
}
