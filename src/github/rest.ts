import { AegisError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Clock } from '../core/runtime.ts'
import { mapBounded } from './bounded.ts'
import { exchange, type Fetch, NoAnswer, type Wire, type WireAnswer } from './exchange.ts'
import { readLinks } from './links.ts'
import { createRestMemory, type Kept, type RestMemory } from './memory.ts'
import { pageOf, underId } from './paths.ts'
import { paused, pauseOf, refusal } from './refusals.ts'

export interface RestOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise server. */
  readonly apiUrl: string
  readonly fetch: Fetch
  readonly clock: Clock
  /** The token for the next request; whoever gives it keeps and renews it. */
  readonly token: () => Promise<string>
  /** Whose token it is and for what (`7/acme/site`): what one subject has read is never given to another. */
  readonly subject?: string
  /** Whose rate limit it spends, such as the installation; the subject where nothing is said. */
  readonly account?: string
  /** Shared among clients with different subjects; one of its own where none is given. */
  readonly memory?: RestMemory
}

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Most bytes of the answer, unpacked; 1 MiB where nothing is said. */
  readonly limit?: number
}

export interface ReadOptions extends RequestOptions {
  /**
   * `revalidate`: asks GitHub each time, which costs nothing of the rate limit where nothing has changed (default). A
   * number: an answer will do that was asked for within so many milliseconds, two seconds at most, and askers at the same
   * time share one. `for good`: what a SHA names never changes.
   */
  readonly keep?: 'revalidate' | 'for good' | number
}

export interface PageOptions extends ReadOptions {
  /** Most pages of 100 items. */
  readonly most: number
  /** The items of one page's body, null where it is no page. A list where nothing is said. */
  readonly items?: (body: Json) => readonly Json[] | null
}

export interface RestAnswer {
  /** Null where there is none (204). */
  readonly body: Json
  /** GitHub's number of the repository, where the name asked for is a former one of it. */
  readonly moved: number | null
}

export interface RestPages {
  readonly items: readonly Json[]
  /** The body of the first page. */
  readonly first: Json
  /** False where there are more pages than were asked for. */
  readonly complete: boolean
  readonly moved: number | null
}

/**
 * GitHub's REST API for one token. Paths begin with `/` and come escaped (`repositoryPath`).
 * @throws AegisError `upstream_unreachable` for every answer but 2xx and for none: `data.status` (see `statusOf`), `data.sent` false
 *   where nothing reached GitHub, `data.retry_after` in seconds. Neither it nor its cause holds the token.
 */
export interface GithubRest {
  /** Follows a renamed repository to its number at the same origin, and says so. */
  get(path: string, options?: ReadOptions): Promise<RestAnswer>
  /** All pages of a list, the later ones four at a time. */
  pages(path: string, options: PageOptions): Promise<RestPages>
  /** A request that changes something: never repeated, never redirected. */
  send(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: JsonObject,
    options?: RequestOptions,
  ): Promise<RestAnswer>
}

const DEFAULT_LIMIT = 1024 * 1024
const PAGE_LIMIT = 8 * 1024 * 1024
const LONGEST_KEPT_MS = 2000
const PAGES_AT_ONCE = 4

type Asked = Pick<Wire, 'method' | 'etag' | 'body' | 'limit' | 'signal'> & { readonly path: string }

