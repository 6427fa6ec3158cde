import type { Action } from '../../core/envelope.ts'
import { isObject, type Json } from '../../core/json.ts'
import { readPath } from '../../core/paths.ts'

/** A file as the action will leave it. */
export interface WrittenFile {
  readonly path: string
  /** Null where it is deleted. */
  readonly now: string | null
}

/** The files that a writing tool names; null for another tool. @throws Error where one has no path or no text. */
export function writtenFiles({ tool, parameters }: Action): readonly WrittenFile[] | null {
  if (tool === 'github.push_files') {
    const { files } = parameters
    if (!Array.isArray(files)) throw new Error('the argument `files` is missing')
    return files.map((file: Json) => (isObject(file) ? written(file['path'], file['content']) : written(file, null)))
  }
  if (tool === 'github.create_or_update_file') return [written(parameters['path'], parameters['content'])]
  if (tool === 'github.delete_file') return [{ path: pathOf(parameters['path']), now: null }]
  return null
}

function written(path: Json | undefined, content: Json | undefined): WrittenFile {
  if (typeof content !== 'string') throw new Error('the content of a file is missing')
  return { path: pathOf(path), now: content }
}

/** As the catalog reads it, so that rules and facts speak of the same path. */
function pathOf(path: Json | undefined): string {
  if (typeof path !== 'string') throw new Error('the path of a file is missing')
  return readPath(path.replace(/^\/+/, '')).path
}
