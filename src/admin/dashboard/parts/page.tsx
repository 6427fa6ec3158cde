import type { Child } from 'hono/jsx'
import type { Assets } from '../assets.ts'
import type { Visitor } from '../visitor.ts'

/** A place in the menu. */
export type Place =
  | 'activity'
  | 'approvals'
  | 'audit'
  | 'sessions'
  | 'rooms'
  | 'policies'
  | 'evidence'
  | 'keys'
  | 'notifications'

/** What the frame of a page shows around it. */
export interface Frame {
  readonly assets: Assets
  readonly visitor: Visitor
  /** Approvals that wait. */
  readonly pending: number
  readonly links: readonly Link[]
}

export interface Link {
  readonly place: Place
  readonly path: string
  readonly name: string
}

export interface PageProps {
  readonly frame: Frame
  readonly title: string
  readonly place: Place | null
  /** The page is kept up to date while it is open. */
  readonly live?: boolean
  readonly wide?: boolean
  /** What was just done, or why it was not. */
  readonly notice?: Child
  readonly children?: Child
}

/** The frame of every page: landmarks, menu, what is said aloud, and nothing that loads from elsewhere. */
export function Page({ frame, title, place, live = false, wide = false, notice, children }: PageProps) {
  const { assets } = frame
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} · Aegis</title>
        <link rel="icon" href={assets['mark.svg'].url} />
        <link rel="stylesheet" href={assets['dashboard.css'].url} />
        <link rel="modulepreload" href={assets['page.js'].url} />
        <link rel="modulepreload" href={assets['approvals.js'].url} />
        <script type="module" src={assets['live.js'].url}></script>
      </head>
      <body data-live={live ? 'yes' : 'no'} data-place={place ?? 'none'}>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <Menu frame={frame} place={place} />
        <main id="main" class={wide ? 'wide' : ''} tabindex={-1}>
          <div id="notice" role="status">
            {notice}
          </div>
          {children}
        </main>
        <p id="news" class="unseen" role="status"></p>
        {place === 'approvals' ? <KeysHelp /> : null}
      </body>
    </html>
  )
}

function Menu({ frame, place }: { readonly frame: Frame; readonly place: Place | null }) {
  const { key, csrf } = frame.visitor
  return (
    <header class="menu">
      <a class="brand" href="/">
        <img src={frame.assets['mark.svg'].url} alt="" width="20" height="20" /> Aegis
      </a>
      <nav aria-label="Views">
        <ul>
          {frame.links.map((link) => (
            <li>
              <a href={link.path} aria-current={link.place === place ? 'page' : undefined}>
                {link.name}
                {link.place === 'approvals' ? <PendingCount count={frame.pending} /> : null}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="me">
        <p id="stream" class="stream" hidden></p>
        <p class="dim">
          <bdi>{key.name}</bdi>, {key.role}
        </p>
        {csrf === null ? null : (
          <form method="post" action="/logout">
            <input type="hidden" name="csrf" value={csrf} />
            <button type="submit" class="plain">
              Log out
            </button>
          </form>
        )}
      </div>
    </header>
  )
}

function PendingCount({ count }: { readonly count: number }) {
  return (
    <span id="pending" data-region="pending" class="count" hidden={count === 0}>
      {count > 999 ? '999+' : count}
      <span class="unseen"> waiting</span>
    </span>
  )
}

const KEYS: readonly (readonly [string, string])[] = [
  ['j', 'the next approval'],
  ['k', 'the one before'],
  ['a', 'approve the one that is open'],
  ['d', 'deny it'],
  ['c', 'write a comment'],
  ['o', 'open it on a page of its own'],
  ['g', 'go to the list'],
  ['?', 'these keys'],
]

function KeysHelp() {
  return (
    <dialog id="keys" aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(([key, does]) => (
          <div>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p class="dim">A high or critical blast radius is asked about once more.</p>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}
