/** Whether a word is the long option or one of its abbreviations (getopt_long and git take any unambiguous prefix), with or without `=value`. */
export function isAbbreviation(word: string, option: string, least: number): boolean {
  if (!word.startsWith('--')) return false
  const given = (word.split('=', 1)[0] ?? '').slice(2)
  return given.length >= Math.min(least, option.length) && option.startsWith(given)
}

/** Whether a single-dash word holds one of the letters, as in `-xvf`; a value glued to a letter may match too, which only tightens. */
export function hasFlag(word: string, letters: string): boolean {
  if (!/^-[^-]/.test(word)) return false
  for (const letter of word.slice(1)) if (letters.includes(letter)) return true
  return false
}
