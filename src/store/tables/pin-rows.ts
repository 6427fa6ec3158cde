import type { Sha256 } from '../../core/ids.ts'
import { FINDINGS, type PinFinding, type PinnedDefinition } from '../../tool-pins/ports.ts'

/** Rows of one statement: a definition may have 64 KiB, and databases bound the parameters of a statement. */
const SLICE = 100

export function* slices<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += SLICE) yield all.slice(from, from + SLICE)
}

/** As both databases keep it: findings as one text. */
export function pinRow(pin: PinnedDefinition) {
  return { ...pin, findings: pin.findings.join(' ') }
}

export function hashesOf({ digest, core }: { digest: string; core: string }): { digest: Sha256; core: Sha256 } {
  return { digest: digest as Sha256, core: core as Sha256 }
}

/** Words of a later Aegis are left out. */
export function readFindings(text: string): readonly PinFinding[] {
  const words = text.split(' ')
  return FINDINGS.filter((finding) => words.includes(finding))
}
