import { createPrivateKey, type KeyObject } from 'node:crypto'
import { createAppAuth } from '@octokit/auth-app'
import { SignJWT } from 'jose'
import type { Repository } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { type Clock, rfc3339 } from '../core/runtime.ts'
import type { GithubAppConfig } from './credential-config.ts'
import { type ApiAnswer, askGithub, type Fetch } from './github-api.ts'
import { refusal } from './github-refusal.ts'
import { createInstallations, fullNameOf } from './installations.ts'
import { demandSafeAddress } from './safe-address.ts'
import { type Level, type Needs, type Permissions, scopeText } from './scope.ts'
import { readSecretFile } from './secret-file.ts'

/** A fresh installation token. Times in milliseconds since the epoch. */
export interface Minted {
  readonly token: string
  readonly issuedAt: number
  /** What it was asked to permit, which is less than wanted where the installation has less. */
  readonly permissions: Permissions
  readonly installation: number
  /** Where the token may do more than was asked for. It must be revoked, not lent. */
  readonly flaw: string | null
}

export interface GithubApp {
  readonly apiUrl: string
  readonly appId: string
  /** True where an installation is known for this owner, or may be found. */
  serves(owner: string): boolean
  /**
   * An installation token for one repository and these permissions, shared with nobody.
   * @throws AegisError with data.sent false, naming what to mend: `upstream_unreachable`; `forbidden` for an owner of whom no
   *   installation is configured.
   */
  mint(repository: Repository, needs: Needs): Promise<Minted>
}

/** GitHub takes App JWTs of at most 10 minutes and advises to date them back for clocks that differ. */
const BACKDATED_S = 60
const JWT_LIFE_S = 9 * 60
/** `b64token` of RFC 6750: no character that any quoting would change, so that a search for the token finds it. */
const TOKEN = /^[\w.~+/-]{1,8192}=*$/
const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})$/
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/

/**
 * A GitHub App as issuer of tokens. `@octokit/auth-app` speaks as the App; the mint is our own request, for that package gives one token to all who ask for the
 * same scope at the same moment (even with `refresh`), so that ending one call's token would end its twin's.
 * @throws AegisError `config` where the key or the address cannot be used.
 */
export function createGithubApp(
  name: string,
  config: GithubAppConfig,
  parts: { clock: Clock; fetch: Fetch },
): GithubApp {
  demandSafeAddress(name, config.apiUrl)
  const ask = signedIn(config, privateKey(config.privateKeyFile), parts)
  const installations = createInstallations(name, config, (path) => ask('GET', path))

  const tokenFor = (installation: number, repository: Repository, permissions: Permissions) =>
    ask('POST', `/app/installations/${installation}/access_tokens`, { repositories: [repository.name], permissions })

  return {
    apiUrl: config.apiUrl,
    appId: config.appId,
    serves: installations.serves,
    async mint(repository, { permissions: wanted, narrowable }) {
      demandRepository(repository)
      const installation = await installations.of(repository)
      const issuedAt = parts.clock.now()
      let permissions = wanted
      let answer = await tokenFor(installation, repository, permissions)
      // GitHub gives all that is asked for or nothing.
      const lacking = narrowable && answer.status === 422
      const fewer = lacking ? granted(await ask('GET', `/app/installations/${installation}`), wanted) : null
      if (fewer !== null) {
        permissions = fewer
        answer = await tokenFor(installation, repository, permissions)
      }
      const { status, body } = answer
      const token = textMember(body, 'token')
      if (status !== 201 || token === undefined || !TOKEN.test(token)) {
        // Moved or reinstalled: the next call looks the installation up again.
        installations.forget(repository)
        throw refusal(config, answer, fullNameOf(repository), scopeText(permissions))
      }
      return { token, issuedAt, permissions, installation, flaw: excess(body, repository, permissions) }
    },
  }
}

type Ask = (method: 'GET' | 'POST', path: string, body?: JsonObject) => Promise<ApiAnswer>

/** Requests made as the App itself. */
function signedIn(config: GithubAppConfig, key: KeyObject, { clock, fetch }: { clock: Clock; fetch: Fetch }): Ask {
  const { apiUrl, appId } = config
  const app = createAppAuth({ appId, createJwt: () => appJwt(key, appId, clock) })
  return async (method, path, body) => {
    const { token: bearer } = await app({ type: 'app' })
    return askGithub(fetch, apiUrl, { method, path, bearer, ...(body === undefined ? {} : { body }) })
  }
}

/** The part of the permissions that an installation has, or null where that is none or all of them. */
function granted({ status, body }: ApiAnswer, permissions: Permissions): Permissions | null {
  const has = body['permissions']
  if (status !== 200 || !isObject(has)) return null
  const wanted = Object.entries(permissions)
  const kept = wanted.filter(([name, level]) => suffices(has[name], level))
  return kept.length === 0 || kept.length === wanted.length ? null : Object.fromEntries(kept)
}

function suffices(level: Json | undefined, wanted: Level): boolean {
  return level === 'write' || level === 'admin' || level === wanted
}

/** RS256 App JWT (RFC 7519) as GitHub asks for it. */
async function appJwt(key: KeyObject, appId: string, clock: Clock): Promise<{ jwt: string; expiresAt: string }> {
  const issued = Math.floor(clock.now() / 1000) - BACKDATED_S
  const expires = issued + JWT_LIFE_S
  const jwt = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(appId)
    .setIssuedAt(issued)
    .setExpirationTime(expires)
    .sign(key)
  return { jwt, expiresAt: rfc3339(expires * 1000) }
}

function privateKey(file: string): KeyObject {
  let key: KeyObject | null = null
  const pem = readSecretFile(file)
  try {
    key = createPrivateKey(pem)
  } catch {
    // Said below, without the cause: OpenSSL's errors may quote what they could not read.
  }
  if (key?.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return key
  throw new AegisError('config', `${file} holds no RSA private key of at least 2048 bits in PEM`, {
    advice: "make a private key on the App's settings page and name the file it downloads",
    path: file,
  })
}

// Agent-controlled: they become parts of a path.
function demandRepository({ owner, name }: Repository): void {
  if (OWNER.test(owner) && NAME.test(name)) return
  throw new AegisError('forbidden', 'owner and repo name no repository that a credential could be made for', {
    advice: 'give owner and repo as they stand in the repository’s address',
    data: { sent: false },
  })
}

/** What the token may do beyond what was asked; null where it is as narrow. `metadata: read` comes with every token. */
function excess(body: JsonObject, repository: Repository, asked: Permissions): string | null {
  const { repositories, permissions } = body
  const [only, ...others] = Array.isArray(repositories) ? repositories : []
  // An installation's owner may not be the one the call names: the same repository name elsewhere is another repository.
  if (others.length > 0 || fullNameIn(only) !== fullNameOf(repository)) return 'it is not for this one repository'
  const granted = Object.entries(isObject(permissions) ? permissions : {})
  const more = granted.find(([name, level]) => level !== 'read' && asked[name] !== 'write')
  const stranger = granted.find(([name]) => name !== 'metadata' && asked[name] === undefined)
  if (granted.length === 0) return 'it does not say what it permits'
  return more === undefined && stranger === undefined ? null : 'it permits more than was asked for'
}

function fullNameIn(repository: Json | undefined): string | undefined {
  return isObject(repository) ? textMember(repository, 'full_name')?.toLowerCase() : undefined
}
