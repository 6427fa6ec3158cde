import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import type { Context } from '../context.ts'
import { builtFile } from '../installation.ts'
import { replaceWithBackup, SHARED } from './private-file.ts'

/** Where each editor keeps its MCP servers in a project, and under which member. */
const EDITORS = {
  claude: { file: '.mcp.json', member: 'mcpServers', typed: false },
  cursor: { file: join('.cursor', 'mcp.json'), member: 'mcpServers', typed: false },
  vscode: { file: join('.vscode', 'mcp.json'), member: 'servers', typed: true },
} as const

export const EDITOR_NAMES = ['claude', 'cursor', 'vscode', 'none'] as const
export type EditorName = (typeof EDITOR_NAMES)[number]

export interface EditorChange {
  readonly file: string
  readonly backup: string | null
}

/**
 * Adds the server `aegis` to the editor's file in the current folder; every other server stays.
 * @throws AegisError `config` where the file is not JSON that we could merge without loss.
 */
export function connectEditor(editor: keyof typeof EDITORS, context: Context): EditorChange {
  const { file, member, typed } = EDITORS[editor]
  const path = join(context.cwd, file)
  refuseLinks(context.cwd, file)
  const before = existsSync(path) ? parse(path) : {}
  const servers = before[member] ?? {}
  if (!isObject(servers)) throw notMergeable(path, `\`${member}\` is not an object`)
  const server: JsonObject = { ...(typed ? { type: 'stdio' } : {}), ...launch(context) }
  const after = { ...before, [member]: { ...servers, aegis: server } }
  mkdirSync(dirname(path), { recursive: true })
  return { file: path, backup: replaceWithBackup(path, `${JSON.stringify(after, null, 2)}\n`, SHARED) }
}

/**
 * A cloned project may hold a link of that name into the user's own files: merging would copy them, keys included, to
 * where every agent of the project reads them.
 */
function refuseLinks(cwd: string, file: string): void {
  for (const name of new Set([dirname(file), file])) {
    const path = join(cwd, name)
    if (name !== '.' && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw notMergeable(path, 'it is a symbolic link')
    }
  }
}

/** How an editor starts the bridge. The file holds no key: `aegis mcp` reads it from the user's own directory. */
function launch({ env }: Context): JsonObject {
  const own = Object.entries({ AEGIS_CONFIG_DIR: env['AEGIS_CONFIG_DIR'], AEGIS_DATA_DIR: env['AEGIS_DATA_DIR'] })
  const set = own.filter((pair): pair is [string, string] => Boolean(pair[1]))
  const onPath = (env['PATH'] ?? '').split(delimiter).some((folder) => folder && existsSync(join(folder, 'aegis')))
  const command = onPath
    ? { command: 'aegis', args: ['mcp'] }
    : { command: process.execPath, args: [builtFile('src', 'cli', 'aegis.js'), 'mcp'] }
  return { ...command, ...(set.length === 0 ? {} : { env: Object.fromEntries(set) }) }
}

function parse(path: string): JsonObject {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Json
    if (isObject(value)) return value
  } catch {
    throw notMergeable(path, 'it is not plain JSON')
  }
  throw notMergeable(path, 'it is not an object')
}

function notMergeable(path: string, why: string): AegisError {
  return new AegisError('config', `${path} was left alone: ${why}`, {
    advice: 'Add the server by hand as starter-kit/editors shows.',
  })
}
