import { AegisError, asAegisError } from '../core/errors.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { LedgerReader, StoredEntry } from '../ledger/store.ts'
import {
  addedUp,
  type CompiledSources,
  compileSources,
  createReplay,
  diffPolicies,
  type PolicyDiff,
  type PolicySource,
  type PolicyVersion,
  type PolicyVersions,
  type Replay,
  type ReplayReport,
} from '../policy-set/index.ts'
import { demand } from './rights.ts'

/** A policy to be looked at: a version of this installation, or texts that are in force nowhere. */
export type NamedPolicy = { readonly version: number } | { readonly sources: readonly PolicySource[] }

export interface ShownVersion {
  readonly version: PolicyVersion
  readonly inForce: boolean
}

/** The policies that were in force here, and what another one would make of what is recorded. */
export interface PolicyDesk {
  /** Newest first. For viewers. */
  history(who: KeyRecord, limit: number, before?: number): Promise<readonly ShownVersion[]>
  /** `findings`: what is wrong with its texts for the program of today; none, where it could be put into force again. For viewers. @throws AegisError `not_found` */
  version(who: KeyRecord, number: number): Promise<ShownVersion & { readonly findings: readonly string[] }>
  /** Why the files as they lie on disk are not in force; null where they are, or a version was put before them. For viewers. */
  refused(who: KeyRecord): AegisError | null
  /** For viewers. @throws AegisError `not_found`, `conflict`, `invalid_request` where texts do not compile */
  diff(who: KeyRecord, was: NamedPolicy, is: NamedPolicy): Promise<PolicyDiff>
  /** For administrators. @throws AegisError `not_found`, `conflict`, `evidence_unavailable` */
  rollback(who: KeyRecord, number: number, expected: number | null): Promise<ShownVersion>
  /**
   * Judges a stretch of the log again, from `from` on; `next` is where the following stretch begins, null at the end. Records
   * nothing. For viewers. @throws AegisError `not_found`, `conflict`, `invalid_request`
   */
  replay(
    who: KeyRecord,
    policy: NamedPolicy,
    from: number,
  ): Promise<{ readonly report: ReplayReport; readonly next: number | null; readonly size: number }>
}

/** Entries of one stretch, and of one breath: nothing else waits longer. */
const STRETCH = 2000
const BREATH = 50

export function createPolicyDesk(parts: {
  readonly policies: PolicyVersions
  readonly reader: Pick<LedgerReader, 'entries' | 'payloads' | 'head'>
  readonly upstreams: readonly string[]
}): PolicyDesk {
  const { policies, reader, upstreams } = parts
  const replays = new Map<string, Replay>()
  const shown = (version: PolicyVersion): ShownVersion => {
    return { version, inForce: version.number === policies.version().number }
  }

  async function compiled(named: NamedPolicy): Promise<CompiledSources> {
    if ('sources' in named) return compiledTexts(named.sources, upstreams)
    return policies.compiled(await policies.find(named.version))
  }

  async function documentsOf(digest: string) {
    for (const version of await policies.ofDigest(digest)) {
      const found = await policies.compiled(version).catch(() => null)
      if (found !== null) return found.documents
    }
    return null
  }

  /** A long log is asked for in many stretches: the policy is read for the first. */
  async function replayOf(named: NamedPolicy): Promise<Replay> {
    const { documents, policy } = await compiled(named)
    const known = replays.get(policy.digest) ?? createReplay(documents, documentsOf)
    if (replays.size >= 8) replays.clear()
    replays.set(policy.digest, known)
    return known
  }

  return {
    async history(who, limit, before) {
      demand(who, 'viewer')
      return (await policies.list(limit, before)).filter(({ leaf }) => leaf !== null).map(shown)
    },

    async version(who, number) {
      demand(who, 'viewer')
      const version = await policies.find(number)
      const findings = await policies.compiled(version).then(() => [], findingsOf)
      return { ...shown(version), findings }
    },

    refused(who) {
      demand(who, 'viewer')
      return policies.refused()
    },

    async diff(who, was, is) {
      demand(who, 'viewer')
      return diffPolicies(await compiled(was), await compiled(is))
    },

    async rollback(who, number, expected) {
      demand(who, 'admin')
      const { id: principal, name, owner } = who
      return shown(await policies.rollback(number, { principal, name, owner }, expected))
    },

    async replay(who, named, from) {
      demand(who, 'viewer')
      const replay = await replayOf(named)
      const size = (await reader.head())?.size ?? 0
      const { entries, next } = await stretch(reader, from)
      const reports: ReplayReport[] = []
      for (let at = 0; at < entries.length; at += BREATH) {
        const some = entries.slice(at, at + BREATH)
        const whole = await Promise.all(
          some.map(async (entry) => ({ entry, payloads: await payloadsOf(reader, entry) })),
        )
        reports.push(await replay.judge(whole))
        await new Promise(setImmediate)
      }
      return { report: addedUp(reports), next, size }
    },
  }
}

/** Texts that somebody sent: what is wrong with them is their mistake, not the installation's. */
function compiledTexts(sources: readonly PolicySource[], upstreams: readonly string[]): CompiledSources {
  try {
    return compileSources(sources, upstreams)
  } catch (cause) {
    const { message, path, data } = asAegisError(cause)
    const problems = data === null ? {} : { data: { ...data } }
    throw new AegisError('invalid_request', message, { cause, ...(path === null ? {} : { path }), ...problems })
  }
}

const DECISIONS: ReadonlySet<string> = new Set(['allow', 'rewrite', 'review', 'block'])

async function payloadsOf(reader: Pick<LedgerReader, 'payloads'>, { n, kind }: StoredEntry) {
  return DECISIONS.has(kind) ? reader.payloads(n) : []
}

async function stretch(reader: Pick<LedgerReader, 'entries'>, from: number) {
  const entries: StoredEntry[] = []
  for await (const page of reader.entries(from)) {
    entries.push(...page)
    if (entries.length >= STRETCH) break
  }
  const last = entries.at(-1)
  return { entries, next: entries.length < STRETCH || last === undefined ? null : last.n + 1 }
}

function findingsOf(error: unknown): readonly string[] {
  const { message, data } = asAegisError(error)
  const problems = data?.['problems']
  return Array.isArray(problems) ? problems.map(String) : [message]
}
