import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import type { GithubChoice } from '../../config/write-settings.ts'
import { AegisError } from '../../core/errors.ts'
import { builtFile, packagedFile } from '../installation.ts'
import { PRIVATE, SHARED, writeWhole } from './private-file.ts'

/** The repository of the local forge. */
export const FORGE_REPOSITORY = 'aegisflow/aegisflow'
const FORGE_APP_ID = 1

/** The upstream `github` on the real GitHub, with an App of the user's. @throws AegisError `config` */
export function appChoice(id: string, keyFile: string, cwd: string): GithubChoice {
  const privateKeyFile = resolve(cwd, keyFile)
  if (!/^[1-9]\d{0,15}$/.test(id)) {
    throw new AegisError('invalid_params', '--github-app-id is not a number', {
      advice: "Take it from the App's settings page at GitHub.",
    })
  }
  if (!existsSync(privateKeyFile)) {
    throw new AegisError('invalid_params', `--github-app-key: ${privateKeyFile} is not there`, {
      advice: "Download a private key from the App's settings page at GitHub.",
    })
  }
  return { command: [process.execPath, serverGithub()], app: { id: Number(id), privateKeyFile }, forge: null }
}

/** The upstream `github` on the local forge, with an App key pair made here. Existing keys stay. */
export function forgeChoice(configDir: string, port: number): GithubChoice {
  const privateKeyFile = join(configDir, 'forge-app.pem')
  const publicKeyFile = join(configDir, 'forge-app.pub')
  if (!existsSync(privateKeyFile) || !existsSync(publicKeyFile)) {
    const pair = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    writeWhole(privateKeyFile, pair.privateKey, PRIVATE)
    writeWhole(publicKeyFile, pair.publicKey, SHARED)
  }
  return {
    command: [process.execPath, '--import', preload(), serverGithub()],
    app: { id: FORGE_APP_ID, privateKeyFile },
    forge: { port, repository: FORGE_REPOSITORY, publicKeyFile },
  }
}

/** Sends what the server would ask of api.github.com to the forge. */
function preload(): string {
  const plain = packagedFile('starter-kit', 'forge', 'preload.mjs')
  return existsSync(plain) ? plain : builtFile('starter-kit', 'forge', 'preload.js')
}

/** The MCP server for GitHub from npm: not ours, and run as it is. */
function serverGithub(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-github/package.json')
    return join(dirname(manifest), 'dist', 'index.js')
  } catch (cause) {
    throw new AegisError('config', 'the npm package @modelcontextprotocol/server-github is not installed', {
      advice: 'It is an optional dependency: run `npm ci` without --omit=optional.',
      cause,
    })
  }
}
