import { doubtOf, NO_RESOURCE } from '../acts.ts'
import type { Act, Capability } from '../envelope.ts'
import type { JsonObject } from '../json.ts'
import type { Described } from './catalog.ts'
import { manyActs, misTyped, notePath, oneAct, reading, spelling, unknownTool } from './reading.ts'

/** One path argument of a tool: its spellings, and what is done to the path. */
interface PathArgument {
  readonly keys: readonly string[]
  readonly does: Capability
  readonly many: boolean
}

interface PathTool {
  readonly capability: Capability
  readonly paths: readonly PathArgument[]
}

const PATH = ['path', 'file_path', 'filePath']
const one = (does: Capability, ...keys: string[]): PathArgument => ({ keys, does, many: false })

function onPath(capability: Capability): PathTool {
  return { capability, paths: [one(capability, ...PATH)] }
}

const MOVE: PathTool = {
  capability: 'write',
  // The source vanishes: a rule against deleting must see it.
  paths: [one('delete', 'source'), one('write', 'destination')],
}

/** `@modelcontextprotocol/server-filesystem` 2026.8.31, all 14 tools. */
export const FILESYSTEM_TOOLS: ReadonlyMap<string, PathTool> = new Map(
  Object.entries({
    read_file: onPath('read'),
    read_text_file: onPath('read'),
    read_media_file: onPath('read'),
    read_multiple_files: { capability: 'read', paths: [{ keys: ['paths'], does: 'read', many: true }] },
    write_file: onPath('write'),
    edit_file: onPath('write'),
    create_directory: onPath('write'),
    list_directory: onPath('read'),
    list_directory_with_sizes: onPath('read'),
    directory_tree: onPath('read'),
    move_file: MOVE,
    search_files: onPath('read'),
    get_file_info: onPath('read'),
    list_allowed_directories: { capability: 'read', paths: [] },
  } satisfies Record<string, PathTool>),
)

/** File actions as hooks and the actions API name them: `file.read` and so on. */
export const FILE_TOOLS: ReadonlyMap<string, PathTool> = new Map(
  Object.entries({
    read: onPath('read'),
    list: onPath('read'),
    stat: onPath('read'),
    search: { capability: 'read', paths: [{ keys: [...PATH, 'paths'], does: 'read', many: true }] },
    write: onPath('write'),
    edit: onPath('write'),
    append: onPath('write'),
    create: onPath('write'),
    mkdir: onPath('write'),
    delete: onPath('delete'),
    move: MOVE,
    copy: { capability: 'write', paths: [one('read', 'source'), one('write', 'destination')] },
  } satisfies Record<string, PathTool>),
)

/** Paths above this many in one call are not judged one by one: the call is doubted. */
const MOST_PATHS = 1000

/**
 * A call of a tool whose effect is its paths. Each path is an act of its own, so that a rule allows the call only where it
 * allows every path.
 * @throws AegisError `invalid_params` for a path that is no text.
 */
export function describePaths(
  prefix: 'file' | 'filesystem',
  tool: string,
  tools: ReadonlyMap<string, PathTool>,
  parameters: JsonObject,
): Described {
  const name = `${prefix}.${tool}`
  const known = tools.get(tool)
  if (known === undefined) return oneAct(pathAct(name, 'write', null, [unknownTool(name)]), parameters)
  const acts: Act[] = []
  for (const argument of known.paths) {
    for (const { path, doubts } of pathsOf(argument, parameters)) acts.push(pathAct(name, argument.does, path, doubts))
  }
  const [first, ...rest] = acts
  if (first === undefined) return oneAct(pathAct(name, known.capability, null, []), parameters)
  if (rest.length === 0) return oneAct(first, parameters)
  const target = acts.length <= 3 ? acts.map((act) => act.resource.target).join(' -> ') : `${acts.length} paths`
  return manyActs({ protocol: 'file', tool: name, capability: known.capability, target }, [first, ...rest], parameters)
}

function pathsOf(argument: PathArgument, parameters: JsonObject): { path: string | null; doubts: string[] }[] {
  const found = spelling(parameters, argument.keys)
  const key = found?.key ?? argument.keys[0] ?? ''
  if (found === null) return [{ path: null, doubts: [`the argument \`${key}\` is missing`] }]
  const values: readonly unknown[] = argument.many && Array.isArray(found.value) ? found.value : [found.value]
  if (key === 'paths' && !Array.isArray(found.value)) throw misTyped(key, 'an array of paths', found.value)
  if (values.length === 0) return [{ path: null, doubts: [`\`${key}\` is empty`] }]
  const read = values.slice(0, MOST_PATHS).map((value) => {
    if (typeof value !== 'string') throw misTyped(key, 'a path (text)', null)
    const from = reading(parameters)
    return { path: notePath(from, value), doubts: from.doubts }
  })
  if (values.length > MOST_PATHS) read[0]?.doubts.push(`it names more than ${MOST_PATHS} paths`)
  return read
}

function pathAct(tool: string, capability: Capability, path: string | null, doubts: readonly string[]): Act {
  const list = path === null ? [] : [path]
  const resource = { ...NO_RESOURCE, target: path ?? '', operands: list, paths: list }
  return { protocol: 'file', tool, capability, resource, doubt: doubtOf(doubts) }
}
