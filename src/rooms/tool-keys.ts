import { GITHUB_ALIASES } from '../core/catalog/github-aliases.ts'
import { GITHUB_METHODS } from '../core/catalog/github-methods.ts'
import { GITHUB_TOOLS } from '../core/catalog/github-tools.ts'
import { canonicalToolName } from '../core/catalog/index.ts'
import { AegisError } from '../core/errors.ts'
import { nearest } from '../core/spelling.ts'
import { quoted } from './room.ts'

const PREFIX = 'github.'
/** Reading a resource such as `repo://acme/site/contents/README.md` names its repository too. */
const REQUESTS = ['resources.read']

/**
 * The name of a tool as a role's map keeps it: `push_files`, `github.push_files`, `issue_read:get_comments` and old names of
 * the same, in their present canonical form.
 * @throws AegisError `invalid_request` for a name that could never match: a map entry that does nothing would look like protection
 */
export function toolKey(text: string): string {
  const name = canonicalToolName(text.startsWith(PREFIX) ? text : PREFIX + text).slice(PREFIX.length)
  const [tool = '', method, ...more] = name.split(':')
  if (more.length > 0) throw unknown(text, null)
  if (REQUESTS.includes(tool) && method === undefined) return PREFIX + tool
  const known = GITHUB_TOOLS.get(tool)
  if (known === undefined) throw unknown(text, nearest(tool, knownNames()))
  if (known.scope === 'none') throw withoutRepository(text)
  if (method === undefined) return PREFIX + tool
  const methods = GITHUB_METHODS.get(tool) ?? {}
  if (Object.hasOwn(methods, method)) return `${PREFIX}${tool}:${method}`
  throw unknownMethod(text, tool, Object.keys(methods), method)
}

function knownNames(): readonly string[] {
  return [...GITHUB_TOOLS.keys(), ...GITHUB_ALIASES.keys(), ...REQUESTS]
}

function unknown(text: string, near: string | null): AegisError {
  return new AegisError('invalid_request', `no tool of GitHub's server is called ${quoted(text)}`, {
    path: 'tool',
    advice:
      near === null ? 'name it as the server does: push_files, issue_read:get_comments' : `did you mean \`${near}\`?`,
  })
}

function withoutRepository(text: string): AegisError {
  return new AegisError('invalid_request', `${quoted(text)} names no repository, so that no room governs it`, {
    path: 'tool',
    advice: 'write a rule for it in the policy file; keys of a room cannot use it at all',
  })
}

function unknownMethod(text: string, tool: string, methods: readonly string[], method: string): AegisError {
  const near = nearest(method, methods)
  return new AegisError('invalid_request', `${quoted(text)} is no method of ${tool}`, {
    path: 'tool',
    advice:
      methods.length === 0
        ? `${tool} has no methods: leave out \`:${method.slice(0, 40)}\``
        : near === null
          ? `known are: ${methods.join(', ')}`
          : `did you mean \`${tool}:${near}\`?`,
  })
}
