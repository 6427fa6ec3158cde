import type { StaticConfig } from './static.ts'

export interface GithubAppConfig {
  readonly type: 'github_app'
  readonly appId: string
  /** PEM (PKCS#1 as GitHub gives it, or PKCS#8), readable by the server's user only. */
  readonly privateKeyFile: string
  readonly apiUrl: string
  /** Null: as `installations` says; without those, looked up for each repository. */
  readonly installationId: number | null
  /** The installation of each owner. Names of owners compare without case. */
  readonly installations?: Readonly<Record<string, number>>
}

/** The first of these that has an installation for the owner of the repository lends. All of them are Apps. */
export interface FirstOf {
  readonly type: 'first_of'
  readonly names: readonly string[]
}

export type CredentialConfig = GithubAppConfig | StaticConfig | FirstOf
