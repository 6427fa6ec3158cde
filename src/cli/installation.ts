import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AegisError } from '../core/errors.ts'

/** The package we run from: the nearest folder above with our `package.json`. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!isOurs(join(folder, 'package.json'))) {
    const above = dirname(folder)
    if (above === folder)
      throw new AegisError('config', 'the aegis-proxy package is incomplete', { advice: 'Install it again.' })
    folder = above
  }
  return folder
}

function isOurs(file: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8').includes('"name": "aegis-proxy"')
}

/** A compiled file of the package. @throws AegisError `config` before the first build. */
export function builtFile(...path: readonly string[]): string {
  const file = join(packageRoot(), 'dist', ...path)
  if (existsSync(file)) return file
  throw new AegisError('config', `${file} is not there yet`, { advice: 'Run `npm run build` in the package.' })
}

/** A file of the package as shipped, such as a policy pack or an npm package's entry. */
export function packagedFile(...path: readonly string[]): string {
  return join(packageRoot(), ...path)
}

export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : null
  return typeof version === 'string' ? version : 'unknown'
}
