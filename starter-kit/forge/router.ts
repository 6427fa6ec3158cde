import type { Json, JsonObject } from '../../src/core/json.ts'
import type { AppDesk, Caller } from './app.ts'
import type { Permissions } from './permissions.ts'
import { Refusal } from './problem.ts'
import type { Repository } from './repository.ts'
import type { StateFile } from './state.ts'

/** What every handler works on. */
export interface Site {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly desk: AppDesk
  /** By full name in lower case. */
  readonly repositories: ReadonlyMap<string, Repository>
  readonly state: StateFile
  now(): number
}

export interface Ask {
  readonly site: Site
  readonly caller: Caller
  /** Decoded parts of the path, by the names in the route. */
  readonly part: (name: string) => string
  readonly query: URLSearchParams
  readonly body: JsonObject
  readonly method: string
  readonly accept: string
}

/** An ask about one repository, after the caller's right to it was checked. */
export interface RepositoryAsk extends Ask {
  readonly repository: Repository
  /** The acting account: an installation acts as the App's bot. */
  readonly actor: string
  readonly permissions: Permissions
}

export type Reply =
  | { readonly status: number; readonly json: Json; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number; readonly type: string; readonly content: string | Buffer }
  | { readonly status: 204 }

export const ok = (json: Json): Reply => ({ status: 200, json })
export const created = (json: Json): Reply => ({ status: 201, json })

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Route {
  readonly method: Method
  readonly pattern: RegExp
  readonly handle: (ask: Ask) => Promise<Reply> | Reply
}

/**
 * `GET /repos/{owner}/{repo}/git/ref/{ref+}`: `{x}` is one segment, `{x+}` one or more (branch names and paths hold slashes).
 * The first route that fits wins, so tables list the narrower one first.
 */
export function route(line: `${Method} /${string}`, handle: Route['handle']): Route {
  const [method, path = ''] = line.split(' ')
  const source = path
    .replace(/[.]/g, '\\.')
    .replace(/\{(\w+)\+\}/g, '(?<$1>.+?)')
    .replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')
  return { method: asMethod(method), pattern: new RegExp(`^${source}/?$`), handle }
}

function asMethod(text: string | undefined): Method {
  return text === 'POST' || text === 'PUT' || text === 'PATCH' || text === 'DELETE' ? text : 'GET'
}

/** The parts of a path that fits the route, decoded; null where it does not fit. @throws Refusal 400 on a bad escape. */
export function match(candidate: Route, path: string): ((name: string) => string) | null {
  const found = candidate.pattern.exec(path)
  if (found === null) return null
  const parts = new Map(Object.entries(found.groups ?? {}).map(([name, text]) => [name, decode(text)]))
  return (name) => parts.get(name) ?? ''
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Refusal(400, 'Bad Request')
  }
}
