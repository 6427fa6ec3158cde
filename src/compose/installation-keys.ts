import { hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AegisError } from '../core/errors.ts'

/** A key for each purpose from the installation's one secret (HKDF-SHA256, RFC 5869). */
export function installationKeys(
  path: string,
): Readonly<Record<'digest' | 'seal' | 'task' | 'told' | 'search' | 'cursor' | 'login', Uint8Array>> {
  const secret = Buffer.from(readInstallationKey(path), 'hex')
  if (secret.byteLength !== 32) {
    throw new AegisError('config', `${path} does not hold 32 bytes in hex`, {
      advice: 'restore it from a backup',
      path,
    })
  }
  const derive = (purpose: string) => new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32))
  return {
    digest: derive('aegis/action-digest'),
    seal: derive('aegis/credential-seal'),
    task: derive('aegis/review-task'),
    told: derive('aegis/github-comment'),
    search: derive('aegis/search-terms'),
    cursor: derive('aegis/list-cursor'),
    login: derive('aegis/login'),
  }
}

function readInstallationKey(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw new AegisError('config', `the installation key ${path} cannot be read`, {
      advice: 'run `aegis init`',
      path,
      cause,
    })
  }
}
