import { AegisError } from '../errors.ts'
import type { Json, JsonObject } from '../json.ts'
import { excerpt } from '../paths.ts'
import { presentName } from './github-aliases.ts'
import { GITHUB_TOOLS } from './github-tools.ts'
import { member, spelling } from './reading.ts'

/**
 * The parameters with what `target` supplies filled in: owner and repository, a path, a URL, a statement.
 * @throws AegisError `invalid_params` where target and parameters disagree.
 */
export function fillTarget(prefix: string, tool: string, target: string, parameters: JsonObject): JsonObject {
  if (target === '') return parameters
  switch (prefix) {
    case 'github':
      return GITHUB_TOOLS.get(presentName(tool).tool)?.scope === 'none'
        ? parameters
        : fillRepository(target, parameters)
    case 'git':
      return fillOne(target, parameters, ['repo_path', 'path'])
    case 'sql':
      return fillOne(target, parameters, ['sql', 'query', 'statement'])
    case 'http':
      return fillOne(target, parameters, ['url'])
    default:
      // A move names both ends itself, and a list of paths is its own target.
      return ['source', 'paths'].some((key) => Object.hasOwn(parameters, key))
        ? parameters
        : fillOne(target, parameters, ['path', 'file_path', 'filePath'])
  }
}

function fillRepository(target: string, parameters: JsonObject): JsonObject {
  const parts = target.split('/')
  const [owner = '', repo = ''] = parts
  if (parts.length !== 2 || owner === '' || repo === '') {
    throw new AegisError('invalid_params', `the target ${excerpt(target)} is not \`owner/repository\``, {
      path: 'target',
    })
  }
  return { ...parameters, owner: agreed('owner', owner, parameters), repo: agreed('repo', repo, parameters) }
}

/** GitHub names compare without case; what the parameters say is what runs. */
function agreed(key: string, wanted: string, parameters: JsonObject): Json {
  const given = member(parameters, key)
  if (given === undefined) return wanted
  if (typeof given === 'string' && given.toLowerCase() !== wanted.toLowerCase()) throw disagree(key)
  return given
}

function fillOne(target: string, parameters: JsonObject, keys: readonly [string, ...string[]]): JsonObject {
  const found = spelling(parameters, keys)
  if (found === null) return { ...parameters, [keys[0]]: target }
  if (found.value !== target) throw disagree(found.key)
  return parameters
}

function disagree(key: string): AegisError {
  return new AegisError('invalid_params', `\`target\` and \`parameters.${key}\` disagree`, {
    path: 'target',
    advice: 'Send the target once, or twice the same.',
  })
}
