/** A sentence of ours with what others supplied kept apart, so that whoever shows it can escape, isolate and mark it. */
export type Phrase = readonly (string | Supplied)[]

/** Text that an agent, an upstream or a repository chose. */
export interface Supplied {
  readonly said: string
}

/** Words between the backticks are ours; texts that are filled in are not. Numbers and phrases are taken as they are. */
export function phrase(words: TemplateStringsArray, ...filled: readonly (string | number | Phrase)[]): Phrase {
  return words.flatMap((word, index): Phrase => {
    const value = filled[index]
    const ours = word === '' ? [] : [word]
    if (value === undefined) return ours
    if (typeof value === 'string') return [...ours, { said: value }]
    return typeof value === 'number' ? [...ours, String(value)] : [...ours, ...value]
  })
}

/** The sentence as one text, for places that have no markup. */
export function plainText(sentence: Phrase): string {
  return sentence.map((piece) => (typeof piece === 'string' ? piece : piece.said)).join('')
}

/** Longest text that a sentence quotes, in characters: the whole of it stands beside the sentence. */
const QUOTED = 120

export function short(text: string): string {
  const line = text.trim()
  return line.length <= QUOTED ? line : `${line.slice(0, QUOTED)}…`
}
