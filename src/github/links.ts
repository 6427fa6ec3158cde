/** What the `Link` header (RFC 8288) says of a list: whether it goes on, and where it ends. Its addresses are never followed. */
export interface PageLinks {
  readonly next: boolean
  /** Number of the last page; null where it is not told. */
  readonly last: number | null
}

export function readLinks(header: string | null): PageLinks {
  let next = false
  let last: number | null = null
  for (const [, address = '', rel] of (header ?? '').matchAll(/<([^>]{1,2000})>\s*;\s*rel="(next|last)"/g)) {
    if (rel === 'next') next = true
    else last = pageNumber(address)
  }
  return { next, last }
}

function pageNumber(address: string): number | null {
  const digits = /[?&]page=(\d{1,6})(?:&|$)/.exec(address)?.[1]
  return digits === undefined ? null : Number(digits)
}
