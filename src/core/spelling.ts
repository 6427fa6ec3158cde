/**
 * ``, did you mean `deny`?`` where a known word is near; else the known words in a row. For the end of an error message.
 * @param others words that are understood too, but not advertised.
 */
export function hint(word: string, known: readonly string[], others: readonly string[] = []): string {
  const near = nearest(word, [...known, ...others])
  return near === null ? `; known: ${known.join(', ')}` : `, did you mean \`${near}\`?`
}

/** The known word at the smallest edit distance, or null where even that is a third of the word away. */
export function nearest(word: string, known: readonly string[]): string | null {
  const typed = word.toLowerCase().slice(0, 64)
  const limit = Math.max(1, Math.ceil(typed.length / 3))
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(typed, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
  return ranked[0]?.candidate ?? null
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
