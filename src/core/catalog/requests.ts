import { doubtOf, NO_RESOURCE } from '../acts.ts'
import type { Branch, Capability, JudgedRequest, Protocol, Repository, Resource } from '../envelope.ts'
import { AegisError } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import { excerpt, readPath } from '../paths.ts'
import { refuseTwins } from '../strict-json.ts'
import { hiddenCharacter } from '../visible-text.ts'
import type { CatalogName, Described } from './catalog.ts'
import { member, misTyped, oneAct } from './reading.ts'

/** A request of MCP that is an action though it calls no tool. */
export interface UpstreamRequest {
  readonly upstream: string
  readonly catalog: CatalogName
  readonly method: JudgedRequest
  /** Its `params` without `_meta`. */
  readonly parameters: JsonObject
}

/** The protocol of what an upstream of each catalog offers besides tools. */
const PROTOCOLS = {
  github: 'git',
  git: 'git',
  filesystem: 'file',
  sql: 'sql',
  none: 'mcp',
} as const satisfies Record<CatalogName, Protocol>

/** Longest URI or name that is judged as it stands, in characters. */
const MAX_NAME = 4096

/**
 * `<catalog or upstream>.resources.read`: with dots, for a `*` in a rule's `tool` stops at a slash, and a rule on `files.*`
 * must mean all of `files`.
 */
export function requestTool(upstream: string, catalog: CatalogName, method: string): string {
  return `${catalog === 'none' ? upstream : catalog}.${method.replaceAll('/', '.')}`
}

/**
 * What policy sees of `resources/read` and `prompts/get`: a read, its target the URI or the prompt's name.
 * @throws AegisError `invalid_params` where the URI or the name is missing or no text
 */
export function describeRequest({ upstream, catalog, method, parameters }: UpstreamRequest): Described {
  refuseTwins(parameters, 'params')
  const tool = requestTool(upstream, catalog, method)
  const protocol = PROTOCOLS[catalog]
  const capability: Capability = 'read'
  const { resource, doubts } =
    method === 'resources/read'
      ? readUri(neededMember(parameters, 'uri'), catalog)
      : readName(neededMember(parameters, 'name'))
  const doubt = doubtOf(doubts)
  return oneAct({ protocol, tool, capability, resource, doubt, ...(doubt !== null && { strays: true }) }, parameters)
}

function neededMember(parameters: JsonObject, key: string): string {
  const value = member(parameters, key)
  if (value === undefined) throw new AegisError('invalid_params', `\`${key}\` is missing`, { path: `params.${key}` })
  if (typeof value !== 'string') throw misTyped(key, 'text', value)
  if (value !== '' && value.length <= MAX_NAME) return value
  throw new AegisError('invalid_params', `\`${key}\` must have 1 to ${MAX_NAME} characters`, { path: `params.${key}` })
}

function readName(name: string): { resource: Resource; doubts: string[] } {
  const hidden = hiddenCharacter(name)
  const doubts = hidden === null ? [] : [`the prompt's name holds the hidden character ${hidden}`]
  return { resource: { ...NO_RESOURCE, target: name, operands: [name] }, doubts }
}

/** RFC 3986, appendix B, with a scheme demanded. */
const URI = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s

/**
 * The paths in a URI, so that what rules say of places (`**` + `/.env*`) holds for resources of every scheme. Which part an
 * upstream takes for a path is its own affair: the authority, the path, the values of the query and the fragment all count.
 */
function readUri(uri: string, catalog: CatalogName): { resource: Resource; doubts: string[] } {
  const doubts: string[] = []
  const target = { ...NO_RESOURCE, target: uri, operands: [uri] }
  const hidden = hiddenCharacter(uri)
  if (hidden !== null) doubts.push(`the URI holds the hidden character ${hidden}`)
  const parts = URI.exec(uri)
  if (parts === null) return { resource: { ...target, paths: [uri] }, doubts: [...doubts, `${excerpt(uri)} is no URI`] }
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = parts
  const host = authority.toLowerCase() === 'localhost' ? '' : authority
  const values = query.split('&').map((pair) => pair.slice(pair.indexOf('=') + 1))
  const places = [host + path, ...values, fragment].filter((place) => place !== '')
  const paths = places.map((place) => placeOf(place, doubts))
  if (catalog !== 'github' || scheme.toLowerCase() !== 'repo') return { resource: { ...target, paths }, doubts }
  return { resource: { ...target, paths: repositoryPaths(paths), ...repositoryOf(paths[0] ?? '', doubts) }, doubts }
}

function placeOf(text: string, doubts: string[]): string {
  const decoded = decode(text)
  if (decoded === null || /%[0-9a-f]{2}/i.test(decoded))
    doubts.push(`${excerpt(text)} is encoded so that it can mean two things`)
  const read = readPath(decoded ?? text)
  if (read.doubt !== null) doubts.push(read.doubt)
  return read.path
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** `name.git` is the same repository under a second name, in some places: it would have no room. */
const OWNER_OR_NAME = /^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}$/i

/** `repo://{owner}/{repo}/[refs/heads/{branch}|sha/{sha}|refs/tags/{tag}|refs/pull/{n}/head]/contents/{path}` of the official GitHub server. */
function repositoryOf(place: string, doubts: string[]): { repository: Repository | null; branch: Branch } {
  const [owner, name, ...rest] = place.split('/')
  if (
    !OWNER_OR_NAME.test(owner ?? '') ||
    !OWNER_OR_NAME.test(name ?? '') ||
    owner === undefined ||
    name === undefined
  ) {
    doubts.push('the URI names no repository')
    return { repository: null, branch: { kind: 'none' } }
  }
  const heads = rest[0] === 'refs' && rest[1] === 'heads' ? rest.slice(2, rest.indexOf('contents')) : []
  const branch: Branch = heads.length > 0 ? { kind: 'named', name: heads.join('/') } : { kind: 'none' }
  return { repository: { owner, name }, branch }
}

/** The path inside the repository beside the whole: rules are written for either. */
function repositoryPaths(paths: readonly string[]): readonly string[] {
  return paths.map((path) => {
    const at = path.indexOf('/contents/')
    return at === -1 ? path : path.slice(at + '/contents/'.length)
  })
}
