import type { Approvals } from '../approvals/approvals.ts'
import type { Approval } from '../core/approval.ts'
import { presentName } from '../core/catalog/github-aliases.ts'
import { canonicalToolName, describeAction, describeRequest, describeUpstreamCall } from '../core/catalog/index.ts'
import { type ActionEnvelope, JUDGED_REQUESTS, type Route, type Surface } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import { uuidv7 } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Clock, Random } from '../core/runtime.ts'
import { isReservedName, type ToolPins } from '../tool-pins/index.ts'
import type { IncomingCall, Upstreams } from './ports.ts'
import type { Sessions } from './sessions.ts'

/** Agent names are claims that end up in the ledger: bounded, printable. */
const AGENT_NAME_LIMIT = 64

type Claim = Extract<IncomingCall['what'], { kind: 'action' }>
type ToolCall = Extract<IncomingCall['what'], { kind: 'tool' }>
type RequestCall = Extract<IncomingCall['what'], { kind: 'request' }>

export interface Normalizer {
  /** One parse of the call into what will be judged, and, if allowed, run. */
  normalize(call: IncomingCall): Promise<ActionEnvelope>
}

export function createNormalizer(parts: {
  readonly upstreams: Upstreams
  readonly approvals: Approvals
  readonly pins: ToolPins
  readonly sessions: Sessions
  readonly clock: Clock
  readonly random: Random
}): Normalizer {
  const { upstreams, approvals, pins, sessions, clock, random } = parts

  function describeTool(what: ToolCall) {
    const upstream = upstreams.get(what.upstream)
    if (upstream === null) throw noUpstream(what.upstream, upstreams)
    const described = describeUpstreamCall({ ...what, catalog: upstream.catalog })
    return { described, route: { upstream: upstream.name, tool: what.tool } }
  }

  function describeOther(what: RequestCall) {
    const upstream = upstreams.get(what.upstream)
    if (upstream === null) throw noUpstream(what.upstream, upstreams)
    const described = describeRequest({ ...what, catalog: upstream.catalog })
    const route: Route = { upstream: upstream.name, tool: what.method, request: what.method }
    return { described, route }
  }

  function describeClaim(what: Claim, parameters: JsonObject, surface: Surface) {
    const described = describeAction({ ...what, parameters })
    const route = routeOf(described.tool, upstreams)
    // No catalog checks what is claimed of such a tool: where it would run, it is judged as the same call over MCP.
    const unchecked = route !== null && surface !== 'hook' && upstreams.get(route.upstream)?.catalog === 'none'
    if (!unchecked) return { described, route }
    if (what.protocol !== 'mcp') {
      throw new AegisError('invalid_params', `${described.tool} is of protocol mcp, not ${what.protocol}`, {
        path: 'protocol',
        advice: 'send protocol `mcp`',
      })
    }
    return describeTool({ kind: 'tool', ...route, parameters })
  }

  /** The route with the definition of its tool that is in force, where that has changed. */
  function pinned(route: Route | null): Route | null {
    if (route === null || route.request !== undefined) return route
    if (isReservedName(route.tool)) throw reserved(route.tool)
    const pin = pins.revision(route.upstream, presentName(route.tool).tool)
    return pin === null ? route : { ...route, pin }
  }

  /** `approval_ref` without parameters runs what was approved, as it was approved. */
  function describeApproved(what: Claim, approval: Approval, surface: Surface) {
    if (approval.parameters === null) {
      throw new AegisError('conflict', `approval ${approval.id} is already ${approval.status}`, {
        path: 'approval_ref',
      })
    }
    if (approval.upstream !== null && approval.remoteTool !== null) {
      const { upstream, remoteTool: tool, parameters } = approval
      const method = JUDGED_REQUESTS.find((name) => name === tool)
      const approved =
        method === undefined
          ? describeTool({ kind: 'tool', upstream, tool, parameters })
          : describeOther({ kind: 'request', upstream, method, parameters })
      if (describedName(what.tool) !== approved.described.tool) {
        throw new AegisError('conflict', `approval ${approval.id} is for ${approved.described.tool}`, { path: 'tool' })
      }
      return approved
    }
    return describeClaim(what, approval.parameters, surface)
  }

  async function describe(call: IncomingCall) {
    const { what, surface } = call
    if (what.kind === 'tool') return describeTool(what)
    if (what.kind === 'request') return describeOther(what)
    if (what.parameters !== null || call.approvalRef === null)
      return describeClaim(what, what.parameters ?? {}, surface)
    return describeApproved(what, await approvals.own(call.approvalRef, call.caller.id), surface)
  }

  return {
    async normalize(call) {
      const { described, route } = await describe(call)
      const { caller, surface, task, justification } = call
      const envelope: ActionEnvelope = {
        id: uuidv7(clock.now(), random),
        receivedAt: clock.now(),
        surface,
        subject: {
          principal: caller.id,
          owner: caller.owner,
          role: caller.role,
          agent: agentName(call.agent) ?? caller.name,
          session: sessions.of(caller.id, call.sessionLabel),
        },
        action: {
          protocol: described.protocol,
          tool: described.tool,
          capability: described.capability,
          parameters: described.parameters,
          route: surface === 'hook' ? null : pinned(route),
          acts: described.acts,
        },
        resource: described.resource,
        task,
        justification,
        approvalRef: null,
      }
      if (call.approvalRef === null) return envelope
      const approval = await approvals.own(call.approvalRef, caller.id)
      return { ...envelope, approvalRef: approval.id }
    },
  }
}

/** A tool by its present name, whatever method an old name stands for. */
function describedName(tool: string): string {
  return canonicalToolName(tool).replace(/:.*/, '')
}

/** Its canonical name would be that of a request, with the rules made for that. */
function reserved(tool: string): AegisError {
  return new AegisError('invalid_params', `\`${tool}\` is a request of the protocol, not a tool`, {
    path: 'name',
    advice: 'send it as the request it names',
  })
}

function noUpstream(name: string, upstreams: Upstreams): AegisError {
  const known = upstreams.list().map((upstream) => upstream.name)
  return new AegisError('no_upstream', `no upstream \`${name}\``, {
    advice: known.length > 0 ? `configured are: ${known.join(', ')}` : 'add it under upstreams in aegis.yaml',
  })
}

/** The upstream that would run a canonical tool: the first whose catalog (or, without one, whose name) is its prefix. */
function routeOf(tool: string, upstreams: Upstreams): Route | null {
  const dot = tool.indexOf('.')
  const prefix = tool.slice(0, dot)
  const owner = upstreams.list().find(({ catalog, name }) => (catalog === 'none' ? name : catalog) === prefix)
  // What a SQL statement is called is read from the statement: it is no tool of the server's.
  return owner === undefined || owner.catalog === 'sql' ? null : { upstream: owner.name, tool: tool.slice(dot + 1) }
}

/** The client's claim of its name as it may stand in the ledger; null where nothing of it may. */
export function agentName(claimed: string | null): string | null {
  const printable = claimed
    ?.replace(/[^\x21-\x7e ]/g, '')
    .trim()
    .slice(0, AGENT_NAME_LIMIT)
  return printable === undefined || printable === '' ? null : printable
}
