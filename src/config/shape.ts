import type { AnchorSettings } from '../anchors/index.ts'
import type { HoldBudgets } from '../approvals/hold-budget.ts'
import type { CatalogName } from '../core/catalog/catalog.ts'
import type { Listing } from '../gateway/ports.ts'
import type { Limits } from '../identity/limiter.ts'
import type { IssuerSettings } from '../identity/oauth/index.ts'
import type { LoginSettings } from '../identity/people/settings.ts'
import type { NotificationSettings } from '../notifications/index.ts'

/** How a remote or local MCP server behind us is reached. */
export type UpstreamRoute =
  | {
      readonly kind: 'http'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      /** `http` (Streamable HTTP) or `sse` (HTTP+SSE of 2024-11-05). Default: found out. */
      readonly transport?: 'http' | 'sse'
    }
  | {
      readonly kind: 'stdio'
      readonly command: readonly [string, ...string[]]
      readonly env: Readonly<Record<string, string>>
      readonly cwd: string | null
      /** The variable of the process that gets the lent token. */
      readonly credentialEnv: string
    }

export interface UpstreamSettings {
  readonly catalog: CatalogName
  readonly route: UpstreamRoute
  /** Name of an entry of `credentials`, or null. That of a list is its names, joined by commas. */
  readonly credential: string | null
  readonly onReview: 'refuse' | 'hold'
  /** Milliseconds a call may take; null: no limit but the idle one. */
  readonly timeout: number | null
  /** Of the protocol: `legacy` greets by `initialize`, `modern` is stateless. Absent: found out. */
  readonly era?: 'legacy' | 'modern'
  /** Whether the client's own user is shown the page of an approval that this person may settle; absent: never. */
  readonly elicitation?: 'url'
  /** How its tools are shown; absent: as by default. */
  readonly listing?: Listing
}

export type CredentialSettings =
  | {
      readonly type: 'github_app'
      readonly appId: string
      readonly privateKeyFile: string
      readonly apiUrl: string
      readonly installationId: number | null
      /** The installation of each owner, in place of `installationId`. */
      readonly installations?: Readonly<Record<string, number>>
    }
  | {
      readonly type: 'static'
      readonly from: { readonly env: string } | { readonly file: string }
      readonly apiUrl?: string
    }
  /** Made of an upstream's list: the first of these Apps that has an installation for the owner lends. */
  | { readonly type: 'first_of'; readonly names: readonly string[] }

/** The local forge that stands in for GitHub where no App is configured. */
export interface ForgeSettings {
  readonly port: number
  readonly dataDir: string
  readonly repository: string
  readonly appId: string
  readonly publicKeyFile: string
}

export interface ListenSettings {
  readonly host: string
  /** Data plane: `/mcp`, `/mcp/<upstream>`. 0: any free port. */
  readonly port: number
  /** Admin plane: `/admin/v1/*`, `/health`, `/metrics`. 0: any free port. */
  readonly adminPort: number
  /** Values of `Host` and `Origin` accepted besides loopback names. */
  readonly allowedHosts: readonly string[]
}

/** Who may come besides those who have a key. */
export interface AuthSettings {
  /** The data plane as clients reach it; null: as it listens. */
  readonly publicUrl: string | null
  /** The admin plane as browsers reach it, without a slash at the end; null: as it listens. */
  readonly adminUrl: string | null
  readonly issuers: readonly IssuerSettings[]
  /** How people log in. */
  readonly login: LoginSettings
}

/** Agents of this machine that run as another user than the server, and the door made for them. */
export interface LocalAgents {
  /** Of the user they run as. */
  readonly uid: number
  /** Path of a unix socket in a folder that only we may change; who may reach it is up to the folder. */
  readonly socket: string
}

/** What the file says, each part absent where it says nothing. Relative paths are resolved against the file's folder. */
export interface FileSettings {
  readonly host?: string
  readonly port?: number
  readonly adminPort?: number
  readonly allowedHosts?: readonly string[]
  readonly store?: string
  readonly policies?: readonly string[]
  readonly upstreams: Readonly<Record<string, UpstreamSettings>>
  readonly credentials: Readonly<Record<string, CredentialSettings>>
  readonly localForge: ForgeSettings | null
  /** Where signed checkpoints are taken to. */
  readonly anchors: readonly AnchorSettings[]
  readonly auth: AuthSettings
  readonly limits: Limits
  readonly hold: HoldBudgets
  readonly notifications: NotificationSettings
  /** Null: agents run as whoever runs the server, as far as we know. */
  readonly localAgents: LocalAgents | null
}
