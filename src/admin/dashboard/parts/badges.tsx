import { Said } from './said.tsx'

const DECISIONS: Readonly<Record<string, string>> = {
  allow: 'allowed',
  block: 'blocked',
  review: 'review',
  rewrite: 'rewritten',
  approve: 'approved',
  deny: 'denied',
  expire: 'expired',
  result: 'result',
  override: 'override',
  orphan: 'orphan',
  pending: 'pending',
  approved: 'approved',
  denied: 'denied',
  expired: 'expired',
  redeemed: 'used',
}
const LEVELS = ['low', 'medium', 'high', 'critical']

/** What was decided, as a word; the colour only repeats it. */
export function Decision({ kind }: { readonly kind: string }) {
  const word = DECISIONS[kind]
  return word === undefined ? <Said text={kind} /> : <span class={`badge k-${kind}`}>{word}</span>
}

export function Blast({ level, score }: { readonly level: string; readonly score?: number | undefined }) {
  if (!LEVELS.includes(level)) return <Said text={level} />
  return (
    <span class={`blast b-${level}`} title={score === undefined ? 'blast radius' : `blast radius: ${score} of 100`}>
      {level}
    </span>
  )
}

/** A tool's name: what stands before the dot is its room. */
export function Tool({ name }: { readonly name: string }) {
  return (
    <span class="tool">
      <Said text={name} name="strict" brief={160} />
    </span>
  )
}
