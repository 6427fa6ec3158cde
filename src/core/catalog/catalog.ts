import type { Action, Capability, Protocol, Resource } from '../envelope.ts'
import type { JsonObject } from '../json.ts'

/** Which table of tools an upstream is read with: set in `aegis.yaml`, never inferred from what the server says. */
export const CATALOGS = ['github', 'git', 'filesystem', 'sql', 'none'] as const
export type CatalogName = (typeof CATALOGS)[number]

/** A tool call to an upstream, as it came over MCP. */
export interface UpstreamCall {
  readonly upstream: string
  readonly catalog: CatalogName
  /** The tool's name at the upstream. */
  readonly tool: string
  readonly parameters: JsonObject
}

/** An action as the actions API or a hook names it. */
export interface ActionClaim {
  readonly protocol: string
  /** Canonical tool (`github.create_pull_request`, `shell.rm`), or `shell` / `shell.exec` with `parameters.command`. */
  readonly tool: string
  readonly target: string
  readonly capability: string | null
  readonly parameters: JsonObject
}

/** What the catalog makes of a call: everything the policy looks at. */
export interface Described {
  readonly protocol: Protocol
  readonly tool: string
  readonly capability: Capability
  /** Canonical parameters: the caller's, with what `target` supplied filled in. These are what run. */
  readonly parameters: JsonObject
  readonly acts: Action['acts']
  readonly resource: Resource
}
