import type { StdioRoute } from './upstream-config.ts'

/** All that a child gets of our environment: never our own keys. */
const INHERITED = ['PATH', 'HOME', 'LANG'] as const

export type Environment = Readonly<Record<string, string | undefined>>

export function childEnvironment(route: StdioRoute, ours: Environment, secret: string | null): Record<string, string> {
  const env: Record<string, string> = {}
  for (const name of INHERITED) {
    const value = ours[name]
    if (value !== undefined) env[name] = value
  }
  Object.assign(env, route.env)
  if (secret !== null) env[route.credentialEnv] = secret
  return env
}

/** Any run of characters a token could be made of, plain, in hex or in base64. */
const OPAQUE = /[A-Za-z0-9_+/=.-]{20,}/g
/** Shorter configured values are words like `true`. */
const SECRET_LENGTH = 8

/** What may be logged of a child's stderr: no configured value, and of a child that holds a credential nothing that could be one. */
export function redactor(route: StdioRoute, secret: string | null): (line: string) => string {
  const configured = Object.entries(route.env).filter(([, value]) => value.length >= SECRET_LENGTH)
  return (line) => {
    let shown = line
    for (const [name, value] of configured) shown = shown.replaceAll(value, `[env ${name}]`)
    return secret === null ? shown : shown.replaceAll(secret, '[credential]').replace(OPAQUE, '[redacted]')
  }
}
