import { formatSignatureLine, openNote, parseNote } from '../ledger/notes/note.ts'
import { parseVkey, type VerifierKey } from '../ledger/notes/vkey.ts'
import type { StoredCheckpoint } from '../ledger/store.ts'
import { formatAddCheckpoint, parseSizeAnswer } from './add-checkpoint.ts'
import { type Anchor, AnchorError, type Prove } from './anchor.ts'
import { type HttpAnswer, post } from './http-post.ts'

/** Room for the lines of a witness with several keys. */
const ANSWER_BYTES = 16 * 1024
/** The first says how far the witness is, the second goes on from there, the third is for another gateway in between. */
const ROUNDS = 3

/** The witness's key, or null where the text is no cosigner's vkey. */
export function witnessKey(vkey: string): VerifierKey | null {
  const key = parseVkey(vkey)
  return key?.kind === 'cosignature' ? key : null
}

/**
 * Asks a witness (c2sp.org/tlog-witness) to cosign: it answers only for a tree that continues the last it saw. `url` is its
 * submission prefix. Receipt: the cosignature line, verified with the pinned key.
 */
export function witnessAnchor(name: string, url: string, key: VerifierKey): Anchor {
  const endpoint = `${url.replace(/\/+$/, '')}/add-checkpoint`
  /** What the witness last cosigned, as far as known. It says so itself where this is wrong. */
  let known = 0

  async function ask(checkpoint: StoredCheckpoint, from: number, prove: Prove, signal: AbortSignal) {
    const proof = await prove(from)
    const body = formatAddCheckpoint({ oldSize: from, proof, note: checkpoint.note })
    return post(endpoint, { headers: { 'content-type': 'text/plain' }, body }, ANSWER_BYTES, signal)
  }

  return {
    name,
    kind: 'witness',
    async submit(checkpoint, prove, signal) {
      let from = known <= checkpoint.size ? known : 0
      for (let round = 0; round < ROUNDS; round++) {
        const answer = await ask(checkpoint, from, prove, signal)
        if (answer.status === 200) {
          const line = cosignatureIn(answer.body, checkpoint.note, key)
          known = checkpoint.size
          return line
        }
        from = goOnFrom(answer, from, checkpoint.size)
      }
      throw new AnchorError('refused', 'it moves on faster than it can be followed')
    },
  }
}

/** The size the witness says it has, where one can go on from there. @throws AnchorError */
function goOnFrom({ status, type, body }: HttpAnswer, from: number, size: number): number {
  if (status === 422) throw new AnchorError('rewritten', `this log does not continue the ${from} entries it cosigned`)
  if (status !== 409) throw new AnchorError('refused', `it answered with status ${status}${MEANING[status] ?? ''}`)
  const held = parseSizeAnswer(type, body)
  if (held !== null && held > size) {
    throw new AnchorError('rollback', `it cosigned ${held} entries, this checkpoint has ${size}`)
  }
  if (from === size && (held === null || held === size)) {
    throw new AnchorError('fork', `it cosigned another root for ${size} entries`)
  }
  if (held === null || held === from)
    throw new AnchorError('refused', 'it answered with a conflict it does not explain')
  return held
}

const MEANING: Readonly<Record<number, string>> = {
  400: ': it does not read the request',
  403: ': it does not trust the key that signed',
  404: ': it does not know this log',
}

/** @throws AnchorError where the answer holds no good signature of the pinned key on this very text */
function cosignatureIn(answer: string, note: string, key: VerifierKey): string {
  const parsed = parseNote(note)
  if (typeof parsed === 'string') throw new AnchorError('refused', `the checkpoint is no note: ${parsed}`)
  const opened = openNote(`${parsed.text}\n${answer}`, [key])
  const line = opened.ok && opened.text === parsed.text ? opened.signatures[0] : undefined
  if (line === undefined) throw new AnchorError('refused', 'its answer holds no good cosignature of the pinned key')
  return formatSignatureLine(line)
}
