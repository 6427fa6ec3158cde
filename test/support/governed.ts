import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CredentialSettings, UpstreamSettings } from '../../src/config.ts'
import {
  createAppKey,
  type Forge,
  type ForgeOptions,
  type Front,
  serverGithubCommand,
  startForge,
  startFront,
} from '../../starter-kit/forge/index.ts'
import { type Answer, type Installation, type InstallOptions, install } from './installation.ts'

export const REPOSITORY = 'aegisflow/aegisflow'

/** An agent's repository under governance: a forge over a real bare repository, a GitHub MCP server nobody here wrote, and Aegis. */
export interface Governed {
  readonly aegis: Installation
  readonly forge: Forge
  /** Calls a GitHub tool as the agent does, and has it run where it is allowed. */
  call(tool: string, parameters: object, more?: object): Promise<Answer>
  approve(envelopeId: string): Promise<Answer>
  /** git in the bare repository. */
  git(...args: string[]): string
  /** One commit with these files on top of `from`, to which the branch then points. */
  commit(branch: string, from: string, files: Readonly<Record<string, string>>): string
  /** A review by a person who is neither the owner nor the agent. */
  review(pull: number, event: 'APPROVE' | 'REQUEST_CHANGES'): Promise<void>
  /** The forge's API as the owner of the repository uses it. */
  rest(method: string, path: string, body?: object): Promise<{ status: number; body: ReturnType<typeof JSON.parse> }>
  close(): Promise<void>
}

export interface GovernedOptions {
  /** A policy document as YAML. */
  readonly policy: string
  readonly transport?: 'stdio' | 'http'
  /** Another MCP server in front of the forge than the one from npm. */
  readonly route?: (forge: Forge) => Promise<UpstreamSettings['route']>
  readonly forge?: Partial<ForgeOptions>
  /** What the App may do; enough for every tool where nothing is said. */
  readonly grants?: NonNullable<ForgeOptions['app']['grants']>
  /** What is lent to the upstream in place of the App's tokens. `folder` is for files of its own. */
  readonly credential?: (forge: Forge, folder: string) => CredentialSettings
  readonly install?: Partial<InstallOptions>
}

export async function governed(options: GovernedOptions): Promise<Governed> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-governed-'))
  const key = createAppKey()
  const privateKeyFile = join(folder, 'app.pem')
  writeFileSync(privateKeyFile, key.privateKeyPem, { mode: 0o600 })
  const policyFile = join(folder, 'policy.yaml')
  writeFileSync(policyFile, options.policy)
  const forge = await startForge({
    port: 0,
    dataDir: join(folder, 'forge'),
    repository: REPOSITORY,
    app: { appId: 1, publicKeyPem: key.publicKeyPem, ...(options.grants && { grants: options.grants }) },
    installationId: 7,
    ...options.forge,
  })
  const own = await options.route?.(forge)
  const front = own !== undefined || options.transport === 'stdio' ? null : await startFront({ forgeUrl: forge.url })
  const aegis = await install({
    policies: [policyFile],
    upstreams: { github: upstream(own ?? routeTo(forge, front)) },
    credentials: {
      forge: options.credential?.(forge, folder) ?? {
        type: 'github_app',
        appId: '1',
        privateKeyFile,
        apiUrl: forge.url,
        installationId: null,
      },
    },
    ...options.install,
  })
  const owner = forge.person('olive', 'OWNER')
  const reviewer = forge.person('rita')
  const git = (...args: string[]) => execFileSync('git', ['-C', forge.gitDir, ...args], { encoding: 'utf8' })
  async function ask(token: string, method: string, path: string, body?: object) {
    const answer = await fetch(forge.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }
  return {
    aegis,
    forge,
    call: (tool, parameters, more = {}) =>
      aegis.post('/admin/v1/test-action', {
        protocol: 'git',
        tool: `github.${tool}`,
        target: REPOSITORY,
        parameters,
        session: 'governed',
        execute: true,
        ...more,
      }),
    approve: (id) => aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'fine' }, aegis.adminKey),
    git,
    commit(branch, from, files) {
      const parent = git('rev-parse', `refs/heads/${from}`).trim()
      const changes = Object.entries(files).map(
        ([path, text]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
      )
      const input = `commit refs/heads/${branch}\ncommitter dev <dev@example.com> 1775466000 +0000\ndata 4\ntest\nfrom ${parent}\n${changes.join('')}\n`
      execFileSync('git', ['-C', forge.gitDir, 'fast-import', '--quiet'], { input })
      return git('rev-parse', `refs/heads/${branch}`).trim()
    },
    async review(pull, event) {
      const { status } = await ask(reviewer, 'POST', `/repos/${REPOSITORY}/pulls/${pull}/reviews`, {
        event,
        body: 'seen',
      })
      if (status !== 200) throw new Error(`the review was refused: ${status}`)
    },
    rest: (method, path, body) => ask(owner, method, path, body),
    async close() {
      await aegis.close()
      await front?.close()
      await forge.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function upstream(route: UpstreamSettings['route']): UpstreamSettings {
  return { catalog: 'github', route, credential: 'forge', onReview: 'refuse', timeout: null }
}

function routeTo(forge: Forge, front: Front | null): UpstreamSettings['route'] {
  if (front !== null) return { kind: 'http', url: front.url, headers: {} }
  const [program = process.execPath, ...args] = serverGithubCommand()
  return {
    kind: 'stdio',
    command: [program, ...args],
    env: { AEGIS_FORGE_URL: forge.url },
    cwd: null,
    credentialEnv: 'GITHUB_PERSONAL_ACCESS_TOKEN',
  }
}
