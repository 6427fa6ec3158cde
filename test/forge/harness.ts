import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAppAuth } from '@octokit/auth-app'
import { request } from '@octokit/request'
import type { JsonObject } from '../../src/core/json.ts'
import { type AppKey, createAppKey, type Forge, type ForgeOptions, startForge } from '../../starter-kit/forge/index.ts'
import type { Permissions } from '../../starter-kit/forge/permissions.ts'
import { deviations } from './openapi.ts'

export const APP_ID = 4711
export const INSTALLATION = 42
export const REPO = '/repos/aegisflow/aegisflow'

/** A running forge with its key, its clock and its folder. */
export interface TestForge extends Forge {
  readonly key: AppKey
  readonly dataDir: string
  /** Moves the forge's clock forward. */
  advance(milliseconds: number): void
  now(): number
  /** A token of the installation, minted by GitHub's own client. */
  token(permissions?: Record<string, string>, repositories?: readonly string[]): Promise<string>
  stop(): Promise<void>
}

const key = createAppKey()

/** `grants`: what the App is allowed, where it is not the usual. */
export async function testForge(given: Partial<ForgeOptions> & { grants?: Permissions } = {}): Promise<TestForge> {
  const { grants, ...more } = given
  const dataDir = more.dataDir ?? (await mkdtemp(join(tmpdir(), 'aegis-forge-')))
  let shift = 0
  const now = (): number => Date.now() + shift
  const app = { appId: APP_ID, publicKeyPem: key.publicKeyPem, ...(grants === undefined ? {} : { grants }) }
  const base = { port: 0, repository: 'aegisflow/aegisflow', app, installationId: INSTALLATION, now }
  const forge = await startForge({ ...base, ...more, dataDir })
  return {
    ...forge,
    key,
    dataDir,
    now,
    advance: (milliseconds) => {
      shift += milliseconds
    },
    token: (permissions, repositories) => mintToken(forge.url, permissions, repositories),
    stop: async () => {
      await forge.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function mintToken(url: string, permissions?: Record<string, string>, repositories?: readonly string[]) {
  const auth = createAppAuth({
    appId: APP_ID,
    privateKey: key.privateKeyPem,
    installationId: INSTALLATION,
    request: octokitRequest(url),
  })
  const wanted = {
    ...(permissions === undefined ? {} : { permissions }),
    ...(repositories === undefined ? {} : { repositoryNames: [...repositories] }),
  }
  const { token } = await auth({ type: 'installation', refresh: true, ...wanted })
  return token
}

/** GitHub's own request library, pointed at the forge. */
export function octokitRequest(url: string) {
  return request.defaults({ baseUrl: url })
}

export interface Answer {
  readonly status: number
  readonly body: JsonObject
  readonly list: readonly JsonObject[]
  readonly headers: Headers
}

/** One request with a token (or none). Fails where request or answer are not as GitHub's OpenAPI description has them. */
export async function ask(
  forge: { readonly url: string },
  line: `${string} /${string}`,
  token: string | null,
  body?: JsonObject,
): Promise<Answer> {
  const [method = 'GET', path = '/'] = line.split(' ')
  const response = await fetch(`${forge.url}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  const json = text === '' ? undefined : type.includes('json') ? JSON.parse(text) : { text }
  const exchange = { method, path: path.split('?')[0] ?? path, status: response.status, request: body, response: json }
  const problems = type.includes('html') || type.includes('raw') ? [] : deviations(exchange)
  if (problems.length > 0) throw new Error(`not as GitHub describes it:\n${problems.join('\n')}`)
  return { status: response.status, body: json ?? {}, list: Array.isArray(json) ? json : [], headers: response.headers }
}
