import { doubtOf, NO_RESOURCE } from '../acts.ts'
import type { Capability } from '../envelope.ts'
import { AegisError } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import { hiddenCharacter } from '../visible-text.ts'
import type { Described } from './catalog.ts'
import { neededText, oneAct, optionalText, reading, unknownTool } from './reading.ts'

/** RFC 9110 section 9.2.1 calls these safe; every other method counts as a write, DELETE as a deletion. */
const METHODS: ReadonlyMap<string, Capability> = new Map<string, Capability>([
  ['get', 'read'],
  ['head', 'read'],
  ['options', 'read'],
  ['post', 'write'],
  ['put', 'write'],
  ['patch', 'write'],
  ['delete', 'delete'],
])

/**
 * An HTTP request: `http.get` and so on, or `http.request` with `parameters.method`. The target is the URL in normal form
 * (WHATWG URL), without its fragment and never with the user and password it may carry.
 * @throws AegisError `invalid_params` where the URL is none, is not http(s), or the method disagrees with the tool.
 */
export function describeHttp(tool: string, parameters: JsonObject): Described {
  const from = reading(parameters)
  const method = methodOf(tool, optionalText(from, 'method')?.toLowerCase() ?? null)
  const capability = METHODS.get(method)
  if (capability === undefined) from.doubts.push(unknownTool(`http.${method}`))
  const text = neededText(from, 'url')
  const target = text === null ? '' : urlOf(text, from.doubts)
  const resource = { ...NO_RESOURCE, target, operands: target === '' ? [] : [target] }
  const act = { protocol: 'http', tool: `http.${method}`, capability: capability ?? 'write', resource } as const
  return oneAct({ ...act, doubt: doubtOf(from.doubts) }, parameters)
}

function methodOf(tool: string, given: string | null): string {
  if (tool === 'request') return given ?? 'get'
  if (given !== null && given !== tool) {
    throw new AegisError('invalid_params', `the tool is http.${tool}, but \`method\` says otherwise`, {
      path: 'parameters.method',
      advice: 'Leave `method` out, or call http.request.',
    })
  }
  return tool
}

function urlOf(text: string, doubts: string[]): string {
  const hidden = hiddenCharacter(text)
  // The URL parser drops tabs and newlines and turns `\` into `/`: another reader may not.
  if (hidden !== null || text.includes('\\')) doubts.push('the URL holds characters that readers of URLs disagree on')
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new AegisError('invalid_params', '`url` is not an absolute http or https URL', { path: 'parameters.url' })
  }
  if (url.username !== '' || url.password !== '') doubts.push('the URL carries a user name or password')
  url.username = ''
  url.password = ''
  url.hash = ''
  return url.href
}
