import { Hono } from 'hono'
import type { JsonObject } from '../../core/json.ts'
import { hostCheck } from './hosts.ts'

/**
 * What follows the well-known path: an endpoint's own path, behind that of a proxy before us, or nothing. Whether there is
 * an upstream of that name is not told to strangers.
 */
const ENDPOINT = /\/oauth-protected-resource(?:(?:\/[\w.~-]+)*\/mcp(?:\/([a-z][a-z0-9_-]{0,31}))?|\/?)$/

/**
 * What clients without a token ask first (RFC 9728): which authorization servers we trust. To be mounted at
 * `/.well-known/oauth-protected-resource`; the path behind it is the endpoint's own.
 * @param metadata null where no issuer is trusted: then there is nothing to say.
 */
export function resourceMetadataRoutes(
  metadata: ((upstream: string | null) => JsonObject) | null,
  hosts: readonly string[],
): Hono {
  const routes = new Hono()
  const knownHost = hostCheck(hosts)
  if (metadata === null) return routes
  routes.use(async (context, next) => {
    if (knownHost(context.req.header('host') ?? null, context.req.header('origin') ?? null)) return next()
    return context.text('unknown Host or Origin\n', 403)
  })
  routes.get('*', (context) => {
    const found = ENDPOINT.exec(context.req.path)
    // The bare path is where clients look last; the endpoint of all upstreams is what they mean by it.
    return found === null ? context.notFound() : context.json(metadata(found[1] ?? null))
  })
  return routes
}
