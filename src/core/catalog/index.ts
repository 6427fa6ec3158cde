import { NO_RESOURCE } from '../acts.ts'
import { type Capability, PROTOCOLS, type Protocol } from '../envelope.ts'
import { AegisError } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import { excerpt } from '../paths.ts'
import { refuseTwins } from '../strict-json.ts'
import type { ActionClaim, Described, UpstreamCall } from './catalog.ts'
import { checkClaim, parseCapability } from './claims.ts'
import { describeGit, gitCapability } from './git.ts'
import { describeGithub } from './github.ts'
import { presentName } from './github-aliases.ts'
import { methodCapability } from './github-methods.ts'
import { GITHUB_TOOLS } from './github-tools.ts'
import { describeHttp } from './http.ts'
import { describePaths, FILE_TOOLS, FILESYSTEM_TOOLS } from './path-tools.ts'
import { oneAct } from './reading.ts'
import { describeShell } from './shell.ts'
import { describeSql } from './sql.ts'
import { fillTarget } from './targets.ts'

export { type ActionClaim, CATALOGS, type CatalogName, type Described, type UpstreamCall } from './catalog.ts'
export { canonicalToolName, GATEWAY_STEPS, toolNames } from './github-aliases.ts'
export { describeRequest, requestTool, type UpstreamRequest } from './requests.ts'

// The MCP specification's tool names (2025-11-25, "Tool Names").
const TOOL_NAME = /^[A-Za-z0-9_./-]{1,128}$/

/** The home protocol of each canonical prefix: what a claim must agree with. */
const PREFIXES: ReadonlyMap<string, Protocol> = new Map<string, Protocol>([
  ['github', 'git'],
  ['git', 'git'],
  ['filesystem', 'file'],
  ['file', 'file'],
  ['sql', 'sql'],
  ['http', 'http'],
  ['shell', 'shell'],
])

/**
 * What policy sees of a tool call to an upstream. The tool's own description and annotations are never looked at.
 * @throws AegisError `invalid_params` where the arguments can never be right (an owner that is no name, a path that is no text).
 */
export function describeUpstreamCall(call: UpstreamCall): Described {
  const { catalog, tool, parameters } = call
  if (catalog !== 'none') refuseTwins(parameters, 'parameters')
  switch (catalog) {
    case 'github':
      return describeGithub(tool, parameters)
    case 'git':
      return describeGit(tool, parameters)
    case 'filesystem':
      return describePaths('filesystem', tool, FILESYSTEM_TOOLS, parameters)
    case 'sql':
      return describeSql(tool, parameters)
    case 'none': {
      const name = `${call.upstream}.${tool}`
      const doubt = uncataloguedDoubt(call.upstream, tool)
      return oneAct({ protocol: 'mcp', tool: name, capability: 'write', resource: NO_RESOURCE, doubt }, parameters)
    }
    default:
      return catalog satisfies never
  }
}

/**
 * What policy sees of an action as the actions API or a hook names it. The catalog wins over the claim for tools it knows.
 * @throws AegisError `invalid_params` where the claim disagrees with the catalog or with its own parameters.
 */
export function describeAction(claim: ActionClaim): Described {
  const protocol = parseProtocol(claim.protocol)
  const capability = parseCapability(claim.capability)
  const dot = claim.tool.indexOf('.')
  const prefix = dot < 0 ? claim.tool : claim.tool.slice(0, dot)
  const home = PREFIXES.get(prefix)
  if (!TOOL_NAME.test(claim.tool)) {
    throw new AegisError('invalid_params', `${excerpt(claim.tool)} is not a plain tool name`, { path: 'tool' })
  }
  if (home === undefined) return uncatalogued(claim, protocol, capability)
  if (home !== protocol) {
    throw new AegisError('invalid_params', `${excerpt(claim.tool)} is of protocol ${home}, not ${protocol}`, {
      path: 'protocol',
      advice: `Send protocol \`${home}\`.`,
    })
  }
  refuseTwins(claim.parameters, 'parameters')
  const described = describeClaimed(prefix, claim.tool.slice(prefix.length + 1), claim)
  checkClaim(described, capability)
  return described
}

