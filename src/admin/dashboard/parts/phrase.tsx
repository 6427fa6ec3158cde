import type { Phrase } from '../../../oversight/phrase.ts'
import { Said } from './said.tsx'

/** A sentence of ours in which what others supplied is set apart. */
export function Sentence({ of }: { readonly of: Phrase }) {
  return (
    <>
      {of.map((piece) =>
        typeof piece === 'string' ? piece : <Said text={piece.said} name="words" brief={160} strong />,
      )}
    </>
  )
}
