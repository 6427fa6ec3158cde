import type { AegisError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'

/** Where the metadata of a protected resource stands (RFC 9728 section 3). */
export const METADATA_PATH = '/.well-known/oauth-protected-resource'

/** The endpoint of all upstreams, and that of each: resources of their own, so that a token for one opens no other. */
export interface Resources {
  /** The identifier of an endpoint (null: of all upstreams): its address, without a slash at the end. */
  identifier(upstream: string | null): string
  /** Audiences that name this endpoint, or the one of all upstreams, which reaches everything it reaches. */
  audiences(upstream: string | null): readonly string[]
  /** RFC 9728 section 2. */
  metadata(upstream: string | null): JsonObject
  /** `WWW-Authenticate` for an error at this endpoint (RFC 6750 section 3, RFC 9728 section 5.1); null where none belongs. */
  challenge(error: AegisError, upstream: string | null): string | null
}

/** @param base the data plane as clients reach it, such as `https://aegis.example.com`. */
export function createResources(base: string, issuers: readonly string[], scopes: readonly string[]): Resources {
  const root = base.replace(/\/+$/, '')
  const { origin, pathname } = new URL(root)
  const prefix = pathname === '/' ? '' : pathname
  const pathOf = (upstream: string | null) => (upstream === null ? '/mcp' : `/mcp/${upstream}`)
  const identifier = (upstream: string | null) => `${origin}${prefix}${pathOf(upstream)}`

  return {
    identifier,
    audiences: (upstream) => (upstream === null ? [identifier(null)] : [identifier(upstream), identifier(null)]),
    metadata: (upstream) => ({
      resource: identifier(upstream),
      authorization_servers: [...issuers],
      bearer_methods_supported: ['header'],
      ...(scopes.length === 0 ? {} : { scopes_supported: [...scopes] }),
      resource_name: upstream === null ? 'Aegis' : `Aegis: ${upstream}`,
    }),
    challenge({ code, data, message }, upstream) {
      const error = data?.['error']
      const named = error === 'invalid_token' || error === 'insufficient_scope' ? error : null
      if (code !== 'unauthenticated' && named === null) return null
      const members = {
        realm: 'aegis',
        ...(named === null ? {} : { error: named, error_description: message }),
        ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
        ...(issuers.length === 0 ? {} : { resource_metadata: `${origin}${METADATA_PATH}${prefix}${pathOf(upstream)}` }),
      }
      const written = Object.entries(members).map(([name, value]) => `${name}="${quotable(value)}"`)
      return `Bearer ${written.join(', ')}`
    },
  }
}

/** RFC 6750 section 3: printable ASCII but for `"` and `\`. */
function quotable(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, "'")
}
