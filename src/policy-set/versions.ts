import { setTimeout as wait } from 'node:timers/promises'
import { AegisError, asAegisError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { CompiledPolicy } from '../core/policy/index.ts'
import type { Clock, Log } from '../core/runtime.ts'
import type { PolicyChange } from '../ledger/draft.ts'
import { type CompiledSources, compileSources, type LoadedPolicies } from './load.ts'
import type { PolicySet } from './policy-set.ts'
import {
  type DiskState,
  type PolicyAuthor,
  type PolicyVersion,
  type PolicyVersionStore,
  sourcesSha256,
} from './version.ts'

/** The policy in force and all that were before it: each recorded in the log before it decides anything. */
export interface PolicyVersions {
  current(): CompiledPolicy
  /** The version in force at this gateway. */
  version(): PolicyVersion
  /** Why the files as they are now are not in force; null while they are, or a version was put before them. */
  refused(): AegisError | null
  /** Why this gateway still decides by an older version than the installation's newest; null where it does not. */
  behind(): AegisError | null
  /** @throws AegisError `not_found` */
  find(number: number): Promise<PolicyVersion>
  list: PolicyVersionStore['list']
  ofDigest: PolicyVersionStore['ofDigest']
  /** A version as this gateway would apply it. @throws AegisError `conflict` where its texts do not compile any more, or are not those that were recorded */
  compiled(version: PolicyVersion): Promise<CompiledSources>
  /**
   * Puts the texts of an earlier version into force, as a new version. It stays in force until the files on disk change.
   * @param expected the version in force that it was asked against; null: whichever is.
   * @throws AegisError `not_found`, `conflict`, `evidence_unavailable`
   */
  rollback(number: number, by: PolicyAuthor, expected: number | null): Promise<PolicyVersion>
  /** Takes over what other gateways put into force. */
  refresh(): Promise<void>
  /** Called after each swap. Returns how to stop being called. */
  onSwap(listener: (policy: CompiledPolicy) => void): () => void
  close(): void
}

export interface PolicyVersionsParts {
  readonly disk: PolicySet
  readonly store: PolicyVersionStore
  /** Appends the leaf to the log; gives its `n`. */
  readonly record: (change: PolicyChange) => Promise<number>
  /** What the log says at `n`; null where it does not reach there (any more). */
  readonly leafAt: (n: number) => Promise<JsonObject | null>
  readonly upstreams: readonly string[] | null
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /** Milliseconds between two looks at what other gateways did; 0: only `refresh` looks. */
  readonly pollEvery?: number
}

const POLL_EVERY_MS = 500
/** How long a gateway that added a version may take to record it before another does, in milliseconds. */
const RECORD_WITHIN_MS = 3000
const LOOK_AGAIN_MS = 50

type Proposal = Pick<PolicyVersion, 'cause' | 'of' | 'by' | 'sources' | 'sourcesSha256' | 'disk'> & {
  readonly policy: CompiledPolicy
  readonly names: readonly string[]
}

interface InForce {
  readonly version: PolicyVersion
  readonly policy: CompiledPolicy
}

/**
 * Settles what is in force: what the newest version says, unless the files have changed since.
 * @throws AegisError `config` where the version in force cannot be read, `evidence_unavailable` where it cannot be recorded
 */
export async function openPolicyVersions(parts: PolicyVersionsParts): Promise<PolicyVersions> {
  const { disk, store, clock, log } = parts
  const listeners = new Set<(policy: CompiledPolicy) => void>()
  const compiled = createCompiler(parts)
  const inTurn = createTurns()
  let unsettled = false
  let refusedBecause: AegisError | null = null
  let inForce: InForce = await settleDisk('start')

  async function take(version: PolicyVersion): Promise<InForce> {
    const loaded = disk.loaded()
    const same = loaded.policy.digest === version.digest && sourcesSha256(loaded.sources) === version.sourcesSha256
    return { version, policy: same ? loaded.policy : (await compiled(version)).policy }
  }

  function swap(next: InForce): void {
    const before = inForce
    inForce = next
    refusedBecause = null
    if (before.version.number === next.version.number) return
    const { number, cause, of, by, digest } = next.version
    log.info({ version: number, cause, of, by: by?.principal, policy: next.policy.name, digest }, 'policy in force')
    for (const listener of listeners) listener(next.policy)
  }

  /** The newest version that the log tells of; one that nobody recorded in time is recorded now. */
  async function newestRecorded(): Promise<PolicyVersion | null> {
    for (let waited = 0; ; waited += LOOK_AGAIN_MS) {
      const newest = await store.newest()
      if (newest === null || newest.leaf !== null) return newest
      const late = waited >= RECORD_WITHIN_MS || clock.now() - newest.at >= RECORD_WITHIN_MS
      if (late) await store.recorded(newest.number, await parts.record(changeOf(newest)))
      else await wait(LOOK_AGAIN_MS)
    }
  }

  async function settleDisk(cause: 'start' | 'reload'): Promise<InForce> {
    const loaded = disk.loaded()
    const mine: DiskState = { sourcesSha256: sourcesSha256(loaded.sources), digest: loaded.policy.digest }
    for (;;) {
      const newest = await newestRecorded()
      const known = newest !== null && isSame(newest.disk, mine)
      if (newest !== null && (known || newest.digest === mine.digest)) {
        if (!known) await store.onDisk(newest.number, mine)
        return take(newest)
      }
      const added = await add(newest, { ...proposalOf(loaded, mine), cause, of: null, by: null })
      if (added !== null) return { version: added, policy: loaded.policy }
    }
  }

  /** Null where another gateway was first. */
  async function add(newest: PolicyVersion | null, proposal: Proposal): Promise<PolicyVersion | null> {
    const { policy, ...rest } = proposal
    const number = (newest?.number ?? 0) + 1
    const version: PolicyVersion = { ...rest, number, digest: policy.digest, at: clock.now(), leaf: null }
    if (!(await store.add(version))) return null
    const leaf = await parts.record(changeOf(version))
    await store.recorded(number, leaf)
    return { ...version, leaf }
  }

  async function find(number: number): Promise<PolicyVersion> {
    const version = Number.isSafeInteger(number) && number > 0 ? await store.get(number) : null
    if (version !== null && version.leaf !== null) return version
    throw new AegisError('not_found', `there is no policy version ${number}`, {
      advice: '`aegisctl policy history` lists them',
      path: 'version',
    })
  }

  async function rollBack(number: number, by: PolicyAuthor, expected: number | null): Promise<PolicyVersion> {
    const earlier = await find(number)
    const { policy } = await compiled(earlier)
    for (;;) {
      const newest = await newestRecorded()
      if (newest === null) throw new AegisError('internal', 'there is no policy version at all')
      if (expected !== null && newest.number !== expected) throw moved(newest, expected)
      if (newest.digest === policy.digest) throw already(number, newest)
      const { sources, sourcesSha256: hash, names } = earlier
      const proposal = { policy, names, sources, sourcesSha256: hash, disk: newest.disk, by, of: number }
      const version = await add(newest, { ...proposal, cause: 'rollback' })
      if (version === null) continue
      log.warn({ version: version.number, of: number, by: by.principal, by_name: by.name }, 'policy rolled back')
      swap({ version, policy })
      return version
    }
  }

  async function refresh(): Promise<void> {
    try {
      if (unsettled) {
        swap(await settleDisk('reload'))
        unsettled = false
        return
      }
      const newest = await store.head()
      if (newest === null || newest.number === inForce.version.number) return
      if (newest.leaf === null && clock.now() - newest.at < RECORD_WITHIN_MS) return
      const recorded = await newestRecorded()
      if (recorded !== null) swap(await take(recorded))
    } catch (error) {
      const { code, message } = asAegisError(error)
      if (refusedBecause?.message !== message)
        log.error({ code, error: message }, 'the policy in force was not taken over')
      refusedBecause = asAegisError(error)
    }
  }

  const stopDisk = disk.onSwap(() => {
    unsettled = true
    void inTurn(refresh)
  })
  const { pollEvery = POLL_EVERY_MS } = parts
  const timer = pollEvery > 0 ? setInterval(() => void inTurn(refresh), pollEvery).unref() : null
  return {
    current: () => inForce.policy,
    version: () => inForce.version,
    refused: disk.refused,
    behind: () => refusedBecause,
    find,
    list: store.list,
    ofDigest: store.ofDigest,
    compiled,
    rollback: (number, by, expected) => inTurn(() => rollBack(number, by, expected)),
    refresh: () => inTurn(refresh),
    onSwap(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      if (timer !== null) clearInterval(timer)
      stopDisk()
    },
  }
}

/** Compiles what a version was made of, after a look at what the log says of it: a row alone puts nothing into force. */
function createCompiler({ leafAt, upstreams }: Pick<PolicyVersionsParts, 'leafAt' | 'upstreams'>) {
  return async (version: PolicyVersion): Promise<CompiledSources> => {
    const { number, sources, leaf } = version
    const said = leaf === null ? null : await leafAt(leaf)
    const kept = sourcesSha256(sources)
    const known =
      said === null || (said['kind'] === 'policy' && said['version'] === number && said['sources_sha256'] === kept)
    if (!known || kept !== version.sourcesSha256) {
      throw new AegisError('conflict', `the texts of policy version ${number} are not those that were recorded`, {
        advice: 'the database was changed; verify the evidence, and change the files on disk to replace this version',
      })
    }
    try {
      return compileSources(sources, upstreams)
    } catch (cause) {
      const { message, data } = asAegisError(cause)
      throw new AegisError('conflict', `policy version ${number} does not compile any more: ${message}`, {
        advice: 'mend its text and put it on disk: `aegisctl policy history N` prints it',
        cause,
        ...(data === null ? {} : { data: { ...data } }),
      })
    }
  }
}

function proposalOf({ documents, sources, policy }: LoadedPolicies, disk: DiskState) {
  const names = documents.map(({ name }) => name).sort()
  return { policy, names, sources, sourcesSha256: disk.sourcesSha256, disk }
}

/** A program that reads policies in another way has other digests for the same texts; and notes in the texts change no digest. */
function isSame(one: DiskState, other: DiskState): boolean {
  return one.sourcesSha256 === other.sourcesSha256 || one.digest === other.digest
}

function changeOf({ number, digest, sourcesSha256: hash, names, cause, of, by }: PolicyVersion): PolicyChange {
  const principal = by?.principal ?? null
  return { version: number, sha256: digest, sourcesSha256: hash, names, cause, of, by: principal }
}

function moved(newest: PolicyVersion, expected: number): AegisError {
  return new AegisError('conflict', `version ${newest.number} is in force by now, not ${expected}`, {
    path: 'expected',
    advice: 'look at what changed: `aegisctl policy history`',
    data: { version: newest.number },
  })
}

function already(number: number, newest: PolicyVersion): AegisError {
  return new AegisError('conflict', `what version ${number} says is in force already, as version ${newest.number}`)
}

/** One change at a time in this process. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work)
    last = mine
    return mine
  }
}
