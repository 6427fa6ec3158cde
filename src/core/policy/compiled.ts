import type { Decision, RuleVerdict } from '../decision.ts'
import type { ActionEnvelope, Capability, Protocol, Surface } from '../envelope.ts'
import type { FactKey, Facts, RoomFact } from '../facts.ts'
import type { Sha256 } from '../ids.ts'

/** The policy decision point. Total: never throws, waits, or looks at a clock. */
export interface CompiledPolicy {
  /** Names of the documents in force, joined by `+`. */
  readonly name: string
  /** SHA-256 over the canonical form of all documents in force. */
  readonly digest: Sha256
  /**
   * The facts that are still to be looked up before `decide` says its last word: first what guards want, then (where a person is
   * to be asked) the approval of the envelope as it is bound by then. A read that a rule allows needs none.
   */
  factsNeeded(envelope: ActionEnvelope, known?: Facts): readonly FactKey[]
  /** The envelope as it would run: with the plan that a guard demands, and the commit a merge is judged on. */
  bind(envelope: ActionEnvelope, facts: Facts): ActionEnvelope
  /** Total. Of an envelope that should have been bound and was not, it blocks what needs a plan. */
  decide(envelope: ActionEnvelope, facts: Facts): Decision
  /** The same decision by the same matcher, with every rule that was tried and why it did not match. */
  simulate(envelope: ActionEnvelope, facts: Facts): Simulation
  /** Whether what was read before counts: else nobody need remember it. */
  readonly remembersReads: boolean
  /**
   * False only where no arguments could make this tool anything but blocked: such a tool is left out of `tools/list`.
   * `room`: that of the caller's key, where it has one.
   */
  reachable(tool: ToolClass, room?: RoomFact): boolean
  /** False only where no arguments could make this tool run without a person: every call of it is reviewed or blocked. */
  unattended(tool: ToolClass): boolean
}

/** A tool before its arguments are known. */
export interface ToolClass {
  readonly surface: Surface
  readonly protocol: Protocol
  readonly tool: string
  readonly capability: Capability
  /** False where no arguments of it name a repository: a key of one room has no use for it. */
  readonly scoped?: boolean
}

/** One line of a trace: a rule tried against one act. */
export interface TraceStep {
  /** Index of the act in `action.acts`. */
  readonly act: number
  readonly policy: string
  readonly ruleIndex: number
  readonly rule: string
  readonly verdict: RuleVerdict
  readonly matched: boolean
  /** Why it did not match: `target: "docs/a.md" does not match "src/**"`. Null where it matched. */
  readonly failReason: string | null
}

export interface Simulation {
  readonly decision: Decision
  readonly trace: readonly TraceStep[]
}
