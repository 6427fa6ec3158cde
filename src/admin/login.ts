import { type Context, Hono } from 'hono'
import { AegisError, asAegisError, ERROR_CODES } from '../core/errors.ts'
import { type Clock, type Log, rfc3339 } from '../core/runtime.ts'
import {
  cameByOtherLoopbackName,
  demandCsrf,
  demandOwnPage,
  type Keyring,
  type Login,
  LoginRefusal,
  localPath,
  type Sessions,
} from '../identity/index.ts'
import { createTeller } from '../identity/once-a-minute.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { LoginDesk } from '../oversight/logins.ts'
import { type AdminEnv, formOf } from './caller.ts'
import { endingText, loginPage, loginStyle, onwardPage } from './login-pages.ts'

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
  const tell = tellerOf(parts)
  pages.onError((thrown, context) => {
    const error = asAegisError(thrown)
    tell(error)
    const [http, said] = answerTo(error)
    return loginPage({ provider, returnTo: localPath(context.req.query('return_to')), said }, http)
  })
  pages.get('/login/style.css', loginStyle)
  showLogin(pages, parts, provider)
  logInByKey(pages, parts)
  logInAtProvider(pages, parts)
  logOut(pages, parts)
  return (app) => void app.route('/', pages)
}

/** For the log alone: all that is known. One person's refusals do not hide another's. */
function tellerOf({ log, clock }: LoginParts): (error: AegisError) => void {
  const refused = createTeller(log, clock)
  const failed = createTeller({ ...log, warn: log.error }, clock)
  return (error) => {
    const forLog = error instanceof LoginRefusal ? error.forLog : {}
    const name = `${error.message} ${forLog['principal'] ?? ''}`
    const advice = error.advice === null ? {} : { advice: error.advice }
    if (ERROR_CODES[error.code].http < 500) refused(name, { reason: error.message, ...forLog }, 'a login was refused')
    else failed(name, { error: error.message, ...advice, ...forLog }, 'a login failed')
  }
}

/** What people read: nothing of our files and insides. */
function answerTo(error: AegisError): readonly [number, string] {
  const { http } = ERROR_CODES[error.code]
  if (error.code === 'config') {
    return [
      503,
      'The login is not set up right here; an administrator finds the reason in the log. Keys go on working.',
    ]
  }
  return [http, http === 500 ? 'Something went wrong here; the log says what.' : sentence(error)]
}

function sentence({ message, advice }: AegisError): string {
  const parts = advice === null ? [message] : [message, advice]
  // A name or an address keeps its letters.
  const capital = (part: string) =>
    part.replace(/^[a-z]+(?=[ ,:])/, (word) => word.charAt(0).toUpperCase() + word.slice(1))
  return parts.map((part) => `${capital(part)}.`).join(' ')
}

function showLogin(app: Hono<AdminEnv>, { sessions }: LoginParts, provider: string | null): void {
  app.get('/login', async (context) => {
    const { headers } = context.req.raw
    const returnTo = localPath(context.req.query('return_to'))
    if ((await sessions.authenticate(headers)) !== null) return context.redirect(returnTo, 303)
    // Who follows a link from a chat or a mail comes without the cookie; asked again from here, the browser brings it.
    if (isFromElsewhere(context)) return onwardPage(`/login?return_to=${encodeURIComponent(returnTo)}`)
    const ending = sessions.ending(headers)
    return loginPage({ provider, returnTo, said: ending && endingText(ending) })
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
    const login = configured()
    const returnTo = localPath(context.req.query('return_to'))
    // Once: a proxy that writes a Host of its own would be sent round in a circle.
    const isMoved = context.req.query('moved') !== undefined
    if (!isMoved && cameByOtherLoopbackName(context.req.raw.headers, parts.adminUrl)) {
      return context.redirect(`${parts.adminUrl}/login/start?moved=1&return_to=${encodeURIComponent(returnTo)}`, 303)
    }
    const { location, cookie } = await login.start(returnTo)
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
      const current = context.get('login')
      const shown = found.map(({ id, createdAt, seenAt, endsAt }) => ({
        ...{
          id,
          since: rfc3339(createdAt),
          last_seen: rfc3339(seenAt),
          ends: rfc3339(endsAt),
          current: id === current,
        },
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
