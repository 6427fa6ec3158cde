import type { Hash } from '../ledger/merkle/tree.ts'
import type { StoredCheckpoint } from '../ledger/store.ts'

/**
 * Consistency proof (RFC 6962 section 2.1.2) from the tree of `from` entries to the tree of the checkpoint at hand; empty where
 * `from` is 0 or the checkpoint's own size.
 */
export type Prove = (from: number) => Promise<readonly Hash[]>

export type AnchorKind = 'file' | 'git' | 'webhook' | 'witness'

/** A place outside the log's own trust domain that keeps checkpoints, so that whoever rewrites the log contradicts it. */
export interface Anchor {
  /** Unique among the anchors of a gateway; receipts are stored under it. */
  readonly name: string
  readonly kind: AnchorKind
  /**
   * Hands the checkpoint over and gives the receipt, a text without secrets, once the sink holds it. The same again is no error.
   * @throws AnchorError; never later than `signal`
   */
  submit(checkpoint: StoredCheckpoint, prove: Prove, signal: AbortSignal): Promise<string>
}

/**
 * Why a sink took no checkpoint. `unreachable` and `refused` may pass. The others say that the sink knows another history than
 * this log's: a larger one (`rollback`), another root for the size (`fork`), or one this log does not continue (`rewritten`).
 */
export type AnchorFault = 'unreachable' | 'refused' | 'rollback' | 'fork' | 'rewritten'

/** The message names the sink's answer, cut short and without secrets. */
export class AnchorError extends Error {
  override readonly name = 'AnchorError'
  readonly fault: AnchorFault

  constructor(fault: AnchorFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.fault = fault
  }
}

/** What a sink held last. */
export interface Held {
  readonly size: number
  readonly root: Hash
}

/** A sink that can be asked refuses to be led back. @throws AnchorError `rollback`, `fork` */
export function demandForward(held: Held, next: Held): void {
  if (next.size < held.size) {
    throw new AnchorError('rollback', `it holds a checkpoint of ${held.size} entries, this one has ${next.size}`)
  }
  if (next.size === held.size && Buffer.compare(next.root, held.root) !== 0) {
    throw new AnchorError('fork', `it holds another root for ${held.size} entries`)
  }
}
