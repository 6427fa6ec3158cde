import { AegisError, asAegisError } from '../../core/errors.ts'
import { textMember } from '../../core/json.ts'
import { fetchDocument } from './fetch-document.ts'
import { isKeyAddress } from './settings.ts'

/**
 * Where an issuer publishes its keys, by RFC 8414 section 3 and then OpenID Connect Discovery, in the order MCP demands
 * of clients.
 * @throws AegisError `unavailable` where no document can be used.
 */
export async function discoverKeys(issuer: string): Promise<string> {
  const failures: string[] = []
  for (const address of documentAddresses(issuer)) {
    try {
      return keysNamedBy(await fetchDocument(address), issuer, address)
    } catch (error) {
      failures.push(asAegisError(error).message)
    }
  }
  throw new AegisError('unavailable', `the issuer ${issuer} cannot be discovered: ${failures.join('; ')}`)
}

function keysNamedBy(document: Parameters<typeof textMember>[0], issuer: string, address: string): string {
  // RFC 8414 section 3.3: a document that speaks for another issuer MUST NOT be used.
  if (textMember(document, 'issuer') !== issuer) {
    throw new AegisError('unavailable', `${address} speaks for another issuer`)
  }
  const keys = textMember(document, 'jwks_uri')
  if (keys === undefined || !isKeyAddress(keys, issuer)) {
    throw new AegisError('unavailable', `${address} names no safe \`jwks_uri\``)
  }
  return keys
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
