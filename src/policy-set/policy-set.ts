import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type AegisError, asAegisError } from '../core/errors.ts'
import type { CompiledPolicy, PolicyDocument } from '../core/policy/index.ts'
import type { Log } from '../core/runtime.ts'
import { type LoadedPolicies, loadPolicies, type PolicySources } from './load.ts'

/** The policies in force, swapped whole when their files change. */
export interface PolicySet {
  current(): CompiledPolicy
  documents(): readonly PolicyDocument[]
  /** What the files said when they were last good. */
  loaded(): LoadedPolicies
  files(): readonly string[]
  /** Why the files as they are now are not in force; null while they are. */
  refused(): AegisError | null
  /** Reads the files again now. A broken one is refused loudly and the old policy stays. */
  reload(): Promise<ReloadOutcome>
  /** Called after each swap. Returns how to stop being called. */
  onSwap(listener: (policy: CompiledPolicy) => void): () => void
  close(): void
}

export type ReloadOutcome = 'unchanged' | 'swapped' | 'refused'

export interface PolicySetOptions extends PolicySources {
  readonly log: Log
  /** Milliseconds between two looks at the files; 0: only `reload` looks. Looking works on every file system, mounts of containers included. */
  readonly pollEvery?: number
}

const POLL_EVERY_MS = 1000

/**
 * Loads the policies and watches their files.
 * @throws AegisError `config` where they do not load: without a policy nothing starts.
 */
export async function openPolicySet(options: PolicySetOptions): Promise<PolicySet> {
  let loaded: LoadedPolicies = await loadPolicies(options)
  let seen = await fingerprint(loaded.files)
  let refusedBecause: AegisError | null = null
  let running: Promise<ReloadOutcome> | null = null
  const listeners = new Set<(policy: CompiledPolicy) => void>()

  async function look(): Promise<ReloadOutcome> {
    const now = await fingerprint(loaded.files)
    if (now === seen) return refusedBecause === null ? 'unchanged' : 'refused'
    // Taken before the files are parsed: a change in between is seen at the next look.
    seen = now
    try {
      const next = await loadPolicies(options)
      const changed = next.policy.digest !== loaded.policy.digest
      refusedBecause = null
      loaded = next
      if (!changed) return 'unchanged'
    } catch (error) {
      refusedBecause = asAegisError(error)
      const { message, path, advice, data } = refusedBecause
      options.log.error(
        { file: path, advice, problems: data?.['problems'] },
        `policy not reloaded, the old one stays in force: ${message}`,
      )
      return 'refused'
    }
    options.log.info({ policy: loaded.policy.name, digest: loaded.policy.digest }, 'policy reloaded')
    for (const listener of listeners) listener(loaded.policy)
    return 'swapped'
  }

  /** One look at a time: who asks meanwhile waits for it and looks again. */
  async function reload(): Promise<ReloadOutcome> {
    while (running !== null) await running
    running = look()
    try {
      return await running
    } finally {
      running = null
    }
  }

  const { pollEvery = POLL_EVERY_MS } = options
  const timer = pollEvery > 0 ? setInterval(() => void (running ?? reload()), pollEvery).unref() : null
  return {
    current: () => loaded.policy,
    documents: () => loaded.documents,
    loaded: () => loaded,
    files: () => loaded.files,
    refused: () => refusedBecause,
    reload,
    onSwap(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => {
      if (timer !== null) clearInterval(timer)
    },
  }
}

/** A digest of the files' bytes: an edit is seen whatever the clock and the editor's way of saving. A missing file counts as a change. */
async function fingerprint(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) {
    const bytes = await readFile(file).catch(() => null)
    hash.update(bytes === null ? 'missing' : createHash('sha256').update(bytes).digest('hex'))
  }
  return hash.digest('hex')
}
