import { createPrivateKey, type KeyObject } from 'node:crypto'
import { createAppAuth } from '@octokit/auth-app'
import { SignJWT } from 'jose'
import type { Repository } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { type Clock, rfc3339 } from '../core/runtime.ts'
import { type ApiAnswer, askGithub, type Fetch } from './github-api.ts'
import { type Permissions, scopeText } from './scope.ts'
import { readSecretFile } from './secret-file.ts'

export interface GithubAppConfig {
  readonly type: 'github_app'
  readonly appId: string
  /** PEM (PKCS#1 as GitHub gives it, or PKCS#8), readable by the server's user only. */
  readonly privateKeyFile: string
  readonly apiUrl: string
  /** Null: looked up for each repository. */
  readonly installationId: number | null
}

/** A fresh installation token. Times in milliseconds since the epoch. */
export interface Minted {
  readonly token: string
  readonly issuedAt: number
  /** Where the token may do more than was asked for. It must be revoked, not lent. */
  readonly flaw: string | null
}

export interface GithubApp {
  readonly apiUrl: string
  /**
   * An installation token for one repository and these permissions, shared with nobody.
   * @throws AegisError `upstream_unreachable` (data.sent: false) naming what to mend.
   */
  mint(repository: Repository, permissions: Permissions): Promise<Minted>
}

/** GitHub takes App JWTs of at most 10 minutes and advises to date them back for clocks that differ. */
const BACKDATED_S = 60
const JWT_LIFE_S = 9 * 60
const INSTALLATIONS_KEPT = 1000
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
  const { clock, fetch } = parts
  const { apiUrl } = config
  demandSafeAddress(name, apiUrl)
  const key = privateKey(config.privateKeyFile)
  const installations = new Map<string, number>()

  const app = createAppAuth({ appId: config.appId, createJwt: () => appJwt(key, config.appId, clock) })

  async function ask(method: 'GET' | 'POST', path: string, body?: JsonObject): Promise<ApiAnswer> {
    const { token: bearer } = await app({ type: 'app' })
    return askGithub(fetch, apiUrl, { method, path, bearer, ...(body === undefined ? {} : { body }) })
  }

  async function installationOf(repository: Repository): Promise<number> {
    if (config.installationId !== null) return config.installationId
    const fullName = fullNameOf(repository)
    const known = installations.get(fullName)
    if (known !== undefined) return known
    const { status, body } = await ask('GET', `/repos/${repository.owner}/${repository.name}/installation`)
    const { id } = body
    if (status !== 200 || typeof id !== 'number' || !Number.isSafeInteger(id))
      throw refusal(config, status, body, fullName, '')
    if (installations.size >= INSTALLATIONS_KEPT) installations.clear()
    installations.set(fullName, id)
    return id
  }

  return {
    apiUrl,
    async mint(repository, permissions) {
      demandRepository(repository)
      const installation = await installationOf(repository)
      const issuedAt = clock.now()
      const wanted = { repositories: [repository.name], permissions }
      const { status, body } = await ask('POST', `/app/installations/${installation}/access_tokens`, wanted)
      const token = textMember(body, 'token')
      if (status !== 201 || token === undefined || !TOKEN.test(token)) {
        // Moved or reinstalled: the next call looks the installation up again.
        installations.delete(fullNameOf(repository))
        throw refusal(config, status, body, fullNameOf(repository), scopeText(permissions))
      }
      return { token, issuedAt, flaw: excess(body, repository, permissions) }
    },
  }
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

/** App JWTs and tokens travel on this address. */
function demandSafeAddress(name: string, apiUrl: string): void {
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : null
  const loopback = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  const plain = url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (plain && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback))) return
  throw new AegisError('config', `credential \`${name}\`: api_url must be an https address (http on loopback only)`, {
    advice: 'use https://api.github.com, or https://HOST/api/v3 for an Enterprise server',
    path: `credentials.${name}.api_url`,
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

function fullNameOf({ owner, name }: Repository): string {
  return `${owner}/${name}`.toLowerCase()
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

const ADVICE: Readonly<Record<number, string>> = {
  401: 'check app_id and private_key_file, and that this machine’s clock is right',
  403: 'see whether the installation is suspended or the rate limit is reached',
  404: 'install the App on this repository, or correct installation_id',
  422: 'grant the App the permissions named, and give it access to this repository',
}

function refusal(
  config: GithubAppConfig,
  status: number,
  body: JsonObject,
  fullName: string,
  scope: string,
): AegisError {
  const said = (textMember(body, 'message') ?? 'no message').replace(/[^ -~]+/g, ' ').slice(0, 200)
  const wanted = scope === '' ? '' : ` (${scope})`
  const text = `GitHub gave App ${config.appId} no token for ${fullName}${wanted}: ${status} ${said}`
  return new AegisError('upstream_unreachable', text, {
    advice: ADVICE[status] ?? 'try again; GitHub or the way to it has a fault',
    data: { sent: false },
  })
}
