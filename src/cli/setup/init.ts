import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isSocketPath } from '../../config/places.ts'
import { policyName } from '../../config/read-settings.ts'
import type { LocalAgents } from '../../config/shape.ts'
import { type Choices, editSettings, forgePort, newSettings } from '../../config/write-settings.ts'
import { type Config, loadConfig, portNumber } from '../../config.ts'
import { AegisError } from '../../core/errors.ts'
import { serviceOf } from '../client.ts'
import { type Context, placesOf, processContext } from '../context.ts'
import { jsonText } from '../output.ts'
import { isHealthy, makePrivateDirectory } from '../server-process.ts'
import { connectEditor, EDITOR_NAMES, type EditorName } from './editor-files.ts'
import { appChoice, FORGE_REPOSITORY, forgeChoice } from './github.ts'
import { checkApiKey, ensureKeys } from './key-files.ts'
import { PRIVATE, replaceWithBackup, writeWhole } from './private-file.ts'

export interface InitOptions {
  readonly policy?: string
  readonly apiKey?: string
  readonly port?: string
  readonly adminPort?: string
  readonly store?: string
  readonly githubAppId?: string
  readonly githubAppKey?: string
  readonly editor?: string
  readonly agent?: string
  readonly owner?: string
  readonly agentsUid?: string
  readonly agentsSocket?: string
  readonly renewAgentKey?: boolean
  readonly json?: boolean
}

export async function init(options: InitOptions): Promise<void> {
  const context = processContext()
  const done = await initialize(options, context)
  context.out(
    options.json ? jsonText({ config: done.config.places.configFile, notes: [...done.notes] }) : said(done.notes),
  )
}

function said(notes: readonly string[]): string {
  return notes.map((note) => `${note}\n`).join('')
}

/**
 * Makes an installation, or brings an existing one to what the options say.
 * Run again it keeps keys and files; what it changes it keeps a backup of.
 */
export async function initialize(
  options: InitOptions,
  context: Context,
): Promise<{ config: Config; notes: readonly string[] }> {
  const editor = editorOf(options.editor)
  const places = placesOf(context)
  const asked = choicesOf(options, context)
  refuseAgentsHome(context)
  await checkPolicy(asked.policy, context)
  await checkApiKey(options.apiKey, places)
  // A file that does not load now is its owner's to mend: edited, it would be half theirs and half ours.
  if (existsSync(places.configFile)) loadConfig(context)
  makePrivateDirectory(places.configDir)
  makePrivateDirectory(places.dataDir)
  if (!existsSync(places.installationKey)) {
    writeWhole(places.installationKey, `${randomBytes(32).toString('hex')}\n`, PRIVATE)
  }
  const before = existsSync(places.configFile) ? readFileSync(places.configFile, 'utf8') : null
  const notes = [...writeConfig(asked, places.configFile, places.configDir)]
  const changed = before !== null && before !== readFileSync(places.configFile, 'utf8')
  if (changed && (await isHealthy(places.socket))) {
    notes.push('  the running server still has the old settings: aegis stop; aegis serve --detach')
  }
  const config = loadConfig({ env: context.env, home: context.home, cwd: context.cwd })
  const keys = await ensureKeys(config, {
    ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }),
    ...(editor === null ? {} : { agent: editor }),
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    renewAgent: options.renewAgentKey === true,
  })
  notes.push(keys.made.length === 0 ? 'keys: kept as they are' : `keys: made ${keys.made.join(' and ')}`)
  notes.push(`  agent key: ${places.agentFile}`, `  admin key: ${places.clientFile}`)
  if (editor !== null) notes.push(connected(editor, context))
  return { config, notes }
}

/** Connects one more project. */
export function connect(text: string): void {
  const context = processContext()
  const editor = editorOf(text)
  if (editor !== null) context.out(said([connected(editor, context)]))
}

