import type { Child } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ResolutionChannel } from '../../approvals/approvals.ts'
import type { Clock, Log } from '../../core/runtime.ts'
import type { Oversight } from '../../oversight/index.ts'
import type { NotificationDesk } from '../../oversight/notifications.ts'
import type { AdminContext, Doorkeeping } from '../door.ts'
import type { PageProps } from './parts/page.tsx'
import type { Visitor } from './visitor.ts'

export interface DashboardParts {
  readonly oversight: Oversight
  readonly notifications: NotificationDesk
  readonly keeping: Doorkeeping
  /** Where people see GitHub's pages: `https://github.com`. */
  readonly githubWeb: string
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** One look at a page. */
export interface Viewing {
  readonly parts: DashboardParts
  readonly context: AdminContext
  readonly visitor: Visitor
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** How a request reached us, by the socket it came in at. */
export type ViaOf = (context: AdminContext) => ResolutionChannel

/** What a view gives to be framed. */
export interface Shown extends Omit<PageProps, 'frame' | 'children'> {
  readonly body: Child
  readonly status?: ContentfulStatusCode
}

/** @throws AegisError which becomes a page that says what to do */
export type View = (viewing: Viewing) => Promise<Shown | Response>

/** A text from the address, without what people leave around it; '' where absent. */
export function asked({ context }: Viewing, name: string): string {
  return (context.req.query(name) ?? '').trim().slice(0, 512)
}

/** A whole number from the address, or the default where it is none. */
export function askedNumber(viewing: Viewing, name: string, fallback: number, most: number): number {
  const value = Number(asked(viewing, name) || fallback)
  return Number.isSafeInteger(value) && value >= 1 ? Math.min(value, most) : fallback
}
