import type { Approval } from '../core/approval.ts'
import type { JsonObject } from '../core/json.ts'
import type { EventName } from './events.ts'

/** One event on its way to one endpoint. Times in milliseconds since the epoch. */
export interface Delivery {
  /** `<endpoint>.<event id>`: the same event is queued for an endpoint once, however often the log is read. */
  readonly id: string
  readonly endpoint: string
  readonly event: EventName
  /** Place of the entry it tells of. What is sent is read from there when it is sent: nothing of it is kept twice. */
  readonly n: number
  readonly createdAt: number
  readonly nextAttemptAt: number
  readonly attempts: number
}

/** A delivery that was given up. */
export interface DeadLetter extends Delivery {
  readonly failedAt: number
  /** Why the last attempt failed: where it went and how, never what was sent. */
  readonly error: string
}

/** How one endpoint stands. */
export interface EndpointCount {
  readonly endpoint: string
  /** Those whose time has come; a reminder that is planned for later is none. */
  readonly waiting: number
  readonly dead: number
  /** When the oldest waiting one was queued; null where none waits. */
  readonly oldest: number | null
  readonly lastError: { readonly error: string; readonly at: number } | null
}

export interface Failure {
  readonly attempts: number
  readonly nextAttemptAt: number
  readonly failedAt: number
  readonly error: string
  readonly dead: boolean
}

/** The durable queue, shared by all gateways of a log; one of them works it at a time. */
export interface NotificationStore {
  /**
   * Takes the queue until `until`, or keeps it. Null where another gateway has it. The first ever begins at the entry `first`:
   * what was before notifications were wanted is not told.
   */
  lease(holder: string, now: number, until: number, first: number): Promise<{ readonly next: number } | null>
  /** Another may take the queue at once. */
  release(holder: string): Promise<void>
  /** Who has the queue, and the place of the next entry to be looked at; null before the first lease. */
  cursor(): Promise<{ readonly next: number; readonly holder: string; readonly until: number } | null>
  /** Queues these (one that is queued already stays as it is), then goes on to `next`. False where the lease was lost. */
  enqueue(holder: string, next: number, rows: readonly Delivery[]): Promise<boolean>
  /** Those to be tried now, the longest due first. */
  due(endpoint: string, now: number, limit: number): Promise<readonly Delivery[]>
  /** It arrived, or nobody needs it any more. */
  done(id: string): Promise<void>
  failed(id: string, failure: Failure): Promise<void>
  /** The endpoint is back: all that waits for another try is due now. What was never tried keeps its time. */
  hurry(endpoint: string, now: number): Promise<void>
  /** A dead letter is tried again, as if it were new. False where there is none of this id. */
  retry(id: string, now: number): Promise<boolean>
  /** Newest first. */
  dead(limit: number): Promise<readonly DeadLetter[]>
  counts(now: number): Promise<readonly EndpointCount[]>
  /** Dead letters and references from before this time are forgotten. */
  sweep(before: number): Promise<void>
  /** Where an endpoint keeps what it made for a subject, such as the place of a message that is updated later. */
  reference(endpoint: string, subject: string): Promise<string | null>
  refer(endpoint: string, subject: string, reference: string, at: number): Promise<void>
}

/** What happened, read when it is sent. */
export interface Notice {
  /** Stable over retries and endpoints: the id of the entry. */
  readonly id: string
  readonly event: EventName
  readonly n: number
  /** Hash of the entry. */
  readonly hash: string
  /** RFC 3339, as the entry says. */
  readonly at: string
  /** The entry as recorded. Texts in it may be an agent's. */
  readonly body: JsonObject
  /** The approval it is about, as it stands now; null where it is about none. */
  readonly approval: Approval | null
  /** Values that the entry commits to, as far as they were not erased. */
  readonly values: JsonObject
  /** Of a result: the entry that let it run, with the values it commits to. */
  readonly intent: { readonly body: JsonObject; readonly values: JsonObject } | null
}

/** Somewhere to tell. */
export interface Endpoint {
  /** Unique; lower-case letters, digits, `-` and `_`. */
  readonly name: string
  readonly kind: 'webhook' | 'slack' | 'github'
  readonly events: ReadonlySet<EventName>
  /** Where it is, without what could be a secret. */
  readonly place: string
  /** Deliveries under way at once; 1 keeps them in order. */
  readonly width: number
  /** @throws DeliveryError */
  deliver(notice: Notice, signal: AbortSignal): Promise<void>
}

/** Why something did not arrive. Its message names where it went and how it failed, and holds nothing of what was sent. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  /** Trying again would be the same again. */
  readonly permanent: boolean
  /** Milliseconds that the endpoint asked us to wait, or null. */
  readonly wait: number | null

  constructor(message: string, more: { readonly permanent?: boolean; readonly wait?: number | null } = {}) {
    super(message)
    this.permanent = more.permanent ?? false
    this.wait = more.wait ?? null
  }
}