function connected(editor: Exclude<EditorName, 'none'>, context: Context): string {
  const { file, backup } = connectEditor(editor, context)
  return `editor: ${file}${backup === null ? '' : ` (the old one: ${backup})`}`
}

/** Here agents of a server that another user runs have their key: a second installation would take it from them. */
function refuseAgentsHome(context: Context): void {
  const { configDir, configFile } = placesOf(context)
  const service = serviceOf(context)
  if (service === null || existsSync(configFile)) return
  throw new AegisError('conflict', `${configDir} belongs to the agents of the server that user ${service.user} runs`, {
    advice:
      'Remove that with `sudo ./install.sh --uninstall`, or set AEGIS_CONFIG_DIR and AEGIS_DATA_DIR for another one.',
  })
}

function editorOf(text: string | undefined): Exclude<EditorName, 'none'> | null {
  const found = EDITOR_NAMES.find((name) => name === (text ?? 'none'))
  if (found === undefined) {
    throw new AegisError('invalid_params', `--editor must be one of ${EDITOR_NAMES.join(', ')}`, {
      advice: 'For Codex see starter-kit/editors/codex.md.',
    })
  }
  return found === 'none' ? null : found
}

/** A policy that is not there, or does not load, is not written down. */
async function checkPolicy(policy: string | undefined, context: Context): Promise<void> {
  if (policy === undefined) return
  const { loadPolicies } = await import('../../policy-set/index.ts')
  await loadPolicies({ sources: [policy], upstreams: null, cwd: context.cwd })
}

function writeConfig(asked: Choices, file: string, configDir: string): readonly string[] {
  if (existsSync(file)) {
    const source = readFileSync(file, 'utf8')
    const backup = replaceWithBackup(file, isEmpty(asked) ? source : editSettings(source, asked), PRIVATE)
    return [`config: ${file} (${backup === null ? 'kept as it is' : `changed; the old one: ${backup}`})`]
  }
  const github = asked.github ?? forgeChoice(configDir, forgePort(asked.port, asked.adminPort))
  writeWhole(file, newSettings({ ...asked, github }), PRIVATE)
  const where = `config: ${file}`
  if (github.forge === null) return [where]
  return [
    where,
    `github: no GitHub App is set, so upstream \`github\` is a local forge with the repository ${FORGE_REPOSITORY}`,
  ]
}

function isEmpty(choices: Choices): boolean {
  return Object.keys(choices).length === 0
}

function choicesOf(options: InitOptions, context: Context): Choices {
  const { githubAppId: id, githubAppKey: key } = options
  if ((id === undefined) !== (key === undefined)) {
    throw new AegisError('invalid_params', '--github-app-id and --github-app-key belong together')
  }
  const policy = options.policy
  const localAgents = localAgentsOf(options)
  return {
    ...(localAgents === null ? {} : { localAgents }),
    ...(policy === undefined ? {} : { policy: policyName(policy, { resolve: (path) => resolve(context.cwd, path) }) }),
    ...(options.port === undefined ? {} : { port: portNumber(options.port, '--port') }),
    ...(options.adminPort === undefined ? {} : { adminPort: portNumber(options.adminPort, '--admin-port') }),
    ...(options.store === undefined ? {} : { store: options.store }),
    ...(id === undefined || key === undefined ? {} : { github: appChoice(id, key, context.cwd) }),
  }
}

function localAgentsOf({ agentsUid, agentsSocket }: InitOptions): LocalAgents | null {
  if (agentsUid === undefined && agentsSocket === undefined) return null
  const uid = Number(agentsUid)
  if (agentsSocket !== undefined && isSocketPath(agentsSocket) && Number.isInteger(uid) && uid > 0) {
    return { uid, socket: agentsSocket }
  }
  throw new AegisError('invalid_params', '--agents-uid and --agents-socket belong together', {
    advice: 'Give the number of a user other than root, and an absolute path of at most 103 bytes.',
  })
}
