import type { Repository } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import type { CredentialEnd, GrantRecord } from '../ledger/draft.ts'
import type { CredentialConfig } from './credential-config.ts'
import type { Fetch } from './github-api.ts'
import { createGithubApp, type GithubApp } from './github-app.ts'
import { notServed } from './installations.ts'
import { createOverview, type Overview } from './overview.ts'
import type { Credential, CredentialBroker, GrantRequest, RevocationStore } from './ports.ts'
import { createRevocations, type Held, revoke } from './revocations.ts'
import { isReadOnly, type Needs, permissionsFor, scopeText } from './scope.ts'
import { createSeal } from './seal.ts'
import { errorWithoutToken, lentSecret, withoutToken } from './secret.ts'
import { createSharedReads } from './shared-reads.ts'
import { createStaticToken, type Environment, type StaticToken } from './static.ts'

/** The broker with the life of its revocation queue. */
export interface Broker extends CredentialBroker, Overview {
  /** Begins to revoke what is due, rows of earlier processes included. */
  start(): void
  stop(): void
  /** Ends the shared tokens, waits for revocations under way, tries once what is due. Never rejects. */
  drain(): Promise<void>
}

export interface BrokerParts {
  readonly credentials: Readonly<Record<string, CredentialConfig>>
  readonly store: RevocationStore
  /** 32 bytes; seals tokens at rest. */
  readonly sealKey: Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Records that a credential is gone. Rejects where that could not be recorded; it is asked again then. */
  readonly ended?: (end: CredentialEnd) => Promise<void>
  readonly fetch?: Fetch
  readonly env?: Environment
}

type Source =
  | { readonly kind: 'app'; readonly app: GithubApp }
  | { readonly kind: 'static'; readonly token: StaticToken }
  | { readonly kind: 'first'; readonly names: readonly string[] }
type Lendable = Pick<Held, 'token' | 'grant'> & { readonly apiUrl: string | undefined }
type Use<T> = (credential: Credential, grant: GrantRecord) => Promise<T>

/**
 * The one place that sees tokens: mint, queue the end durably, lend, end.
 * @throws AegisError `config` where a key or token cannot be read or an address is unsafe.
 */
export function createBroker(parts: BrokerParts): Broker {
  const { clock, random, log, store } = parts
  const fetch = parts.fetch ?? globalThis.fetch
  const sources = openSources(parts, fetch)
  const seal = createSeal(parts.sealKey, random)
  const { ended = async () => {} } = parts
  const revocations = createRevocations({ store, seal, clock, random, log, fetch, ended })
  const reads = createSharedReads(clock)

  async function mint(app: GithubApp, request: GrantRequest, repository: Repository, needs: Needs) {
    const { token, issuedAt, permissions, installation, flaw } = await app.mint(repository, needs)
    const { apiUrl, appId } = app
    const { envelope } = request
    const held = await revocations
      .hold(token, { apiUrl, scope: scopeText(permissions), envelope, issuedAt, app: appId, installation })
      .catch(() => unqueued(apiUrl, token))
    if (flaw === null) return held
    revocations.end(held)
    throw new AegisError('upstream_unreachable', `the token GitHub gave is revoked unused: ${flaw}`, {
      advice: 'check that api_url names the GitHub that the App belongs to',
      data: { sent: false },
    })
  }

  /** A token whose end is not queued would live for its hour: it is ended here and now, and nothing runs. */
  async function unqueued(apiUrl: string, token: string): Promise<never> {
    const fault = await revoke(fetch, apiUrl, token)
    if (fault !== null)
      log.error({ fault }, 'a token could be neither queued nor revoked and lives until its hour is over')
    throw new AegisError('evidence_unavailable', 'the end of a credential could not be recorded, so none was lent', {
      advice: 'look at the store: the disk may be full',
      data: { sent: false },
    })
  }

  async function lendFromApp<T>(app: GithubApp, request: GrantRequest, use: Use<T>) {
    const needs = permissionsFor(request)
    const repository = demandRepository(request)
    const minted = () => mint(app, request, repository, needs)
    if (isReadOnly(needs.permissions)) {
      return lendOnce(lendable(await reads.take(shareKey(request, repository, needs), minted)), use)
    }
    const held = await minted()
    try {
      return await lendOnce(lendable(held), use)
    } finally {
      revocations.end(held)
    }
  }

  async function lend<T>(request: GrantRequest, use: Use<T>): Promise<{ value: T; grant: GrantRecord }> {
    const source = sources.get(request.credential)
    if (source === undefined) throw unknownCredential(request.credential)
    switch (source.kind) {
      case 'app':
        return lendFromApp(source.app, request, use)
      case 'static':
        return lendOnce(source.token.take(), use)
      case 'first':
        return lend({ ...request, credential: serving(sources, source.names, request) }, use)
      default:
        return source satisfies never
    }
  }

  return {
    lend,
    ...createOverview({ credentials: parts.credentials, revocations, reads, log }),
    start: () => revocations.start(),
    stop: () => revocations.stop(),
    async drain() {
      for (const held of await reads.clear()) revocations.end(held)
      await revocations.drain()
    },
  }
}

function openSources(parts: BrokerParts, fetch: Fetch): ReadonlyMap<string, Source> {
  const env = parts.env ?? process.env
  const open = ([name, config]: [string, CredentialConfig]): [string, Source] => {
    switch (config.type) {
      case 'github_app':
        return [name, { kind: 'app', app: createGithubApp(name, config, { clock: parts.clock, fetch }) }]
      case 'static':
        return [name, { kind: 'static', token: createStaticToken(name, config, { env, clock: parts.clock }) }]
      case 'first_of':
        return [name, { kind: 'first', names: config.names }]
      default:
        return config satisfies never
    }
  }
  return new Map(Object.entries(parts.credentials).map(open))
}

/** The first credential with an installation for the owner. @throws AegisError `forbidden` (data.sent: false) where none has. */
function serving(sources: ReadonlyMap<string, Source>, names: readonly string[], request: GrantRequest): string {
  const { owner } = demandRepository(request)
  const found = names.find((name) => {
    const source = sources.get(name)
    return source?.kind === 'app' && source.app.serves(owner)
  })
  return found ?? notServed(names.join(', '), owner)
}

function lendable({ token, grant, row }: Held): Lendable {
  return { token, grant, apiUrl: row.apiUrl }
}

/** Gives the secret to `use` for as long as it takes, and lets nothing of it out with the value or the error. */
async function lendOnce<T>({ token, grant, apiUrl }: Lendable, use: Use<T>) {
  const secret = lentSecret(token, apiUrl)
  try {
    const value = await use(secret.credential, grant)
    return { value: withoutToken(value, token), grant }
  } catch (error) {
    throw errorWithoutToken(error, token)
  } finally {
    secret.end()
  }
}

function shareKey(request: GrantRequest, { owner, name }: Repository, { permissions }: Needs): string {
  return JSON.stringify([request.credential, owner.toLowerCase(), name.toLowerCase(), scopeText(permissions)])
}

function demandRepository(request: GrantRequest): Repository {
  if (request.repository !== null) return request.repository
  throw new AegisError('forbidden', `\`${request.tool}\` names no repository, so no credential can be limited to one`, {
    advice: 'give owner and repo',
    data: { sent: false },
  })
}

function unknownCredential(name: string): AegisError {
  return new AegisError('config', `no credential \`${name}\` is configured`, {
    advice: 'add it under `credentials` in aegis.yaml',
    data: { sent: false },
  })
}
