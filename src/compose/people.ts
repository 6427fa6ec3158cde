import type { Config } from '../config.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import { readSecretFile } from '../credentials/secret-file.ts'
import {
  createCookies,
  createLogin,
  createSessions,
  type KeyStore,
  type Login,
  type Sessions,
} from '../identity/index.ts'
import type { Stores } from '../store/open.ts'

const SWEEP_MS = 10 * 60_000

/** People who log in. */
export interface People {
  readonly sessions: Sessions
  /** Null where no provider is configured. */
  readonly login: Login | null
  stop(): void
}

/**
 * The provider's client secret, read anew each time: a new one needs no restart. Null for a public client. Read once now: better than at
 * the first login.
 * @throws AegisError `config` where the file cannot be read
 */
export function clientSecretOf({ provider }: Config['auth']['login']): () => string | null {
  const file = provider?.clientSecretFile ?? null
  const secret = () => (file === null ? null : readSecretFile(file).trim())
  secret()
  return secret
}

export function composePeople(
  { auth }: Pick<Config, 'auth'>,
  parts: {
    readonly stores: Pick<Stores, 'logins'>
    readonly keys: KeyStore
    readonly adminUrl: string
    readonly clientSecret: () => string | null
    /** Seals logins under way. */
    readonly key: Uint8Array
    readonly clock: Clock
    readonly random: Random
    readonly log: Log
  },
): People {
  const { stores, keys, adminUrl, clock, random, log } = parts
  const { provider, lasts } = auth.login
  const cookies = createCookies(adminUrl)
  const store = stores.logins
  const sessions = createSessions({ store, keys, cookie: cookies.session, settings: auth.login, clock, random })
  const around = {
    ...{ redirectUri: `${adminUrl}/login/callback`, secret: parts.clientSecret, key: parts.key, lasts },
    ...{ store, keys, cookie: cookies.attempt, clock, random, log },
  }
  const login = provider === null ? null : createLogin({ ...around, settings: provider })
  const failed = (error: Error) => log.error({ error: error.message }, 'sessions that are over could not be dropped')
  const timer = setInterval(() => void sessions.sweep().catch(failed), SWEEP_MS)
  timer.unref()
  return { sessions, login, stop: () => clearInterval(timer) }
}
