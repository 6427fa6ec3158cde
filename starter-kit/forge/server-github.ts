import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AegisError } from '../../src/core/errors.ts'

/** The preload that sends a program's GitHub requests to the forge; plain JavaScript, so it is beside the source also after a build. */
export function preloadFile(): string {
  const places = ['./preload.mjs', '../../../starter-kit/forge/preload.mjs']
  const files = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
  const found = files.find((file) => existsSync(file))
  if (found === undefined)
    throw new AegisError('config', 'starter-kit/forge/preload.mjs is missing', { advice: 'install the package again' })
  return found
}

/**
 * The command that runs `@modelcontextprotocol/server-github` over stdio against a forge. It needs `AEGIS_FORGE_URL` and,
 * for anything but `tools/list`, `GITHUB_PERSONAL_ACCESS_TOKEN` in its environment.
 * @throws AegisError `config` where the optional dependency is not installed.
 */
export function serverGithubCommand(): readonly string[] {
  try {
    const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-github/package.json')
    return [process.execPath, '--import', preloadFile(), join(dirname(manifest), 'dist', 'index.js')]
  } catch (cause) {
    if (cause instanceof AegisError) throw cause
    throw new AegisError('config', '@modelcontextprotocol/server-github is not installed', {
      advice: 'run `npm install` without --omit=optional',
      cause,
    })
  }
}
