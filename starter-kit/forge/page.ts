import type { Json } from '../../src/core/json.ts'
import type { Ask, Reply } from './router.ts'

/** `page` and `per_page` (30, at most 100), as every GitHub list takes them. */
export function pageOf(ask: Ask): { readonly page: number; readonly size: number } {
  const page = Number(ask.query.get('page') ?? '1')
  const size = Number(ask.query.get('per_page') ?? '30')
  return {
    page: Number.isSafeInteger(page) && page >= 1 ? Math.min(page, 100_000) : 1,
    size: Number.isSafeInteger(size) && size >= 1 ? Math.min(size, 100) : 30,
  }
}

/** One page of the whole list, with the `Link` header that clients walk (RFC 8288). */
export async function pageReply<T>(
  ask: Ask,
  path: string,
  all: readonly T[],
  shape: (item: T) => Json | Promise<Json>,
): Promise<Reply> {
  const { page, size } = pageOf(ask)
  const items = await Promise.all(all.slice((page - 1) * size, page * size).map(shape))
  const link = linkHeader(ask, path, page, Math.ceil(all.length / size))
  return { status: 200, json: items, headers: link === '' ? {} : { link } }
}

/** As `pageReply`, where the list is a member of an object. */
export function pageOfObject<T>(
  ask: Ask,
  path: string,
  all: readonly T[],
  shape: (shown: readonly T[]) => Json,
): Reply {
  const { page, size } = pageOf(ask)
  const link = linkHeader(ask, path, page, Math.ceil(all.length / size))
  const shown = all.slice((page - 1) * size, page * size)
  return { status: 200, json: shape(shown), headers: link === '' ? {} : { link } }
}

export function linkHeader(ask: Ask, path: string, page: number, last: number): string {
  const to = (number: number, rel: string): string => {
    const query = new URLSearchParams(ask.query)
    query.set('page', String(number))
    return `<${ask.site.origin}${path}?${query}>; rel="${rel}"`
  }
  const back = page > 1 ? [to(page - 1, 'prev'), to(1, 'first')] : []
  const onward = page < last ? [to(page + 1, 'next'), to(last, 'last')] : []
  return [...back, ...onward].join(', ')
}
