/** The two cookies of a browser: who is logged in, and which login it has begun. */
export interface Cookies {
  readonly session: Cookie
  readonly attempt: Cookie
}

export interface Cookie {
  readonly name: string
  /** Its value in a request; null where there is none, or more than one. */
  read(headers: Headers): string | null
  /** `Set-Cookie` (RFC 6265). `seconds`: how long the browser keeps it; absent: until it is closed. */
  set(value: string, seconds?: number): string
  /** `Set-Cookie` that has the browser forget it. */
  clear(): string
}

/**
 * @param adminUrl the admin plane as browsers reach it. Behind https the names have the prefix `__Host-`, so that no other host of the
 * domain, and no page without TLS, can set them. Without, the port is part of the name: browsers tell no ports of a host apart.
 */
export function createCookies(adminUrl: string): Cookies {
  const { protocol, port } = new URL(adminUrl)
  const isSecure = protocol === 'https:'
  const cookie = (what: string, sameSite: 'Strict' | 'Lax'): Cookie => {
    const name = isSecure ? `__Host-aegis-${what}` : `aegis-${what}-${port || '80'}`
    const attributes = `Path=/; HttpOnly; SameSite=${sameSite}${isSecure ? '; Secure' : ''}`
    return {
      name,
      read: (headers) => only(valuesOf(headers.get('cookie') ?? '', name)),
      set: (value, seconds) =>
        `${name}=${value}; ${attributes}${seconds === undefined ? '' : `; Max-Age=${Math.max(0, Math.ceil(seconds))}`}`,
      clear: () => `${name}=; ${attributes}; Max-Age=0`,
    }
  }
  // The answer of an issuer is a navigation from another site: a Strict cookie would not come along.
  return { session: cookie('session', 'Strict'), attempt: cookie('login', 'Lax') }
}

function valuesOf(header: string, name: string): string[] {
  return header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
}

/** Of two cookies of one name, somebody else may have set one. */
function only(values: readonly string[]): string | null {
  const [value] = values
  return values.length === 1 && value !== undefined && value !== '' ? value : null
}