export function createGithubRest(options: RestOptions): GithubRest {
  const { fetch, clock, token, subject = '', account = subject } = options
  const memory = options.memory ?? createRestMemory(clock)
  const base = new URL(options.apiUrl).href.replace(/\/+$/, '')

  async function ask(asked: Asked): Promise<WireAnswer> {
    const { path, ...rest } = asked
    const line = `${asked.method} ${shown(path)}`
    refuseClimbing(path, line)
    const left = memory.pauseLeft(account)
    if (left > 0) throw paused(line, left)
    const bearer = await token()
    const answer = await exchange(fetch, { ...rest, url: base + path, bearer }).catch((error: unknown) => {
      throw unanswered(line, error)
    })
    const pause = pauseOf(answer, clock.now())
    if (pause !== null) memory.pause(account, pause)
    if (isGood(answer.status) || movedTo(asked, answer) !== null) return answer
    throw refusal(line, answer, pause)
  }

  /** The repository's number where GitHub says that it goes by another name now; only this number is taken from the redirect. */
  function movedTo({ method, path }: Asked, { status, headers }: WireAnswer): number | null {
    if (method !== 'GET' || ![301, 302, 307, 308].includes(status) || underId(path, 0) === null) return null
    const location = headers.get('location') ?? ''
    const target = URL.canParse(location, base) ? new URL(location, base).href : ''
    const digits = target.startsWith(`${base}/repositories/`) ? target.slice(base.length + 14) : ''
    const id = /^(\d{1,15})(?:[/?]|$)/.exec(digits)?.[1]
    return id === undefined ? null : Number(id)
  }

  async function read(path: string, limit: number, signal: AbortSignal | null): Promise<Kept> {
    const key = keyOf(path)
    const known = memory.kept(key)
    const at = clock.elapsed()
    const asked: Asked = { method: 'GET', path, etag: known?.etag ?? null, body: null, limit, signal }
    const first = await ask(asked)
    const moved = movedTo(asked, first)
    const answer = moved === null ? first : await follow(asked, moved)
    if (answer.status === 304 && known === undefined)
      throw strange(asked, 'says that nothing changed, of what it never gave')
    const kept = answer.status === 304 && known !== undefined ? known : fresh(asked, answer)
    const confirmed = { ...kept, moved, at }
    // Of two askers the later one knows better, whoever is answered first.
    if ((memory.kept(key)?.at ?? at) <= at) memory.keep(key, confirmed)
    return confirmed
  }

  async function follow(asked: Asked, id: number): Promise<WireAnswer> {
    const path = underId(asked.path, id)
    const target = { ...asked, path: path ?? asked.path }
    const answer = await ask(target)
    if (movedTo(target, answer) !== null) throw strange(asked, 'redirects twice')
    return answer
  }

  function fresh(asked: Asked, { headers, text }: WireAnswer): Kept {
    const body = parse(asked, text)
    // Two bytes a character in memory, and as much again for the objects.
    const size = text.length * 4
    return { body, links: readLinks(headers.get('link')), moved: null, etag: headers.get('etag'), size, at: 0 }
  }

  const keyOf = (path: string): string => `${subject}\n${base}\n${path}`

  async function get(path: string, more: ReadOptions = {}): Promise<Kept> {
    const { keep = 'revalidate', limit = DEFAULT_LIMIT, signal = null } = more
    if (keep === 'revalidate') return read(path, limit, signal)
    const key = keyOf(path)
    const known = memory.kept(key)
    const since = keep === 'for good' ? 0 : clock.elapsed() - Math.min(keep, LONGEST_KEPT_MS)
    const fine = known !== undefined && (keep === 'for good' || known.at > since)
    return fine ? known : memory.share(key, since, signal, (shared) => read(path, limit, shared))
  }

  async function pages(path: string, more: PageOptions): Promise<RestPages> {
    const { most, items = listOf, limit = PAGE_LIMIT, ...rest } = more
    const page = (number: number): Promise<Kept> => get(pageOf(path, number), { ...rest, limit })
    const first = await page(1)
    const bodies = first.links.next ? [first, ...(await later(first, most, page))] : [first]
    const lists = bodies.map(({ body }) => items(body))
    if (lists.includes(null)) throw strange({ method: 'GET', path }, 'gives no list')
    const complete = bodies.at(-1)?.links.next === false
    return { items: lists.flatMap((list) => list ?? []), first: first.body, complete, moved: first.moved }
  }

  return {
    get,
    pages,
    async send(method, path, body, more = {}) {
      const { limit = DEFAULT_LIMIT, signal = null } = more
      const asked: Asked = {
        method,
        path,
        etag: null,
        body: body === undefined ? null : JSON.stringify(body),
        limit,
        signal,
      }
      const { text } = await ask(asked)
      return { body: text === '' ? null : parse(asked, text), moved: null }
    },
  }
}

async function later(first: Kept, most: number, page: (number: number) => Promise<Kept>): Promise<Kept[]> {
  const { last } = first.links
  if (last !== null) {
    const numbers = Array.from({ length: Math.max(Math.min(last, most) - 1, 0) }, (_, index) => index + 2)
    return mapBounded(numbers, PAGES_AT_ONCE, page)
  }
  const found: Kept[] = []
  for (let number = 2; number <= most; number += 1) {
    const next = await page(number)
    found.push(next)
    if (!next.links.next) break
  }
  return found
}

const isGood = (status: number): boolean => (status >= 200 && status < 300) || status === 304

const listOf = (body: Json): readonly Json[] | null => (Array.isArray(body) ? body : null)

/** `..` in a path would be folded away by the URL parser, and the request would be about something else. */
function refuseClimbing(path: string, line: string): void {
  const [plain = ''] = path.split('?')
  if (/^\/(?!\/)[\x21-\x7e]*$/.test(path) && !/\/(?:\.|%2e){1,2}(?:\/|$)|[\\#]/i.test(plain)) return
  throw new AegisError('invalid_request', `${line}: not a path of GitHub's API`, { data: { sent: false } })
}

function parse(asked: Pick<Asked, 'method' | 'path'>, text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw strange(asked, 'is no JSON')
  }
}

function strange({ method, path }: Pick<Asked, 'method' | 'path'>, how: string): AegisError {
  return new AegisError('upstream_unreachable', `${method} ${shown(path)}: the answer ${how}`, {
    advice: 'check `api_url` of the credential: this does not look like GitHub',
    data: { sent: true },
  })
}

function unanswered(line: string, error: unknown): AegisError {
  if (error instanceof AegisError) return error
  const sent = error instanceof NoAnswer && error.sent
  const reason = error instanceof NoAnswer ? error.message : 'unknown reason'
  return new AegisError('upstream_unreachable', `${line} failed: ${reason}`, {
    advice: 'check `api_url` of the credential in aegis.yaml and the network',
    data: { sent },
  })
}

const shown = (path: string): string => (path.length > 200 ? `${path.slice(0, 197)}...` : path)
