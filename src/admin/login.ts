import { type Context, Hono } from 'hono'
import { AegisError, asAegisError, ERROR_CODES } from '../core/errors.ts'
import { type Clock, type Log, rfc3339 } from '../core/runtime.ts'
import { demandCsrf, demandOwnPage, type Keyring, type Login, localPath, type Sessions } from '../identity/index.ts'
import { createTeller } from '../identity/once-a-minute.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { LoginDesk } from '../oversight/logins.ts'
import { type AdminEnv, formOf } from './caller.ts'
import { loginPage, loginStyle, onwardPage } from './login-pages.ts'

export interface LoginParts {
  readonly sessions: Sessions
  /** Null where no provider is configured: then keys alone. */
  readonly login: Login | null
  readonly keyring: Pick<Keyring, 'authenticate'>
  /** As browsers reach us. */
  readonly adminUrl: string
  readonly clock: Clock
  readonly log: Log
}

/** `/login` and `/logout`: for browsers, at the door that looks at cookies. */
export function loginRoutes(parts: LoginParts): (app: Hono<AdminEnv>) => void {
  const pages = new Hono<AdminEnv>()
  const provider = parts.login?.name ?? null
  const told = createTeller(parts.log, parts.clock)
  pages.onError((thrown, context) => {
    const error = asAegisError(thrown)
    const { http } = ERROR_CODES[error.code]
    if (http >= 500) parts.log.error({ error: error.message }, 'a login failed')
    else told(error.message, { reason: error.message }, 'a login was refused')
    const said = http === 500 ? 'Something went wrong here; the log says what.' : sentence(error)
    return loginPage({ provider, returnTo: localPath(context.req.query('return_to')), said }, http)
  })
  pages.get('/login/style.css', loginStyle)
  showLogin(pages, parts, provider)
  logInByKey(pages, parts)
  logInAtProvider(pages, parts)
  logOut(pages, parts)
  return (app) => void app.route('/', pages)
}

function sentence({ message, advice }: AegisError): string {
  const parts = advice === null ? [message] : [message, advice]
  return parts.map((part) => `${part.charAt(0).toUpperCase()}${part.slice(1)}.`).join(' ')
}

function showLogin(app: Hono<AdminEnv>, { sessions }: LoginParts, provider: string | null): void {
  app.get('/login', async (context) => {
    const returnTo = localPath(context.req.query('return_to'))
    if ((await sessions.authenticate(context.req.raw.headers)) !== null) return context.redirect(returnTo, 303)
    // Who follows a link from a chat or a mail comes without the cookie; asked again from here, the browser brings it.
    if (isFromElsewhere(context)) return onwardPage(`/login?return_to=${encodeURIComponent(returnTo)}`)
    return loginPage({ provider, returnTo, said: null })
  })
}

function isFromElsewhere({ req }: Context): boolean {
  return ['cross-site', 'same-site'].includes(req.header('sec-fetch-site') ?? '')
}

function logInByKey(app: Hono<AdminEnv>, parts: LoginParts): void {
  app.post('/login', async (context) => {
    // Else another site could log somebody in as somebody else.
    demandOwnPage(context.req.raw.headers, parts.adminUrl)
    const form = await formOf(context)
    const record = await parts.keyring.authenticate(form.get('key')?.trim() ?? '')
    if (record === null) throw new AegisError('unauthenticated', 'there is no such key')
    if (record.role === 'agent') {
      throw new AegisError('forbidden', "this is an agent's key", { advice: 'log in with a key of a person' })
    }
    await admit(context, parts, record, 'key')
    return context.redirect(localPath(context.req.query('return_to')), 303)
  })
}

function logInAtProvider(app: Hono<AdminEnv>, parts: LoginParts): void {
  const configured = (): Login => {
    if (parts.login !== null) return parts.login
    throw new AegisError('not_found', 'there is nothing to log in at', { advice: 'log in with a key' })
  }
  app.get('/login/start', async (context) => {
    const { location, cookie } = await configured().start(context.req.query('return_to') ?? '/')
    context.header('Set-Cookie', cookie)
    context.header('Cache-Control', 'no-store')
    context.header('Referrer-Policy', 'no-referrer')
    return context.redirect(location, 303)
  })
  app.get('/login/callback', async (context) => {
    const { searchParams } = new URL(context.req.url)
    const { record, returnTo } = await configured().finish(searchParams, context.req.raw.headers)
    await admit(context, parts, record, 'provider')
    const onward = await onwardPage(returnTo)
    for (const [name, value] of onward.headers) context.header(name, value)
    return context.body(await onward.text(), 200)
  })
}

async function admit(context: Context, parts: LoginParts, record: KeyRecord, by: 'key' | 'provider'): Promise<void> {
  context.header('Set-Cookie', await parts.sessions.begin(record, context.req.raw.headers))
  context.header('Cache-Control', 'no-store')
  parts.log.info({ key: record.id, name: record.name, role: record.role, owner: record.owner, by }, 'logged in')
}

function logOut(app: Hono<AdminEnv>, { sessions, adminUrl, log }: LoginParts): void {
  app.post('/logout', async (context) => {
    const { headers } = context.req.raw
    demandOwnPage(headers, adminUrl)
    const visitor = await sessions.authenticate(headers)
    if (visitor !== null) {
      demandCsrf(visitor.csrf, context.req.header('x-csrf-token') ?? (await formOf(context)).get('csrf'))
      context.header('Set-Cookie', await sessions.end(headers))
      log.info({ key: visitor.record.id, name: visitor.record.name }, 'logged out')
    }
    return context.redirect('/login', 303)
  })
}

/** Where one is logged in, and the end of it elsewhere. */
export function loginDeskRoutes(logins: LoginDesk): (app: Hono<AdminEnv>) => void {
  return (app) => {
    app.get('/admin/v1/logins', async (context) => {
      const found = await logins.list(context.get('key'))
      const shown = found.map(({ id, createdAt, seenAt, endsAt }) => ({
        ...{ id, since: rfc3339(createdAt), last_seen: rfc3339(seenAt), ends: rfc3339(endsAt) },
      }))
      return context.json({ logins: shown })
    })
    app.delete('/admin/v1/logins/:id', async (context) => {
      const id = context.req.param('id')
      await logins.end(context.get('key'), id)
      return context.json({ ended: id })
    })
  }
}
