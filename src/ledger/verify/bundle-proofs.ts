import type { BundleReceipt } from '../format/bundle-format.ts'
import { leafHash } from '../format/chain.ts'
import { parseSignatureLine } from '../notes/note.ts'
import { parseTlogProof } from '../notes/tlog-proof.ts'
import type { DamageClass } from './damage.ts'
import { included, type LogFault, type Pins, type Trust, UNSIGNED, type Vouched, vouch } from './trust.ts'

/** A leaf of the log as a bundle presents it. */
export interface PresentedLeaf {
  readonly n: number | null
  readonly body: string
}

/** That a leaf is in a signed tree, and who vouches for the tree. */
export type Proven = Exclude<Vouched, { by: 'fault' }> & { readonly note: string }

/** Checks the proofs of one bundle. What is wrong with them gathers in `faults`. */
export interface Proofs {
  readonly faults: readonly LogFault[]
  fault(kind: DamageClass, detail: string, n?: number): void
  /** Null where the proof does not prove it: `failure` is what that is called. */
  check(leaf: PresentedLeaf, proof: string, failure: 'MANIFEST_FORGED' | 'REWRITTEN'): Proven | null
  /** The trust in what `proven` covers, with the witnesses that answered to its checkpoint. */
  trust(proven: Proven | null, receipts: readonly BundleReceipt[]): Trust
}

export function createProofs(origin: string, pins: Pins | null): Proofs {
  const faults: LogFault[] = []
  /** Each note is opened once: the proofs of a bundle share theirs. */
  const opened = new Map<string, Vouched>()
  const roots = new Map<number, string>()

  function open(note: string): Vouched {
    const known = opened.get(note)
    if (known !== undefined) return known
    const vouched = vouch(note, origin, pins)
    opened.set(note, vouched)
    if (vouched.by === 'fault') faults.push(vouched.fault)
    else if (vouched.by === 'pinned')
      compare(vouched.checkpoint.size, Buffer.from(vouched.checkpoint.root).toString('hex'))
    return vouched
  }

  function compare(size: number, root: string): void {
    const other = roots.get(size)
    roots.set(size, root)
    if (other !== undefined && other !== root) fault('FORK', `two roots were signed for ${size} entries`)
  }

  function fault(kind: DamageClass, detail: string, n?: number): void {
    faults.push({ kind, detail, ...(n !== undefined && { n }) })
  }

  function check({ n, body }: PresentedLeaf, proof: string, failure: 'MANIFEST_FORGED' | 'REWRITTEN'): Proven | null {
    const refused = (detail: string) => {
      fault(failure, detail, n ?? undefined)
      return null
    }
    const read = parseTlogProof(proof)
    if (read === null) return refused('its proof is none')
    if (n === null || read.index !== n) return refused(`its proof is that of leaf ${read.index}`)
    const vouched = open(read.checkpoint)
    if (vouched.by === 'fault') return null
    if (included(leafHash(body), n, vouched.checkpoint, read.hashes)) return { ...vouched, note: read.checkpoint }
    return refused(`it is not leaf ${n} of the signed log of ${vouched.checkpoint.size}`)
  }

  function trust(proven: Proven | null, receipts: readonly BundleReceipt[]): Trust {
    for (const { note } of receipts) if (note !== undefined) open(note)
    if (proven?.by !== 'pinned') return UNSIGNED
    const vouched = open(proven.note + cosignatures(receipts, proven.checkpoint.size, pins))
    return vouched.by === 'pinned' ? vouched.trust : UNSIGNED
  }

  return { faults, fault, check, trust }
}

/** The lines of pinned witnesses: only they count, and only their bad ones tell anything. */
function cosignatures(receipts: readonly BundleReceipt[], size: number, pins: Pins | null): string {
  const lines = new Set<string>()
  for (const { receipt, size: seen } of receipts) {
    const line = seen === size ? parseSignatureLine(receipt) : null
    const ours = pins?.policy.keys.some(
      ({ key }) => key.kind === 'cosignature' && key.name === line?.name && key.id === line.id,
    )
    if (ours === true) lines.add(`${receipt}\n`)
  }
  return [...lines].join('')
}
