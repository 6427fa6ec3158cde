import { AegisError, asAegisError } from '../../core/errors.ts'
import { type JsonObject, textMember } from '../../core/json.ts'
import { fetchDocument } from './fetch-document.ts'
import { isIssuerAddress, isKeyAddress } from './settings.ts'

/** Milliseconds an issuer may take to be discovered, at all its addresses together: somebody waits for it. */
const DISCOVERY_MS = 4_000

/**
 * What `read` finds in the issuer's metadata, by RFC 8414 section 3 and then OpenID Connect Discovery, in the order MCP demands
 * of clients. A document that `read` throws at is passed over for the next.
 * @throws AegisError `unavailable` where no document can be used.
 */
export async function discover<T>(issuer: string, read: (document: JsonObject, address: string) => T): Promise<T> {
  const failures: AegisError[] = []
  const until = performance.now() + DISCOVERY_MS
  const addresses = documentAddresses(issuer)
  for (const [index, address] of addresses.entries()) {
    try {
      // One that hangs leaves their share to the others.
      const share = (until - performance.now()) / (addresses.length - index)
      const document = await fetchDocument(address, Math.max(1, Math.floor(share)))
      demandOwnDocument(document, issuer, address)
      return read(document, address)
    } catch (error) {
      failures.push(asAegisError(error))
    }
  }
  // Who speaks of themselves says more than an address that is not there.
  const telling = failures.find(({ advice }) => advice?.startsWith(WRITE)) ?? failures.at(-1)
  throw unusable(
    `the issuer ${issuer} cannot be discovered: ${failures.map(({ message }) => message).join('; ')}`,
    telling?.advice ?? 'compare `issuer` in aegis.yaml with what the issuer publishes of itself',
  )
}

const WRITE = 'write `issuer: '

/** RFC 8414 section 3.3: a document that speaks for another issuer MUST NOT be used; a slash more is another. */
function demandOwnDocument(document: JsonObject, issuer: string, address: string): void {
  const found = textMember(document, 'issuer')
  if (found === issuer) return
  if (found === undefined || found.length > 512 || !/^[!-~]+$/.test(found) || !isIssuerAddress(found)) {
    throw unusable(`${address} speaks for another issuer than ${issuer}, or for none`)
  }
  const advice = `${WRITE}${found}\` in aegis.yaml if that is whom you mean: it must be, to the last slash, what the issuer calls itself`
  throw unusable(`${address} speaks for another issuer: ${found}, not ${issuer}`, advice)
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

function unusable(message: string, advice?: string): AegisError {
  return new AegisError('unavailable', message, advice === undefined ? {} : { advice })
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
