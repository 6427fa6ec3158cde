const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * The Host and Origin check against DNS rebinding: a page of a foreign site may make a browser send requests to
 * loopback, but cannot choose these headers. `allowed` adds names to the loopback ones, as `name` (any port) or
 * `name:port`.
 */
export function hostCheck(allowed: readonly string[]): (host: string | null, origin: string | null) => boolean {
  const names = new Set([...LOOPBACK, ...allowed.map((name) => name.toLowerCase())])
  const knownHost = (host: string): boolean => {
    const lower = host.toLowerCase()
    return names.has(lower) || names.has(lower.replace(/:\d{1,5}$/, ''))
  }
  return (host, origin) => host !== null && knownHost(host) && (origin === null || knownOrigin(origin, knownHost))
}

function knownOrigin(origin: string, knownHost: (host: string) => boolean): boolean {
  // `null` (sandboxed frames, files) and anything that is not scheme://host[:port] is foreign.
  const match = /^https?:\/\/([^/?#@\s]+)$/i.exec(origin)
  return match?.[1] !== undefined && knownHost(match[1])
}
