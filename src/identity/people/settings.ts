import type { Role } from '../../core/envelope.ts'
import type { Algorithm } from '../oauth/index.ts'

/** What a person can become by logging in: never an agent. */
export const PERSON_ROLES = ['viewer', 'reviewer', 'admin'] as const satisfies readonly Role[]
export type PersonRole = (typeof PERSON_ROLES)[number]

/** Who has `value` in a claim has the role. */
export interface RoleRule {
  /** A claim's name, or the names down to a nested one (`realm_access`, `roles`). */
  readonly claim: readonly string[]
  readonly value: string
  readonly role: PersonRole
}

/** An OpenID provider that says who people are. */
export interface ProviderSettings {
  /** As it is written in its tokens. */
  readonly issuer: string
  /** For people: "Log in with NAME". */
  readonly name: string
  readonly clientId: string
  /** A file that only the server can read; null for a public client. */
  readonly clientSecretFile: string | null
  /** Besides `openid`. */
  readonly scopes: readonly string[]
  readonly algorithms: readonly Algorithm[]
  /** Seconds its clock may differ from ours. */
  readonly clockSkew: number
  readonly nameClaim: string
  /** Claim with the person's own self, as the owners of keys are written; null: the verified email, else the subject. */
  readonly ownerClaim: string | null
  /** The highest of all that match; none: refused. */
  readonly roles: readonly RoleRule[]
}

export interface LoginSettings {
  /** Milliseconds without a request after which a session has ended. */
  readonly idle: number
  /** Milliseconds after the login at which it ends whatever happens. */
  readonly lasts: number
  readonly provider: ProviderSettings | null
}

export const DEFAULT_LOGIN: LoginSettings = { idle: 8 * 3_600_000, lasts: 24 * 3_600_000, provider: null }
