import { type Document, parseDocument } from 'yaml'
import type { LocalAgents } from './shape.ts'

/** What an installer decides about `aegis.yaml`. */
export interface Choices {
  readonly policy?: string
  readonly port?: number
  readonly adminPort?: number
  readonly store?: string
  readonly github?: GithubChoice
  readonly localAgents?: LocalAgents
}

/** Where the upstream `github` and its credential come from. */
export interface GithubChoice {
  /** Command line of the MCP server, spoken to over stdio. */
  readonly command: readonly string[]
  readonly app: { readonly id: number; readonly privateKeyFile: string }
  /** Null: the real GitHub. */
  readonly forge: { readonly port: number; readonly repository: string; readonly publicKeyFile: string } | null
}

const HEADING = ` Aegis. Checked whole at start: a mistake is named with its line and column, and nothing of the file applies.
 Secrets stay out of this file: write \${NAME} in \`headers\` and \`env\`, or name a file.`

/** A new `aegis.yaml`. */
export function newSettings(choices: Choices): string {
  const source = 'version: 1\nlisten:\n  host: 127.0.0.1\n  port: 8080\n  admin_port: 8081\npolicy: pr-writer\n'
  const document = parseDocument(editSettings(source, choices))
  document.commentBefore = HEADING
  return document.toString({ lineWidth: 120 })
}

/** The file with the choices applied and everything else, comments included, as its owner left it. */
export function editSettings(source: string, choices: Choices): string {
  const document = parseDocument(source)
  const portsBefore = portsOf(document)
  const set = (path: readonly string[], value: unknown) => {
    if (value !== undefined) document.setIn(path, document.createNode(value))
  }
  set(['policy'], choices.policy)
  set(['listen', 'port'], choices.port)
  set(['listen', 'admin_port'], choices.adminPort)
  set(['store'], choices.store)
  set(['local_agents'], choices.localAgents)
  if (choices.github !== undefined) {
    const { upstream, credential, localForge } = githubParts(choices.github)
    set(['credentials', 'github'], credential)
    set(['upstreams', 'github'], upstream)
    set(['local_forge'], localForge)
    if (localForge === undefined) document.delete('local_forge')
  } else if (portsOf(document).join() !== portsBefore.join()) {
    moveForge(document)
  }
  return document.toString({ lineWidth: 120 })
}

const DEFAULT_PORTS = { port: 8080, admin_port: 8081 } as const

function portsOf(document: Document): readonly number[] {
  return Object.entries(DEFAULT_PORTS).map(([name, usual]) => {
    const port = document.getIn(['listen', name])
    return typeof port === 'number' ? port : usual
  })
}

/** The port of the local forge: beside the two planes, so that one look at the ports tells what belongs together. */
export function forgePort(port: number = DEFAULT_PORTS.port, adminPort: number = DEFAULT_PORTS.admin_port): number {
  const next = Math.max(port, adminPort) + 1
  return next <= 65_535 ? next : Math.min(port, adminPort) - 1
}

/** The forge goes where the planes go; an address that its owner has pointed elsewhere stays. */
function moveForge(document: Document): void {
  const place = ['local_forge', 'port']
  const old = `http://127.0.0.1:${String(document.getIn(place))}`
  if (!document.hasIn(place)) return
  const [port, adminPort] = portsOf(document)
  const next = forgePort(port, adminPort)
  document.setIn(place, next)
  for (const address of FORGE_ADDRESSES) {
    if (document.getIn(address) === old) document.setIn(address, `http://127.0.0.1:${next}`)
  }
}

const FORGE_ADDRESSES = [
  ['credentials', 'github', 'api_url'],
  ['upstreams', 'github', 'env', 'AEGIS_FORGE_URL'],
] as const

function githubParts({ command, app, forge }: GithubChoice) {
  const api = forge === null ? null : `http://127.0.0.1:${forge.port}`
  return {
    upstream: {
      catalog: 'github',
      command,
      ...(api === null ? {} : { env: { AEGIS_FORGE_URL: api } }),
      credential: 'github',
    },
    credential: {
      type: 'github_app',
      app_id: app.id,
      private_key_file: app.privateKeyFile,
      ...(api === null ? {} : { api_url: api }),
    },
    localForge:
      forge === null
        ? undefined
        : { port: forge.port, repository: forge.repository, app_id: app.id, public_key_file: forge.publicKeyFile },
  }
}
