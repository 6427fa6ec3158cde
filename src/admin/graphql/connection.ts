import { AegisError } from '../../core/errors.ts'

/** Items of a page where the client does not say, and at most. */
export const DEFAULT_PAGE = 20
export const LARGEST_PAGE = 100

export interface PageArguments {
  readonly first?: number | null
  readonly after?: string | null
}

/** A page of a list, as "GraphQL Cursor Connections" of Relay has it. */
export interface Connection<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[]
  readonly pageInfo: {
    readonly hasNextPage: boolean
    readonly hasPreviousPage: boolean
    readonly startCursor: string | null
    readonly endCursor: string | null
  }
}

/** @throws AegisError `invalid_request` */
export function pageSize({ first }: PageArguments): number {
  const size = first ?? DEFAULT_PAGE
  if (Number.isInteger(size) && size >= 1 && size <= LARGEST_PAGE) return size
  throw new AegisError('invalid_request', `\`first\` must be a whole number from 1 to ${LARGEST_PAGE}`, {
    path: 'first',
  })
}

/** @param more whether the list goes on after these. */
export function connection<T>(
  items: readonly { readonly cursor: string; readonly node: T }[],
  more: boolean,
  { after }: PageArguments,
): Connection<T> {
  return {
    edges: items,
    pageInfo: {
      hasNextPage: more,
      hasPreviousPage: after !== undefined && after !== null,
      startCursor: items[0]?.cursor ?? null,
      endCursor: items.at(-1)?.cursor ?? null,
    },
  }
}
