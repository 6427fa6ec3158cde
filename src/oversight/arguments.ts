import { type ChangedLine, lineChanges } from '../core/changes.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'

/** An argument as a person reads it. Everything in it was supplied by the agent. */
export type ShownArgument =
  /** A file with what becomes of it; `known` is false where the old content is not at hand, so that all lines are additions. */
  | { readonly kind: 'file'; readonly path: string; readonly known: boolean; readonly lines: readonly ChangedLine[] }
  | { readonly kind: 'text'; readonly name: string; readonly text: string }
  | { readonly kind: 'value'; readonly name: string; readonly value: Json }

/** Arguments that hold a whole file, by the name of the one that holds its path. */
const PATHS = ['path', 'file_path', 'filePath']
const CONTENTS = ['content', 'contents', 'file_text']
/** Longer texts, and those of several lines, get a block of their own. */
const LINE = 120

/** The arguments, longest last, files as differences: nothing is left out. */
export function shownArguments(parameters: JsonObject): readonly ShownArgument[] {
  const used = new Set<string>()
  const files = [...manyFiles(parameters, used), ...oneFile(parameters, used)]
  const rest = Object.entries(parameters).filter(([name]) => !used.has(name))
  const shown = rest.map(([name, value]): ShownArgument => {
    const long = typeof value === 'string' && (value.length > LINE || value.includes('\n'))
    return long ? { kind: 'text', name, text: value } : { kind: 'value', name, value }
  })
  const order = (argument: ShownArgument) => (argument.kind === 'value' ? 0 : 1)
  return [...shown.sort((one, two) => order(one) - order(two)), ...files]
}

/** `files: [{path, content}]`, as `push_files` has it. Taken only where every member is read: else it is shown as it is. */
function manyFiles(parameters: JsonObject, used: Set<string>): ShownArgument[] {
  const { files } = parameters
  if (!Array.isArray(files) || files.length === 0) return []
  const read = files.map((file: Json) => {
    if (!isObject(file) || Object.keys(file).length !== 2) return null
    const [path, content] = [textMember(file, 'path'), textMember(file, 'content')]
    return path === undefined || content === undefined ? null : additions(path, content)
  })
  if (read.some((file) => file === null)) return []
  used.add('files')
  return read.filter((file) => file !== null)
}

function oneFile(parameters: JsonObject, used: Set<string>): ShownArgument[] {
  const pathName = PATHS.find((name) => typeof parameters[name] === 'string')
  const path = pathName === undefined ? undefined : textMember(parameters, pathName)
  if (pathName === undefined || path === undefined) return []
  const edits = editsOf(parameters)
  if (edits !== null) {
    for (const name of edits.names) used.add(name)
    return [{ kind: 'file', path, known: true, lines: edits.lines }]
  }
  const contentName = CONTENTS.find((name) => typeof parameters[name] === 'string')
  const content = contentName === undefined ? undefined : textMember(parameters, contentName)
  if (contentName === undefined || content === undefined) return []
  used.add(contentName)
  return [additions(path, content)]
}

/** Replacements that say what they replace: there the old content is known. */
function editsOf(parameters: JsonObject): { names: readonly string[]; lines: readonly ChangedLine[] } | null {
  const { edits } = parameters
  if (Array.isArray(edits) && edits.length > 0) {
    const pairs = edits.map((edit: Json) => (isObject(edit) && Object.keys(edit).length === 2 ? pairOf(edit) : null))
    if (pairs.some((pair) => pair === null)) return null
    return { names: ['edits'], lines: pairs.flatMap((pair) => pair?.lines ?? []) }
  }
  return pairOf(parameters)
}

const PAIRS = [
  ['oldText', 'newText'],
  ['old_string', 'new_string'],
] as const

/** Where there is a second pair, the upstream may heed that one: it is shown as any other argument. */
function pairOf(edit: JsonObject): { names: readonly string[]; lines: readonly ChangedLine[] } | null {
  for (const [before, after] of PAIRS) {
    const [old, now] = [textMember(edit, before), textMember(edit, after)]
    if (old !== undefined && now !== undefined) return { names: [before, after], lines: lineChanges(old, now) }
  }
  return null
}

function additions(path: string, content: string): ShownArgument {
  return { kind: 'file', path, known: false, lines: lineChanges('', content) }
}
