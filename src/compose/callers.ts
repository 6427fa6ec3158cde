import type { Config } from '../config.ts'
import type { Clock, Log } from '../core/runtime.ts'
import {
  bearerFrom,
  createLimiter,
  createResources,
  createTokenAuthenticator,
  type KeyRecord,
  type Keyring,
  type Limiter,
  type LimitKind,
  type Resources,
} from '../identity/index.ts'

/** Who calls, and how much of it. */
export interface Callers {
  /** The key behind a request; null for none, an unknown or a revoked one. For doors that take no tokens of others. */
  byKey(headers: Headers): Promise<KeyRecord | null>
  /** At the MCP doors: a key, or an access token for this endpoint. */
  authenticate(headers: Headers, upstream: string | null): Promise<KeyRecord | null>
  readonly inForce: Keyring['inForce']
  readonly challenge: Resources['challenge']
  /** What RFC 9728 has us say of an endpoint; null where no issuer is trusted. */
  readonly metadata: Resources['metadata'] | null
  readonly limiter: Limiter
}

export function composeCallers(
  config: Pick<Config, 'auth' | 'limits'>,
  parts: {
    readonly keyring: Keyring
    readonly clock: Clock
    readonly log: Log
    /** The data plane as this machine reaches it, where the configuration does not say how others do. */
    readonly dataUrl: string
    readonly refused: (kind: LimitKind) => void
  },
): Callers {
  const { keyring, clock, log } = parts
  const { issuers, publicUrl } = config.auth
  const scopes = [...new Set(issuers.flatMap((one) => one.scopes))]
  const names = issuers.map(({ issuer }) => issuer)
  const resources = createResources(publicUrl ?? parts.dataUrl, names, scopes)
  const tokens = issuers.length === 0 ? null : createTokenAuthenticator({ issuers, resources, keyring, clock, log })

  async function byKey(headers: Headers): Promise<KeyRecord | null> {
    const presented = bearerFrom(headers)
    return presented === null ? null : keyring.authenticate(presented)
  }

  return {
    byKey,

    async authenticate(headers, upstream) {
      const presented = bearerFrom(headers)
      if (presented === null) return null
      if (tokens === null || headers.get('authorization') === null || !tokens.isToken(presented)) {
        return keyring.authenticate(presented)
      }
      try {
        return await tokens.authenticate(presented, upstream)
      } catch (refusal) {
        // A key that somebody chose may look like a token.
        const key = await keyring.authenticate(presented)
        if (key !== null) return key
        throw refusal
      }
    },

    inForce: keyring.inForce,
    challenge: resources.challenge,
    metadata: tokens === null ? null : resources.metadata,
    limiter: createLimiter({ limits: config.limits, clock, log, refused: parts.refused }),
  }
}
