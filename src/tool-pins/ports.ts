import type { Sha256 } from '../core/ids.ts'

/** What stands out in a tool's definition. Shown to people; only those in `WITHHOLDING` keep a tool back by themselves. */
export const FINDINGS = [
  'confusable-name',
  'hidden-characters',
  'hidden-markup',
  'instructs-the-model',
  'asks-for-secrets',
  'sends-data-away',
  'encoded-text',
  'pushed-out-of-view',
  'unusually-long',
  'listed-later',
] as const
export type PinFinding = (typeof FINDINGS)[number]

/** One definition of one tool, as an upstream listed it. */
export interface Pin {
  readonly upstream: string
  readonly tool: string
  /** SHA-256 over the canonical form of the definition. */
  readonly digest: Sha256
  /** The same without what servers write differently for clients of the two eras of MCP: `outputSchema` and `execution`. */
  readonly core: Sha256
  readonly era: Era
  /** `accepted`: may be shown and called. `waiting`: withheld until a person accepts it; at most one a tool. */
  readonly status: 'accepted' | 'waiting'
  readonly findings: readonly PinFinding[]
  /** Milliseconds since the epoch. */
  readonly seenAt: number
  readonly decidedAt: number | null
  /** The principal who accepted it, `FIRST_SIGHT` or `OTHER_ERA`; null while it waits. */
  readonly decidedBy: string | null
}

/** Under this name the `instructions` of an upstream's greeting are pinned like a tool's definition. No tool may have it. */
export const INSTRUCTIONS = '(instructions)'

/** Era of the client for which a list was made: 2026-07-28 and later are modern. */
export type Era = 'legacy' | 'modern'

/** What accepted a definition where no person was asked: it was the tool's first. No principal has this name. */
export const FIRST_SIGHT = 'first-sight'
/**
 * Likewise: it differs from an accepted one only as the other era demands, and is the first of that era. The official SDKs
 * wrap an output schema that is no object for legacy clients.
 */
export const OTHER_ERA = 'other-era'

/** A pin with the definition itself: canonical JSON, upstream-controlled. */
export interface PinnedDefinition extends Pin {
  /** Null where it was too long to be kept. */
  readonly definition: string | null
}

export type PinKey = Pick<Pin, 'upstream' | 'tool' | 'digest'>

export interface PinStore {
  /** All pins, in the order in which they were accepted, those that wait last. */
  index(): Promise<readonly Pin[]>
  /** Those of one upstream, or of one of its tools, with their definitions; in the same order. */
  of(upstream: string, tool: string | null): Promise<readonly PinnedDefinition[]>
  /**
   * Keeps definitions that are trusted because they are the first of their tools (or of their era). One of a tool that has a
   * first already is left out: two gateways that see different ones at once must not trust both.
   */
  trust(pins: readonly PinnedDefinition[]): Promise<void>
  /** Keeps definitions that wait, each in place of what waited of its tool before. */
  hold(pins: readonly PinnedDefinition[]): Promise<void>
  /** waiting -> accepted. False where this very definition does not wait (any more). */
  accept(pin: PinKey, by: string, at: number): Promise<boolean>
  /** Drops a definition that waits. False where it does not (any more). */
  reject(pin: PinKey): Promise<boolean>
}
