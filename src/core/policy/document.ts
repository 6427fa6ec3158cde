import type { ReviewTerms, RuleVerdict } from '../decision.ts'
import type { Capability, Protocol, Surface } from '../envelope.ts'
import type { GlobSet } from './glob.ts'
import type { ConfiguredGuard } from './guards/guard.ts'
import type { Position } from './tree.ts'

/** The dialects read so far (README, "Policies"). The hook product's arrives with the agent hooks. */
export type Dialect = 'native' | 'aegisflow'

/** One policy file, read and checked: everything in it means something. */
export interface PolicyDocument {
  readonly name: string
  /** The file, as it is called in messages. */
  readonly source: string
  readonly dialect: Dialect
  readonly description: string | null
  /** The verdict where no rule matches. */
  readonly defaultDecision: RuleVerdict
  readonly rules: readonly Rule[]
  /** Different people who must say yes to what has a critical blast radius, whatever the rule says; absent: as the rule says. */
  readonly criticalNeeds?: number
  /** All are evaluated, and each can only tighten. */
  readonly guards: readonly ConfiguredGuard[]
}

/** What a rule's `protocol` may name: what the action is, or the surface it came in by. */
export type Door = Protocol | Surface

/** The conditions on what an act touches. A rule without one of them does not look at that side of the act. */
export const SOFT_CONDITIONS = ['target', 'path', 'branch', 'base'] as const
export type SoftCondition = (typeof SOFT_CONDITIONS)[number]

/** One ordered line of a policy. A condition that is null holds for every act. */
export interface Rule {
  readonly at: Position
  readonly id: string | null
  readonly protocol: readonly Door[] | null
  readonly tool: GlobSet | null
  readonly capability: readonly Capability[] | null
  /** Methods of tools that do several things by `method`. */
  readonly method: readonly string[] | null
  /** Globs on `owner/name`, lower case: GitHub compares both without case. */
  readonly repo: GlobSet | null
  readonly soft: Readonly<Record<SoftCondition, SoftGlobs | null>>
  readonly decision: RuleVerdict
  readonly reason: string | null
  readonly suggestion: string | null
  readonly terms: ReviewTerms
}

/** Globs of one soft condition: as written, and with case folded for the rules that tighten. */
export interface SoftGlobs {
  readonly exact: GlobSet
  readonly folded: GlobSet
  /** True where folding changed a glob: then a text that folding leaves alone must be compared with both. */
  readonly mixed: boolean
}
