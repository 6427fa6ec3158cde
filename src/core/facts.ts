import type { ReviewTerms } from './decision.ts'
import type { Repository } from './envelope.ts'
import type { EnvelopeId } from './ids.ts'

/** A piece of context with its source. Unknown is never "fine": what needs it tightens and says the reason. */
export type Fact<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly reason: string }

/** What the approvals say about exactly this action of this caller. */
export type ApprovalFact =
  | { readonly status: 'none' }
  | { readonly status: 'pending'; readonly id: EnvelopeId }
  /** `repeating`: a reviewer lets it run again and again until its time is over. */
  | { readonly status: 'approved'; readonly id: EnvelopeId; readonly terms: ReviewTerms; readonly repeating?: true }
  | { readonly status: 'denied'; readonly id: EnvelopeId; readonly by: string; readonly comment: string }

/** The repository that the action names, as GitHub knows it now. */
export interface RepositoryFact {
  /** GitHub's number of it, which a rename leaves as it is. */
  readonly id: number
  /** Its present name: another one than was asked for where it was renamed or moved. */
  readonly repository: Repository
  readonly defaultBranch: string
  readonly private: boolean
  readonly archived: boolean
}

/** The branch that the action writes: of a pull request's action its base. */
export interface BranchFact {
  /** Its name, also where the caller named none and meant the default one. */
  readonly name: string
  readonly isDefault: boolean
  /** Its commit; null where it does not exist. */
  readonly sha: string | null
  /** Whether GitHub itself protects it, by branch protection or by a ruleset. */
  readonly protected: boolean
  /** Checks that GitHub demands before a merge into it. */
  readonly requiredChecks: readonly string[]
}

/** The pull request that the action names. */
export interface PullFact {
  readonly number: number
  readonly url: string
  readonly state: 'open' | 'closed' | 'merged'
  readonly draft: boolean
  readonly title: string
  readonly author: string
  readonly base: string
  readonly headRef: string
  readonly headSha: string
  /** Null where the fork is gone. */
  readonly headRepository: Repository | null
}

/** The checks and statuses of a pull request's head commit, the demanded ones of its base among them. */
export interface ChecksFact {
  readonly sha: string
  /** `none`: nothing ever ran, and nothing is demanded. */
  readonly state: 'green' | 'pending' | 'red' | 'none'
  readonly failing: readonly string[]
  /** Running, or demanded and not begun. */
  readonly pending: readonly string[]
}

/** The reviews of a pull request that hold for its head commit; those of its author count for nothing. */
export interface ReviewsFact {
  readonly sha: string
  readonly approvedBy: readonly string[]
  readonly changesRequestedBy: readonly string[]
}

/** One file of a change. */
export interface ChangedFile {
  readonly path: string
  /** Where a rename took it from. */
  readonly previousPath: string | null
  readonly status: 'added' | 'modified' | 'removed' | 'renamed'
  /** Lines; null where they are not known (binary, too large). */
  readonly additions: number | null
  readonly deletions: number | null
  /** The lines that are new, joined by `\n`; null where they are not known. */
  readonly added: string | null
}

/** What the action changes: of a write its files against what is there now, of a pull request's action its files. */
export interface ChangesFact {
  readonly files: readonly ChangedFile[]
  /** False where there are more files than could be listed. */
  readonly complete: boolean
}

/** What the caller has read lately, of which kind. */
export interface TaintFact {
  /** Text that strangers could have written: `acme/site: issue_read`. */
  readonly untrusted: readonly string[]
  /** Repositories that are not public: `acme/secrets`. */
  readonly private: readonly string[]
}

/** Whether direct writes can be carried out as pull requests for this upstream. */
export type RewritingFact = { readonly possible: true } | { readonly possible: false; readonly reason: string }

export const ROOM_ROLES = ['DEVELOPER', 'ADMIN', 'OWNER'] as const
/** Rank of a member in a room, least first. From the room's record, never from the caller. */
export type RoomRole = (typeof ROOM_ROLES)[number]

/** The room of the repository that the action names (of a room's key: its own room), as it concerns this caller. */
export interface RoomFact {
  readonly id: string
  readonly repository: Repository
  readonly role: RoomRole
  /** The caller's key is this room's: it reaches no other repository. */
  readonly confined: boolean
  /** The role's map: canonical `tool` or `tool:method` to whether it may be used; what is not in it may. */
  readonly tools: Readonly<Record<string, boolean>>
  /** What holds where no rule matches; null leaves it to the policy. */
  readonly permission: { readonly read: RoomPermission; readonly write: RoomPermission } | null
  readonly mode: RoomMode
}
export const ROOM_PERMISSIONS = ['allow', 'hold', 'deny'] as const
export type RoomPermission = (typeof ROOM_PERMISSIONS)[number]
export const ROOM_MODES = ['observe', 'warn', 'enforce'] as const
export type RoomMode = (typeof ROOM_MODES)[number]

/** The facts a policy can ask for, by key. */
export interface FactValues {
  readonly approval: ApprovalFact
  readonly repository: RepositoryFact
  readonly branch: BranchFact
  readonly pull: PullFact
  readonly checks: ChecksFact
  readonly reviews: ReviewsFact
  readonly changes: ChangesFact
  readonly taint: TaintFact
  readonly rewriting: RewritingFact
  /** Null where the repository has no room, or the action names no repository. */
  readonly room: RoomFact | null
}
export type FactKey = keyof FactValues

/** All but the approval, which is looked up last and changes no judgement. */
export const CONTEXT_FACTS = [
  'repository',
  'branch',
  'pull',
  'checks',
  'reviews',
  'changes',
  'taint',
  'rewriting',
  'room',
] as const satisfies readonly FactKey[]

export type Facts = { readonly [K in FactKey]?: Fact<FactValues[K]> }
