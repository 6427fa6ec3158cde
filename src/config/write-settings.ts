import { parseDocument } from 'yaml'

/** What an installer decides about `aegis.yaml`. */
export interface Choices {
  readonly policy?: string
  readonly port?: number
  readonly adminPort?: number
  readonly store?: string
  readonly github?: GithubChoice
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
  const set = (path: readonly string[], value: unknown) => {
    if (value !== undefined) document.setIn(path, document.createNode(value))
  }
  set(['policy'], choices.policy)
  set(['listen', 'port'], choices.port)
  set(['listen', 'admin_port'], choices.adminPort)
  set(['store'], choices.store)
  if (choices.github !== undefined) {
    const { upstream, credential, localForge } = githubParts(choices.github)
    set(['credentials', 'github'], credential)
    set(['upstreams', 'github'], upstream)
    set(['local_forge'], localForge)
    if (localForge === undefined) document.delete('local_forge')
  }
  return document.toString({ lineWidth: 120 })
}

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
