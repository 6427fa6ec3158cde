import type { Act, ActionEnvelope } from '../../envelope.ts'
import type { FactKey, Facts } from '../../facts.ts'
import type { Json } from '../../json.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'

/** What a guard looks at: one act, the envelope it belongs to, and the facts it asked for. */
export interface GuardView {
  /** The act as it will run: a step of the plan where the call is rewritten. */
  readonly act: Act
  readonly envelope: ActionEnvelope
  readonly facts: Facts
}

/** A guard that has nothing to say returns nothing; it can never say that something is allowed. */
export interface GuardFinding {
  /** `rewrite`: a direct write that is to become a pull request. */
  readonly verdict: 'block' | 'review' | 'rewrite'
  /** For people and for the agent: what was found, and where. Never the text of a secret. */
  readonly reason: string
  /** What the agent could do instead. */
  readonly suggestion?: string
}

/** A check that every act passes through, whatever the rules say. Pure and total. */
export interface Guard {
  readonly name: GuardName
  /**
   * True where it asks where a change ends up (a branch, a pull request) and not what it holds: where the call is rewritten it
   * is asked about the plan's steps instead of the call.
   */
  readonly destination: boolean
  /** The facts it wants for this act: none where the act is no business of it. */
  needs(view: Omit<GuardView, 'facts'>): readonly FactKey[]
  judge(view: GuardView): readonly GuardFinding[]
}

/** A guard as its settings made it, and everything in the settings that can change a decision, for the policy's digest. */
export interface ConfiguredGuard {
  readonly guard: Guard
  readonly settings: Json
}

/** How one key under `guards:` is read. Null where it had problems, which it told the reader. */
export type ReadGuard = (reader: Reader, entry: TreeEntry) => ConfiguredGuard | null

export const GUARD_NAMES = [
  'protected_branches',
  'freeze_windows',
  'branch_naming',
  'mandatory_pr',
  'autonomous_merge',
  'ci_required',
  'repo_allowlist',
  'sensitive_paths',
  'secrets',
  'blast_radius',
  'repo_taint',
] as const
export type GuardName = (typeof GUARD_NAMES)[number]

/** The value of a fact, or why it is not known. */
export function factOf<K extends FactKey>(facts: Facts, key: K): NonNullable<Facts[K]> {
  const fact = facts[key]
  return fact ?? ({ known: false, reason: 'nobody looked' } as NonNullable<Facts[K]>)
}
