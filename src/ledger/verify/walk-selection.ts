import { after, before, type Findings } from './damage.ts'
import type { Testimony } from './testimony.ts'

/** Walks some entries of a session, in order: each must hold for itself, and neighbours must name each other. */
export function createSelection(
  { origin, session }: { readonly origin: string; readonly session: string },
  findings: Findings,
): { step(entry: Testimony): void } {
  let earlier: Testimony | null = null

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
    compare(entry, body.seq, body.prev)
    earlier = entry
  }

  function compare(entry: Testimony, seq: number, prev: string): void {
    const known = earlier?.body?.seq
    if (earlier === null || known === undefined) return
    if (seq === known + 1 && prev !== earlier.bodyHash) {
      findings.add('ALTERED_LINK', before(seq), entry.n, 'names another predecessor')
    }
    if (seq <= known || entry.n <= earlier.n)
      findings.add('REORDERED', after(known), entry.n, 'not in the order of the log')
  }

  return { step }
}
