import { hash } from 'node:crypto'
import { AegisError } from '../core/errors.ts'
import type { Sha256 } from '../core/ids.ts'
import type { Clock } from '../core/runtime.ts'
import type { GrantRecord } from '../ledger/draft.ts'
import { demandSafeAddress } from './safe-address.ts'
import { readSecretFile } from './secret-file.ts'

export interface StaticConfig {
  readonly type: 'static'
  readonly from: { readonly env: string } | { readonly file: string }
  /** The GitHub API that takes it: facts are looked up there, and direct writes rewritten. Absent: it is not for GitHub. */
  readonly apiUrl?: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** `b64token` of RFC 6750. Short ones could be found from the hash that the ledger keeps. */
const TOKEN = /^[\w.~+/-]{16,8192}=*$/
const SCOPE = 'not narrowed, not revocable'

/** A token somebody else made: lent as it is, for upstreams that know no App. */
export interface StaticToken {
  /** Read anew for each call, so that a replaced file acts at once. @throws AegisError `config` (data.sent: false) */
  take(): { readonly token: string; readonly grant: GrantRecord; readonly apiUrl: string | undefined }
}

/** @throws AegisError `config` where the token cannot be had now. */
export function createStaticToken(
  name: string,
  config: StaticConfig,
  parts: { env: Environment; clock: Clock },
): StaticToken {
  const { apiUrl } = config
  if (apiUrl !== undefined) demandSafeAddress(name, apiUrl)
  const token = () => readToken(name, config, parts.env)
  token()
  return {
    take() {
      const secret = token()
      const now = parts.clock.now()
      const tokenSha256 = hash('sha256', secret, 'hex') as Sha256
      // It has no end that we know of or could bring about: the record claims no life beyond the moment of lending.
      const grant = { type: 'static', scope: SCOPE, tokenSha256, issuedAt: now, expiresAt: now, revokedAt: null }
      return { token: secret, grant, apiUrl }
    },
  }
}

function readToken(name: string, { from }: StaticConfig, env: Environment): string {
  const source = 'env' in from ? `the environment variable ${from.env}` : from.file
  const text = ('env' in from ? (env[from.env] ?? '') : readSecretFile(from.file)).trim()
  if (TOKEN.test(text)) return text
  throw new AegisError(
    'config',
    `credential \`${name}\`: ${source} holds no token of 16 or more letters, digits and ._~+/-`,
    {
      advice: 'set it to the token and nothing else',
      path: `credentials.${name}`,
      data: { sent: false },
    },
  )
}
