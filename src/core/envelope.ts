import type { EnvelopeId, Principal, SessionId, Sha256 } from './ids.ts'
import type { JsonObject } from './json.ts'

/** How a call came in. */
export const SURFACES = ['mcp', 'hook', 'api', 'workspace'] as const
export type Surface = (typeof SURFACES)[number]

/** What an action is, from the tool catalog. `mcp` is a tool of an upstream without a catalog. */
export const PROTOCOLS = ['git', 'shell', 'sql', 'http', 'file', 'mcp'] as const
export type Protocol = (typeof PROTOCOLS)[number]

/** Class of effect. An unknown tool is `write`. */
export const CAPABILITIES = ['read', 'write', 'delete', 'execute', 'merge', 'deploy', 'approve'] as const
export type Capability = (typeof CAPABILITIES)[number]

/** Ranked: a role may do what every role before it may. Roles come from the key's record, never from the caller. */
export const ROLES = ['agent', 'viewer', 'reviewer', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Who asks. Everything but `agent` is authenticated; `agent` is a label the client claims. */
export interface Subject {
  readonly principal: Principal
  /** Owner of the key, `''` where none is set. Same non-empty owner = same self. */
  readonly owner: string
  readonly role: Role
  readonly agent: string
  readonly session: SessionId
}

export interface Repository {
  readonly owner: string
  readonly name: string
}

/** The branch an act touches. `default`: the caller named none, so the repository's default branch is meant, whose name is a fact. */
export type Branch =
  | { readonly kind: 'none' }
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'default' }

/** What an act touches, taken from its arguments by the catalog's extractors, never from the tool's name. */
export interface Resource {
  /** One text for people and for `target` globs: `owner/repo`, a path, a URL, a whole simple command line, a table. */
  readonly target: string
  /** The single operands inside `target` (command operands, paths, tables): a blocking rule matches any, an allowing rule needs all. */
  readonly operands: readonly string[]
  readonly repository: Repository | null
  readonly branch: Branch
  /** The base branch of a pull request, else null. */
  readonly base: string | null
  readonly paths: readonly string[]
  readonly pull: number | null
}

/** One judged act. Most actions have one; a shell line has one per simple command. */
export interface Act {
  readonly protocol: Protocol
  /** Canonical tool: `github.create_pull_request`, `shell.rm`, `sql.select`, `<upstream>.<tool>`. */
  readonly tool: string
  readonly capability: Capability
  /** The `method` of a tool that does several things: rules may name `tool:method`. */
  readonly method?: string
  readonly resource: Resource
  /** Why this act could not be fully understood. Set: the verdict is at least `review`. */
  readonly doubt: string | null
  /** The doubt is that it may reach another repository than `resource` names: then no room lets it through unjudged. */
  readonly strays?: true
}

export interface Action {
  /** The act that names the action as a whole; equals `acts[0]` unless the action is a compound (a shell line of several commands). */
  readonly protocol: Protocol
  readonly tool: string
  readonly capability: Capability
  /** Arguments as they will run: parsed strictly, forwarded as re-serialised from exactly this value. */
  readonly parameters: JsonObject
  /** The upstream that would run it and the tool's name there; null where nothing runs it (hook, decision only). */
  readonly route: Route | null
  readonly acts: readonly [Act, ...Act[]]
}

/** Requests of MCP that are actions though they call no tool. */
export const JUDGED_REQUESTS = ['resources/read', 'prompts/get'] as const
export type JudgedRequest = (typeof JUDGED_REQUESTS)[number]

export interface Route {
  readonly upstream: string
  /** The tool's name there; of a request that is no tool's call, its method. */
  readonly tool: string
  /** Set where it is no tool's call: the request whose `params` the action's parameters are. */
  readonly request?: JudgedRequest
  /**
   * Digest of the tool's definition, where a person accepted another one than was trusted first: what was approved of the
   * tool as it was is not approved of the tool as it is.
   */
  readonly pin?: Sha256
}

/** One normalised request, immutable. What was judged is what runs. */
export interface ActionEnvelope {
  readonly id: EnvelopeId
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly surface: Surface
  readonly subject: Subject
  readonly action: Action
  readonly resource: Resource
  readonly task: string | null
  readonly justification: string | null
  /** The approval the caller says it redeems. */
  readonly approvalRef: EnvelopeId | null
  /** What will run in place of what was asked, where a guard rewrote it: bound before anything is approved. */
  readonly plan?: Plan
  /** The commit a pull request's head was at when it was judged: what is approved is approved of this commit. */
  readonly head?: string
  /** The branch it was to be merged into then: who can write a pull request can give it another one, at the same commit. */
  readonly onto?: string
  /** The files that merging this commit puts into the base, where they are known: they decide what a credential must allow. */
  readonly lands?: readonly string[]
}

/** A direct write to a protected branch, turned into a branch with the same change and a pull request to the protected one. */
export interface Plan {
  readonly kind: 'pull_request'
  readonly repository: Repository
  /** The branch that will be made: `aegis/<session>/<task>-<digest>`. Equal changes get equal names, so that a retry finds it. */
  readonly branch: string
  /** The branch that was to be written, and that the pull request is for. */
  readonly base: string
  readonly message: string
  readonly title: string
  readonly body: string
  readonly files: readonly PlannedFile[]
  /** The steps as policy judges them, each as if the agent had asked for it. */
  readonly acts: readonly [Act, ...Act[]]
}

export interface PlannedFile {
  readonly path: string
  /** UTF-8 text; null where the file is deleted. */
  readonly content: string | null
  /** Git's name of the content that is to be replaced, where the caller gave it: another content there is a conflict. */
  readonly expects: string | null
}
