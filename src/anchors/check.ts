import type { Hash } from '../ledger/merkle/tree.ts'
import { readCheckpoint } from '../ledger/notes/checkpoint.ts'
import { type NoteFault, openNote, parseSignatureLine } from '../ledger/notes/note.ts'
import { keysInForce, type TrustPolicy, witnessesInForce } from '../ledger/notes/trust-policy.ts'
import type { StoredCheckpoint, StoredReceipt } from '../ledger/store.ts'
import { checkpointIn } from './checkpoint-in.ts'

/** What an anchor gives for a log. */
export type AnchoredNote =
  /** A signed note read back from a place that the log's administrator cannot write to. `sink` as a person names it: `file`, `git`. */
  | { readonly by: 'place'; readonly sink: string; readonly note: string }
  /** A note with the lines of witnesses, wherever it was kept: it counts for each pinned witness that signed, and only so. */
  | { readonly by: 'witness'; readonly note: string }

/** The notes of checkpoints with the cosignatures that receipts hold. What is no cosignature line, such as a file's receipt, is left out. */
export function cosignedNotes(
  checkpoints: readonly StoredCheckpoint[],
  receipts: readonly StoredReceipt[],
): AnchoredNote[] {
  const notes = new Map(checkpoints.map(({ size, note }) => [size, note]))
  return receipts.flatMap(({ size, receipt }) => {
    const note = notes.get(size)
    return note === undefined || parseSignatureLine(receipt) === null
      ? []
      : [{ by: 'witness', note: `${note}${receipt}\n` }]
  })
}

export type AnchorFindingClass =
  | 'ROLLBACK'
  | 'FORK'
  | 'REWRITTEN'
  | 'WRONG_LOG'
  | 'BAD_SIGNATURE'
  | 'WRONG_KEY'
  | 'UNSIGNED'
  | 'UNREADABLE'

export interface AnchorFinding {
  readonly class: AnchorFindingClass
  readonly sink: string
  /** The anchored size, or null where the note does not tell one. */
  readonly size: number | null
  /** For `REWRITTEN`: the first changed entry's `n` is at least this (the largest anchored size that still holds, or 0) ... */
  readonly from: number | null
  /** ... and below this, the first anchored size that does not. */
  readonly to: number | null
  readonly detail: string
}

/** What the anchors say of a log. */
export interface AnchorReport {
  /** Any of these is tampering. The worst first: `FORK`, `ROLLBACK`, `REWRITTEN`, then notes that prove nothing. */
  readonly findings: readonly AnchorFinding[]
  /** For each sink, a witness under its key's name, the largest anchored size that the log still holds: what is below cannot have been changed since. */
  readonly covered: ReadonlyMap<string, number>
  /** Anchored sizes whose root the source could not give: neither held against the log nor for it. */
  readonly undecided: readonly number[]
}

/** The log as it was found. */
export interface FoundLog {
  readonly origin: string
  readonly size: number
  /** The root over the first `size` entries, recomputed or proved, at any size up to the log's; null where that cannot be told. */
  readonly rootAt: (size: number) => Hash | null
}

interface Anchored {
  readonly sink: string
  readonly size: number
  readonly root: Hash
}

/** The sizes at which `checkAnchors` will ask for the log's root, ascending, each once: so that one pass over a log finds all. */
export function anchoredSizes(notes: readonly AnchoredNote[]): number[] {
  const sizes = notes.flatMap(({ note }) => checkpointIn(note)?.size ?? [])
  return [...new Set(sizes)].sort((a, b) => a - b)
}

/** Compares a log with what was anchored of it. Pure. A note counts only with a good signature of a key pinned in `policy`. */
export function checkAnchors(log: FoundLog, notes: readonly AnchoredNote[], policy: TrustPolicy): AnchorReport {
  const findings: AnchorFinding[] = []
  const anchored: Anchored[] = []
  for (const one of notes) {
    const read = readAnchored(one, log.origin, policy)
    if (!Array.isArray(read)) findings.push(read)
    else anchored.push(...read)
  }
  anchored.sort((a, b) => a.size - b.size)
  const compared = compare(log, anchored)
  const all = [...contradictions(anchored), ...compared.findings, ...findings]
  return { ...compared, findings: all.sort((a, b) => SEVERITY[a.class] - SEVERITY[b.class]) }
}

