import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Verdict } from '../core/decision.ts'

/** Distinct rule labels kept; decisions by further rules are counted under `other`. */
const RULE_LABELS = 500
/** Seconds. A governed call costs well under a millisecond; an upstream may take half a minute. */
const BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** What the road reports of itself. Durations in seconds. Cheap enough for every call. */
export interface Metrics {
  /** A call was judged and recorded; `rule` is the decision's label. */
  decided(verdict: Verdict, rule: string, seconds: number): void
  /** An upstream answered, or failed to. `upstream` is a name of the configuration. */
  forwarded(upstream: string, outcome: 'ok' | 'error', seconds: number): void
  /** Entries became durable, `seconds` after they were handed in. */
  appended(entries: number, seconds: number): void
  /** A call, session or stream was refused by a limit; `limit` is the limit's name. */
  limited(limit: string): void
  /** States that are asked for only when somebody looks. A later call replaces the readings it names. */
  observe(readings: Readings): void
  /** The text of `/metrics`, with its content type. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>
}

export type Reading = () => number | Promise<number>

export interface Readings {
  readonly ledgerEntries?: Reading
  /** Drafts waiting for the next flush. */
  readonly ledgerQueue?: Reading
  /** 0 where entries cannot be written, whatever the reason. */
  readonly ledgerWritable?: Reading
  /** Entries that no signed checkpoint covers yet. */
  readonly ledgerUnsigned?: Reading
  /** Seconds that the newest checkpoint waits for the slowest anchor. */
  readonly anchorLag?: Reading
  readonly approvalsPending?: Reading
  readonly credentialsUnrevoked?: Reading
  /** Definitions of tools that wait for a person, and those in force that look suspicious. */
  readonly toolsWithheld?: Reading
  readonly toolsSuspicious?: Reading
  /** Messages to people that wait to be sent, and that were given up; the seconds that the oldest waiting one has waited. */
  readonly notificationsWaiting?: Reading
  readonly notificationsDead?: Reading
  readonly notificationLag?: Reading
  /** Attempts of this gateway that failed since it started. */
  readonly notificationFailures?: Reading
}

const GAUGES = {
  ledgerEntries: { name: 'aegis_ledger_entries', help: 'Entries in the ledger.' },
  ledgerQueue: { name: 'aegis_ledger_queue', help: 'Drafts waiting to be written.' },
  ledgerWritable: { name: 'aegis_ledger_writable', help: '1 while entries can be written.' },
  ledgerUnsigned: { name: 'aegis_ledger_unsigned', help: 'Entries no signed checkpoint covers yet.' },
  anchorLag: {
    name: 'aegis_anchor_lag_seconds',
    help: 'How long the newest checkpoint waits for the slowest anchor.',
  },
  approvalsPending: { name: 'aegis_approvals_pending', help: 'Reviews waiting for a person.' },
  credentialsUnrevoked: {
    name: 'aegis_credentials_unrevoked',
    help: 'Tokens that were minted and are not yet confirmed revoked.',
  },
  toolsWithheld: { name: 'aegis_tools_withheld', help: 'Definitions of tools that wait for a person.' },
  toolsSuspicious: { name: 'aegis_tools_suspicious', help: 'Definitions of tools that look suspicious.' },
  notificationsWaiting: { name: 'aegis_notifications_waiting', help: 'Messages to people that wait to be sent.' },
  notificationsDead: { name: 'aegis_notifications_dead', help: 'Messages to people that were given up.' },
  notificationLag: {
    name: 'aegis_notification_lag_seconds',
    help: 'How long the oldest message to people has waited to be sent.',
  },
  notificationFailures: {
    name: 'aegis_notification_failures',
    help: 'Failed attempts to send a message to people, by this gateway since it started.',
  },
} as const satisfies Record<keyof Readings, { name: string; help: string }>

/** @param options.process also give the process metrics (memory, event loop, garbage collection). */
export function createMetrics(options: { readonly process: boolean }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  if (options.process) collectDefaultMetrics({ register: registry })
  const decisions = createDecisionCount(registers)
  const histogram = (name: string, help: string, labelNames: string[] = []) =>
    new Histogram({ name, help, labelNames, buckets: BUCKETS, registers })
  const action = histogram('aegis_action_seconds', 'From the call to its reply.')
  const upstreamTime = histogram('aegis_upstream_seconds', 'Time an upstream took.', ['upstream', 'outcome'])
  const append = histogram('aegis_ledger_append_seconds', 'From handing in an entry until it is durable.')
  const appended = new Counter({ name: 'aegis_ledger_appended_total', help: 'Entries written.', registers })
  const limited = new Counter({
    name: 'aegis_limited_total',
    help: 'Calls, sessions and streams refused by a limit.',
    labelNames: ['limit'],
    registers,
  })
  const readings = createReadings(registers)

  return {
    decided(verdict, rule, seconds) {
      decisions.add(verdict, rule)
      action.observe(seconds)
    },
    forwarded: (upstream, outcome, seconds) => upstreamTime.observe({ upstream, outcome }, seconds),
    appended(entries, seconds) {
      appended.inc(entries)
      append.observe(seconds)
    },
    limited: (limit) => limited.inc({ limit }),
    observe: readings.set,
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

/** Counted in a plain map and handed to the library when somebody looks: its labelled counters hash their labels on each call. */
function createDecisionCount(registers: Registry[]) {
  const rules = new Map<string, Map<Verdict, number>>()

  const counter = new Counter({
    name: 'aegis_decisions_total',
    help: 'Decisions by verdict and deciding rule.',
    labelNames: ['verdict', 'rule'],
    registers,
    collect() {
      this.reset()
      for (const [rule, verdicts] of rules) {
        for (const [verdict, count] of verdicts) this.inc({ verdict, rule }, count)
      }
    },
  })

  function add(verdict: Verdict, label: string): void {
    const rule = bounded(label)
    const verdicts = rules.get(rule) ?? new Map<Verdict, number>()
    if (verdicts.size === 0) rules.set(rule, verdicts)
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
  }

  /** An approval's label holds its id, and policies are swapped for years: neither may grow the series without end. */
  function bounded(label: string): string {
    const rule = /^(?:approved|denied)(?=:)/.exec(label)?.[0] ?? label
    return rules.has(rule) || rules.size < RULE_LABELS ? rule : 'other'
  }

  return { counter, add }
}

function createReadings(registers: Registry[]) {
  const current = new Map<keyof Readings, Reading>()
  const keys = Object.keys(GAUGES) as (keyof Readings)[]
  for (const key of keys) {
    new Gauge({
      ...GAUGES[key],
      registers,
      async collect() {
        const value = await readingOf(current.get(key))
        if (value === null) this.remove()
        else this.set(value)
      },
    })
  }
  return {
    set(readings: Readings): void {
      for (const key of keys) {
        const reading = readings[key]
        if (reading !== undefined) current.set(key, reading)
      }
    },
  }
}

/** Null where nobody can say: a store that is down must not take `/metrics` down with it. */
async function readingOf(reading: Reading | undefined): Promise<number | null> {
  try {
    return reading === undefined ? null : await reading()
  } catch {
    return null
  }
}
