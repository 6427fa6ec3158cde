import { AegisError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { type Log, rfc3339 } from '../core/runtime.ts'
import type { CredentialConfig } from './credential-config.ts'
import type { LiveToken, Revocations } from './revocations.ts'
import type { SharedReads } from './shared-reads.ts'

/** What is configured and what is out, for people. No secret, and nothing a secret could be made from. */
export interface Overview {
  /** As the wire gives it. */
  configured(): readonly JsonObject[]
  /** Tokens that GitHub may still take, those whose end has begun among them. As the wire gives it. */
  tokens(): Promise<readonly JsonObject[]>
  /**
   * Ends one token now, whether or not its call has ended.
   * @param prefix at least 8 hex digits of its hash.
   * @returns whether GitHub confirmed it; where not, it is tried again as any other.
   * @throws AegisError `invalid_params`, `not_found`, or `conflict` for a prefix of several.
   */
  revoke(prefix: string, by: string): Promise<{ readonly tokenSha256: string; readonly revoked: boolean }>
}

const PREFIX = /^[0-9a-f]{8,64}$/

export function createOverview(parts: {
  readonly credentials: Readonly<Record<string, CredentialConfig>>
  readonly revocations: Revocations
  readonly reads: SharedReads
  readonly log: Log
}): Overview {
  const { credentials, revocations, reads, log } = parts
  return {
    configured: () => Object.entries(credentials).map(([name, config]) => ({ name, ...configuredWire(config) })),

    tokens: async () => (await revocations.list()).map(tokenWire),

    async revoke(prefix, by) {
      const { row } = chosen(await revocations.list(), prefix)
      const { tokenSha256, envelope } = row
      log.info({ by, token_sha256: tokenSha256, envelope_id: envelope }, 'a token is ended by hand')
      // First, so that no read is given a token that is about to end.
      await reads.forget(tokenSha256)
      return { tokenSha256, revoked: await revocations.endNow(row) }
    },
  }
}

function chosen(all: readonly LiveToken[], prefix: string): LiveToken {
  if (!PREFIX.test(prefix)) {
    throw new AegisError('invalid_params', 'a token is named by the first 8 or more hex digits of its hash', {
      advice: '`aegisctl credentials` shows them',
    })
  }
  const [only, ...others] = all.filter(({ row }) => row.tokenSha256.startsWith(prefix))
  if (only !== undefined && others.length === 0) return only
  throw only === undefined
    ? new AegisError('not_found', `no live token's hash begins with ${prefix}`, {
        advice: 'it may have ended meanwhile; `aegisctl credentials` shows those that live',
      })
    : new AegisError('conflict', `${others.length + 1} tokens begin with ${prefix}`, { advice: 'give more digits' })
}

function configuredWire(config: CredentialConfig): JsonObject {
  switch (config.type) {
    case 'github_app': {
      const { appId, apiUrl, installationId, installations } = config
      return {
        type: 'github_app',
        app_id: appId,
        api_url: apiUrl,
        ...(installationId !== null && { installation_id: installationId }),
        ...(installations !== undefined && { installations: { ...installations } }),
      }
    }
    case 'static':
      return {
        type: 'static',
        from: 'env' in config.from ? `$${config.from.env}` : config.from.file,
        ...(config.apiUrl !== undefined && { api_url: config.apiUrl }),
      }
    case 'first_of':
      return { type: 'first_of', of: [...config.names] }
    default:
      return config satisfies never
  }
}

function tokenWire({ row, issuer, ending }: LiveToken): JsonObject {
  const { tokenSha256, scope, envelope, issuedAt, deadline, attempts, nextAttemptAt, apiUrl } = row
  return {
    token_sha256: tokenSha256,
    state: issuer === null ? 'unreadable' : ending ? 'ending' : 'live',
    scope,
    envelope_id: envelope,
    app_id: issuer?.app ?? null,
    installation_id: issuer?.installation ?? null,
    api_url: apiUrl,
    issued: rfc3339(issuedAt),
    deadline: rfc3339(deadline),
    attempts,
    next_attempt: rfc3339(nextAttemptAt),
  }
}
