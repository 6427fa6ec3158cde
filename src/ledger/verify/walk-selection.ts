import { after, before, type Findings } from './damage.ts'
import type { Testimony } from './testimony.ts'

/** Walks some entries of a session, in order: each must hold for itself, and neighbours must name each other. */
export function createSelection(
  { origin, session }: { readonly origin: string; readonly session: string },
  findings: Findings,
): { step(entry: Testimony): void } {
  let earlier: { readonly seq: number; readonly n: number; readonly hash: string } | null = null

  function step(entry: Testimony): void {
    const { body, n } = entry
    if (body === null || !entry.sound) {
      const found = entry.sound ? 'NON_CANONICAL' : 'ALTERED_BODY'
      findings.add(
        found,
        null,
        n,
        entry.sound ? 'not an entry of this format' : 'the body does not have the stored hash',
      )
      return
    }
    if (body.log !== origin) findings.add('WRONG_LOG', before(body.seq), n, `belongs to log ${body.log}`)
    if (body.session !== session) {
      findings.add('WRONG_SESSION', before(body.seq), n, `belongs to session ${body.session}`)
    }
    compare(n, body.seq, body.prev)
    earlier = { seq: body.seq, n, hash: entry.bodyHash }
  }

  function compare(n: number, seq: number, prev: string): void {
    if (earlier === null) return
    if (seq === earlier.seq + 1 && prev !== earlier.hash) {
      findings.add('ALTERED_LINK', before(seq), n, 'names another predecessor')
    }
    if (seq <= earlier.seq || n <= earlier.n)
      findings.add('REORDERED', after(earlier.seq), n, 'not in the order of the log')
  }

  return { step }
}
