import { AegisError, asAegisError } from '../../core/errors.ts'
import { type JsonObject, textMember } from '../../core/json.ts'
import { fetchDocument } from './fetch-document.ts'
import { isKeyAddress } from './settings.ts'

/**
 * What `read` finds in the issuer's metadata, by RFC 8414 section 3 and then OpenID Connect Discovery, in the order MCP demands
 * of clients. A document that `read` throws at is passed over for the next.
 * @throws AegisError `unavailable` where no document can be used.
 */
export async function discover<T>(issuer: string, read: (document: JsonObject, address: string) => T): Promise<T> {
  const failures: string[] = []
  for (const address of documentAddresses(issuer)) {
    try {
      const document = await fetchDocument(address)
      // RFC 8414 section 3.3: a document that speaks for another issuer MUST NOT be used.
      if (textMember(document, 'issuer') !== issuer) throw unusable(`${address} speaks for another issuer`)
      return read(document, address)
    } catch (error) {
      failures.push(asAegisError(error).message)
    }
  }
  throw unusable(`the issuer ${issuer} cannot be discovered: ${failures.join('; ')}`)
}

/** Where an issuer publishes its keys. @throws AegisError `unavailable` */
export function discoverKeys(issuer: string): Promise<string> {
  return discover(issuer, (document, address) => endpointOf(document, 'jwks_uri', issuer, address))
}

/** An address that the metadata at `address` names. @throws AegisError `unavailable` where there is none, or none that is safe */
export function endpointOf(document: JsonObject, member: string, issuer: string, address: string): string {
  const endpoint = textMember(document, member)
  if (endpoint !== undefined && isKeyAddress(endpoint, issuer)) return endpoint
  throw unusable(`${address} names no safe \`${member}\``)
}

function unusable(message: string): AegisError {
  return new AegisError('unavailable', message)
}

function documentAddresses(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const inserted = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
  ]
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`]
}
