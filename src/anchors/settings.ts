import { AegisError } from '../core/errors.ts'
import type { Clock } from '../core/runtime.ts'
import type { Anchor } from './anchor.ts'
import { fileAnchor } from './file-anchor.ts'
import { gitAnchor } from './git-anchor.ts'
import type { Scheduled } from './lane.ts'
import { webhookAnchor } from './webhook-anchor.ts'
import { witnessAnchor, witnessKey } from './witness-anchor.ts'

/** Where a webhook's secret is kept: never in the settings themselves. */
export type SecretSource = { readonly file: string } | { readonly env: string }

export type AnchorSettings = {
  /** Unique; receipts are stored under it. */
  readonly name: string
  /** Least milliseconds between two submissions. */
  readonly every: number
} & (
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'git'; readonly repository: string; readonly ref: string; readonly remote: string | null }
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: SecretSource }
  | { readonly kind: 'witness'; readonly url: string; readonly vkey: string }
)

export interface AnchorSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** @throws AegisError where the file cannot be read or others may read it */
  readonly readSecretFile: (path: string) => string
  readonly clock: Clock
}

/** Nothing is opened or asked yet. @throws AegisError `config` on a witness's key that is none */
export function createAnchors(settings: readonly AnchorSettings[], around: AnchorSurroundings): Scheduled[] {
  return settings.map((one) => ({ anchor: createAnchor(one, around), every: one.every }))
}

function createAnchor(settings: AnchorSettings, { env, readSecretFile, clock }: AnchorSurroundings): Anchor {
  const { name } = settings
  switch (settings.kind) {
    case 'file':
      return fileAnchor(name, settings.path)
    case 'git':
      return gitAnchor(name, settings, env)
    case 'webhook': {
      const { url, secret } = settings
      const read = () => ('file' in secret ? readSecretFile(secret.file) : (env[secret.env] ?? ''))
      return webhookAnchor(name, { url, secret: read, now: () => clock.now() })
    }
    case 'witness': {
      const key = witnessKey(settings.vkey)
      if (key !== null) return witnessAnchor(name, settings.url, key)
      throw new AegisError('config', `anchor \`${name}\`: its vkey is not the key of a witness`)
    }
    default:
      return settings satisfies never
  }
}
