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

/** @throws AegisError `config` where the provider's client secret cannot be read */
export function composePeople(
  { auth }: Pick<Config, 'auth'>,
  parts: {
    readonly stores: Pick<Stores, 'logins'>
    readonly keys: KeyStore
    readonly adminUrl: string
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
  const around = { store, keys, key: parts.key, cookie: cookies.attempt, lasts, clock, random, log }
  const login = provider === null ? null : providerLogin(provider, adminUrl, around)
  const failed = (error: Error) => log.error({ error: error.message }, 'sessions that are over could not be dropped')
  const timer = setInterval(() => void sessions.sweep().catch(failed), SWEEP_MS)
  timer.unref()
  return { sessions, login, stop: () => clearInterval(timer) }
}

type Around = Omit<Parameters<typeof createLogin>[0], 'settings' | 'redirectUri' | 'secret'>

function providerLogin(settings: NonNullable<Config['auth']['login']['provider']>, adminUrl: string, around: Around) {
  const file = settings.clientSecretFile
  const secret = () => (file === null ? null : readSecretFile(file).trim())
  // Better now than at the first login.
  secret()
  return createLogin({ ...around, settings, redirectUri: `${adminUrl}/login/callback`, secret })
}
