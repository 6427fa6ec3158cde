import { AegisError, asAegisError, ERROR_CODES } from '../../core/errors.ts'
import { type AdminContext, callerOf, formOf } from '../door.ts'
import type { Assets } from './assets.ts'
import { pageHeaders } from './headers.ts'
import { type Frame, type Link, Page } from './parts/page.tsx'
import { Said } from './parts/said.tsx'
import type { DashboardParts, Shown, View, Viewing } from './viewing.ts'
import { demandPerson, type Visitor } from './visitor.ts'

/** Set by the page's own script: it wants to be told, not to be sent elsewhere. */
export const SCRIPT_HEADER = 'x-aegis-page'

export type Handler = (context: AdminContext) => Promise<Response>

export interface Renderer {
  /** A page for whoever is logged in; others are sent to log in. */
  page(view: View): Handler
  /** A change. Who is not logged in any more gets back what they wrote. */
  change(view: View): Handler
}

export function createRenderer(parts: DashboardParts, assets: Assets): Renderer {
  async function framed(visitor: Visitor, shown: Shown): Promise<Response> {
    const { body, status = 200, ...page } = shown
    const pending = await parts.oversight.approvals.waiting(visitor.key).catch(() => 0)
    const frame: Frame = { assets, visitor, pending, links: linksFor(visitor) }
    return answer(
      <Page frame={frame} {...page}>
        {body}
      </Page>,
      status,
    )
  }

  async function shown(context: AdminContext, view: View, visitor: Visitor): Promise<Response> {
    try {
      demandPerson(visitor)
      const viewing: Viewing = { parts, context, visitor, now: parts.clock.now() }
      const found = await view(viewing)
      return found instanceof Response ? found : await framed(visitor, found)
    } catch (thrown) {
      return framed(visitor, fault(parts, context, thrown))
    }
  }

  async function handled(context: AdminContext, view: View, unknown: () => Promise<Response>): Promise<Response> {
    try {
      const visitor = await callerOf(context, parts.keeping)
      return visitor === null ? await unknown() : await shown(context, view, visitor)
    } catch (thrown) {
      const { body, title, status = 500 } = fault(parts, context, thrown)
      return answer(<Bare assets={assets} title={title} body={body} />, status)
    }
  }

  return {
    page: (view) => (context) => handled(context, view, async () => toLogin(context, assets)),
    change: (view) => (context) => handled(context, view, () => ended(context, assets)),
  }
}

const LINKS: readonly (Link & { readonly role?: 'admin' })[] = [
  { place: 'activity', path: '/', name: 'Activity' },
  { place: 'approvals', path: '/approvals', name: 'Approvals' },
  { place: 'audit', path: '/audit', name: 'Audit trail' },
  { place: 'sessions', path: '/sessions', name: 'Sessions' },
  { place: 'rooms', path: '/rooms', name: 'Rooms' },
  { place: 'policies', path: '/policies', name: 'Policies' },
  { place: 'evidence', path: '/evidence', name: 'Evidence' },
  { place: 'notifications', path: '/notifications', name: 'Notifications' },
  { place: 'keys', path: '/keys', name: 'Keys', role: 'admin' },
]

function linksFor({ key }: Visitor): readonly Link[] {
  return LINKS.filter(({ role }) => role === undefined || key.role === role)
}

async function answer(page: unknown, status: number, headers = pageHeaders()): Promise<Response> {
  return new Response(`<!doctype html>${await (page as Promise<unknown>)}`, { status, headers })
}

function toLogin(context: AdminContext, assets: Assets): Promise<Response> | Response {
  if (context.req.header(SCRIPT_HEADER) !== undefined) return ended(context, assets)
  const { pathname, search } = new URL(context.req.url)
  return context.redirect(`/login?return_to=${encodeURIComponent(pathname + search)}`, 303)
}

/** The login is over: nothing was done, and what was written is given back. */
async function ended(context: AdminContext, assets: Assets): Promise<Response> {
  const comment = context.req.method === 'POST' ? await writtenIn(context) : ''
  const approval = /^\/approvals\/[0-9a-f-]{36}/.exec(context.req.path)?.[0] ?? '/'
  const body = (
    <>
      <h1>Your login has ended</h1>
      <p>Nothing was recorded.</p>
      {comment === '' ? null : (
        <>
          <label for="comment">What you wrote</label>
          <textarea id="comment" rows={4} readonly>
            {comment}
          </textarea>
        </>
      )}
      <p>
        <a class="button" href={`/login?return_to=${encodeURIComponent(approval)}`}>
          Log in again
        </a>
      </p>
    </>
  )
  return answer(<Bare assets={assets} title="Your login has ended" body={body} />, 401)
}

/** Of somebody unknown no more is read than of those who are known. */
async function writtenIn(context: AdminContext): Promise<string> {
  const form = await formOf(context).catch(() => new URLSearchParams())
  return (form.get('comment') ?? '').slice(0, 4000)
}

function fault({ log }: DashboardParts, context: AdminContext, thrown: unknown): Shown {
  const error = thrown instanceof AegisError ? thrown : asAegisError(thrown)
  const { http } = ERROR_CODES[error.code]
  if (http >= 500) log.error({ path: context.req.path, error: error.message }, 'a page failed')
  return {
    title: TITLES[error.code] ?? 'That did not work',
    place: null,
    status: http as NonNullable<Shown['status']>,
    body: <Fault error={error} />,
  }
}

const TITLES: Readonly<Record<string, string>> = {
  not_found: 'Not found',
  forbidden: 'Not allowed',
  unauthenticated: 'Not logged in',
  evidence_unavailable: 'The evidence cannot be reached',
}

/** What went wrong and what to do about it. Of what nobody foresaw the log has the details, not the page. */
export function Fault({ error }: { readonly error: AegisError }) {
  const message =
    error.code === 'internal' ? 'Something went wrong inside Aegis; the log has the details' : error.message
  return (
    <>
      <h1>{TITLES[error.code] ?? 'That did not work'}</h1>
      <div class="callout k-deny">
        <Said text={message} lines />.
        {error.advice === null ? null : (
          <>
            <br />
            <Said text={error.advice} lines />.
          </>
        )}
      </div>
    </>
  )
}

/** A page without a menu, for who is not known. */
function Bare(props: { readonly assets: Assets; readonly title: string; readonly body: Shown['body'] }) {
  const { assets, title, body } = props
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title} · Aegis</title>
        <link rel="icon" href={assets['mark.svg'].url} />
        <link rel="stylesheet" href={assets['dashboard.css'].url} />
      </head>
      <body>
        <main id="main" class="bare">
          {body}
        </main>
      </body>
    </html>
  )
}