const SEVERITY = {
  ...{ FORK: 0, ROLLBACK: 1, REWRITTEN: 2, BAD_SIGNATURE: 3, WRONG_KEY: 4, UNSIGNED: 5, WRONG_LOG: 6, UNREADABLE: 7 },
} as const satisfies Record<AnchorFindingClass, number>

function finding(kind: AnchorFindingClass, sink: string, size: number | null, detail: string): AnchorFinding {
  return { class: kind, sink, size, from: null, to: null, detail }
}

function readAnchored(anchored: AnchoredNote, origin: string, policy: TrustPolicy): Anchored[] | AnchorFinding {
  const { by, note } = anchored
  const sink = by === 'place' ? anchored.sink : 'witness'
  const claimed = checkpointIn(note)
  if (claimed === null) return finding('UNREADABLE', sink, null, 'not a checkpoint')
  // The claim only chooses the keys; what is compared is the text that they signed.
  const { size } = claimed
  if (claimed.origin !== origin) return finding('WRONG_LOG', sink, size, 'a checkpoint of another log')
  const opened = openNote(note, by === 'place' ? keysInForce(policy, size) : witnessesInForce(policy, size))
  // Anybody may cosign: a witness that is not pinned is no evidence, neither for the log nor against it.
  if (!opened.ok && by === 'witness' && opened.fault !== 'bad_signature') return []
  if (!opened.ok) return finding(FAULTS[opened.fault], sink, size, opened.reason)
  const checkpoint = readCheckpoint(opened.text)
  if (checkpoint === null) return finding('UNREADABLE', sink, size, 'not a checkpoint')
  const { root } = checkpoint
  if (by === 'place') return [{ sink, size: checkpoint.size, root }]
  return opened.signatures.map(({ name }) => ({ sink: name, size: checkpoint.size, root }))
}

const FAULTS = {
  bad_signature: 'BAD_SIGNATURE',
  unknown_key: 'WRONG_KEY',
  unsigned: 'UNSIGNED',
  malformed: 'UNREADABLE',
} as const satisfies Record<NoteFault, AnchorFindingClass>

/** Two signed roots for one size: whatever the log says now, it has told two histories. */
function contradictions(anchored: readonly Anchored[]): AnchorFinding[] {
  const first = new Map<number, Anchored>()
  const told = new Set<number>()
  const found: AnchorFinding[] = []
  for (const one of anchored) {
    const other = first.get(one.size)
    first.set(one.size, other ?? one)
    if (other === undefined || told.has(one.size) || same(other.root, one.root)) continue
    told.add(one.size)
    found.push(
      finding('FORK', one.sink, one.size, `it and ${other.sink} hold two signed roots for ${one.size} entries`),
    )
  }
  return found
}

function compare(log: FoundLog, anchored: readonly Anchored[]): AnchorReport {
  const findings: AnchorFinding[] = []
  const covered = new Map<string, number>()
  const undecided = new Set<number>()
  let good = 0
  let bad: Anchored | null = null
  for (const one of anchored) {
    if (one.size > log.size) {
      const detail = `${one.size} entries were anchored, ${log.size} were found`
      findings.push(finding('ROLLBACK', one.sink, one.size, detail))
      continue
    }
    const root = log.rootAt(one.size)
    if (root === null) undecided.add(one.size)
    else if (same(root, one.root)) {
      covered.set(one.sink, one.size)
      // A tree that holds all of an anchored one holds all below it as well, so `good` ends before the first bad one.
      if (bad === null) good = one.size
    } else if (one.size === log.size) {
      findings.push(finding('FORK', one.sink, one.size, 'another root was anchored for exactly this many entries'))
    } else bad ??= one
  }
  if (bad !== null) {
    const detail = `an entry from ${good} to ${bad.size - 1} is not the one that was anchored`
    findings.push({ class: 'REWRITTEN', sink: bad.sink, size: bad.size, from: good, to: bad.size, detail })
  }
  return { findings, covered, undecided: [...undecided] }
}

function same(a: Hash, b: Hash): boolean {
  return Buffer.compare(a, b) === 0
}