function describeClaimed(prefix: string, tool: string, claim: ActionClaim): Described {
  if (prefix === 'shell') return describeShell(claim.tool, claim.target, claim.parameters)
  const parameters = fillTarget(prefix, tool, claim.target, claim.parameters)
  switch (prefix) {
    case 'github':
      return describeGithub(tool, withMethod(tool, parameters))
    case 'git':
      return describeGit(tool, parameters)
    case 'filesystem':
      return describePaths('filesystem', tool, FILESYSTEM_TOOLS, parameters)
    case 'file':
      return describePaths('file', tool, FILE_TOOLS, parameters)
    case 'sql':
      return describeSql(tool, parameters)
    default:
      return describeHttp(tool, parameters)
  }
}

/** An action is carried out under its canonical name: what an old name says of the method goes into the parameters. */
function withMethod(tool: string, parameters: JsonObject): JsonObject {
  const { method } = presentName(tool)
  return method === null || Object.hasOwn(parameters, 'method') ? parameters : { ...parameters, method }
}

/** A tool no catalog holds: nothing but the caller's word says what it does, so a claimed read counts as a write. */
function uncatalogued(claim: ActionClaim, protocol: Protocol, claimed: Capability | null): Described {
  const capability = claimed === null || claimed === 'read' ? 'write' : claimed
  const doubt = capability === 'write' ? null : `only the caller says that it is a ${capability}`
  const operands = claim.target === '' ? [] : [claim.target]
  const resource = { ...NO_RESOURCE, target: claim.target, operands }
  return oneAct({ protocol, tool: claim.tool, capability, resource, doubt }, claim.parameters)
}

function uncataloguedDoubt(upstream: string, tool: string): string | null {
  if (!TOOL_NAME.test(tool)) return `${excerpt(tool)} is not a plain tool name`
  // Rules written for the catalog's own tools must not come to hold for an upstream that borrows their prefix.
  return PREFIXES.has(upstream) ? `the upstream is called ${upstream} but has no catalog` : null
}

function parseProtocol(text: string): Protocol {
  const found = PROTOCOLS.find((protocol) => protocol === text)
  if (found !== undefined) return found
  throw new AegisError('invalid_params', `unknown protocol ${excerpt(text)}`, {
    path: 'protocol',
    advice: `Known protocols: ${PROTOCOLS.join(', ')}.`,
  })
}

/** Canonical prefixes that a catalog provides, for the lint of policies. */
export const CATALOG_PREFIXES: readonly string[] = [...PREFIXES.keys()]

/** What a tool can be called before its arguments are known, for `tools/list`. A tool that carries SQL is named by its least, `sql.select`. */
export function classifyTool(call: Pick<UpstreamCall, 'upstream' | 'catalog' | 'tool'>): {
  readonly protocol: Protocol
  readonly tool: string
  readonly capability: Capability
  readonly method?: string
  /** False where no arguments of it name a repository. */
  readonly scoped?: boolean
} {
  const { upstream, catalog, tool } = call
  switch (catalog) {
    case 'github':
      return classifyGithub(tool)
    case 'git':
      return { protocol: 'git', tool: `git.${tool}`, capability: gitCapability(tool) ?? 'write' }
    case 'filesystem': {
      const capability = FILESYSTEM_TOOLS.get(tool)?.capability ?? 'write'
      return { protocol: 'file', tool: `filesystem.${tool}`, capability }
    }
    case 'sql':
      return { protocol: 'sql', tool: 'sql.select', capability: 'read' }
    case 'none':
      return { protocol: 'mcp', tool: `${upstream}.${tool}`, capability: 'write' }
    default:
      return catalog satisfies never
  }
}

function classifyGithub(name: string) {
  const { tool, method } = presentName(name)
  const { capability = 'write', scope = 'repository' } = GITHUB_TOOLS.get(tool) ?? {}
  const as = { protocol: 'git', tool: `github.${tool}`, ...(scope === 'none' && { scoped: false }) } as const
  return method === null
    ? { ...as, capability }
    : { ...as, capability: methodCapability(tool, method) ?? capability, method }
}
