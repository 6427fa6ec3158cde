import { createHash } from 'node:crypto'
import type { Principal, Sha256 } from '../core/ids.ts'

/** The text of one policy file. `file` is its base name: where it lay is nobody's business. */
export interface PolicySource {
  readonly file: string
  readonly text: string
}

/** Why another policy came into force: a gateway started with other files, they changed, or an administrator took an earlier one. */
export const POLICY_CAUSES = ['start', 'reload', 'rollback'] as const
export type PolicyCause = (typeof POLICY_CAUSES)[number]

/** Who had a policy put into force, as the key was then. */
export interface PolicyAuthor {
  readonly principal: Principal
  readonly name: string
  readonly owner: string
}

/** What the files say, however they are called and wherever they lie. */
export interface DiskState {
  readonly sourcesSha256: Sha256
  /** Digest of the policy they compile to: notes and blanks in the files do not change it. */
  readonly digest: Sha256
}

/** A policy that was in force: what it was made of, since when, and why. Never changed afterwards but for `disk` and `leaf`. */
export interface PolicyVersion {
  /** From 1, without gaps. The largest is in force. */
  readonly number: number
  readonly digest: Sha256
  /** Names of the documents. */
  readonly names: readonly string[]
  readonly sources: readonly PolicySource[]
  readonly sourcesSha256: Sha256
  readonly cause: PolicyCause
  /** The version whose sources these are; of a rollback only. */
  readonly of: number | null
  /** Null where files decided. */
  readonly by: PolicyAuthor | null
  /** Milliseconds since the epoch. */
  readonly at: number
  /** What lay on disk while this version was in force: only another state of the files replaces it. */
  readonly disk: DiskState
  /** `n` of the log's leaf that says so; null until it is written, and until then it is not in force. */
  readonly leaf: number | null
}

/** Where the versions are kept. Every gateway of the installation reads and writes the same ones. */
export interface PolicyVersionStore {
  /** The one with the largest number, recorded or not; null where there is none. */
  newest(): Promise<PolicyVersion | null>
  /** Of the newest what tells whether anything is new. */
  head(): Promise<Pick<PolicyVersion, 'number' | 'at' | 'leaf'> | null>
  get(number: number): Promise<PolicyVersion | null>
  /** Those whose policy has this digest, newest first; at most ten. */
  ofDigest(digest: string): Promise<readonly PolicyVersion[]>
  /** Newest first, below `before` where it is given, at most `limit`. */
  list(limit: number, before?: number): Promise<readonly PolicyVersion[]>
  /** False where there is a version of this number. */
  add(version: PolicyVersion): Promise<boolean>
  /** Notes the leaf of one that has none yet. */
  recorded(number: number, leaf: number): Promise<void>
  /** Notes what lies on disk now. */
  onDisk(number: number, disk: DiskState): Promise<void>
}

/** One hash over the texts and the names of their files, in no particular order. */
export function sourcesSha256(sources: readonly PolicySource[]): Sha256 {
  const each = sources.map(({ file, text }) => sha256(JSON.stringify([file, text])))
  return sha256(each.sort().join('\n'))
}

function sha256(text: string): Sha256 {
  return createHash('sha256').update(text).digest('hex') as Sha256
}
